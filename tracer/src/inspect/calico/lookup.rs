//! Single questions to Calico's maps, as its own programs put them: no map is read whole.

use std::{net::IpAddr, path::Path};

use crate::{
    inspect::{
        Error,
        dataplane::{Found, newest},
        maps::decode::{
            Entry,
            calico::{
                nat::{self, BACKENDS, FRONTENDS, backend_key, frontend_key},
                node::{self, ROUTES, route_key},
            },
            versions::Versions,
        },
    },
    model::{ServiceFacts, calico::Frontend},
};

/// Most backends that are told of a service.
const MOST_BACKENDS: u32 = 256;

/// The maps that questions are put to, of IPv4 and of IPv6.
#[derive(Debug)]
pub struct Lookup {
    frontends: [Option<Found>; 2],
    backends: [Option<Found>; 2],
    routes: [Option<Found>; 2],
}

impl Lookup {
    /// Takes the maps that are needed; `None` on a machine without Calico's dataplane.
    pub fn find(bpffs: &Path) -> Result<Option<Self>, Error> {
        let (frontends, backends) = (both(&FRONTENDS, bpffs)?, both(&BACKENDS, bpffs)?);
        let found = Self { frontends, backends, routes: both(&ROUTES, bpffs)? };
        let is_here = found.maps().next().is_some();
        Ok(is_here.then_some(found))
    }

    /// The maps.
    pub fn maps(&self) -> impl Iterator<Item = &Found> {
        [&self.frontends, &self.backends, &self.routes].into_iter().flatten().flatten()
    }

    /// Where the service at this address leads.
    pub fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Result<Option<ServiceFacts>, Error> {
        let Some(map) = &self.frontends[family(address)] else { return Ok(None) };
        let key = frontend_key(address, port, protocol);
        let Some(value) = map.map.lookup(&key)? else { return Ok(None) };
        let Ok(service) = nat::read_frontend(&Entry { key: &key, value: &value }, map.version) else { return Ok(None) };
        let dropped = service.count == Frontend::BLACK_HOLE;
        let count = if dropped { 0 } else { service.count };
        let told = count.min(MOST_BACKENDS);
        let mut facts = ServiceFacts { dataplane: "calico", ..ServiceFacts::default() };
        if dropped {
            "that drops".clone_into(&mut facts.kind);
        }
        for ordinal in 0..told {
            facts.backends.extend(self.backend(address, service.id, ordinal)?);
        }
        facts.more = (count - told).into();
        Ok(Some(facts))
    }

    fn backend(&self, service: IpAddr, id: u32, ordinal: u32) -> Result<Option<(IpAddr, u16)>, Error> {
        let Some(map) = &self.backends[family(service)] else { return Ok(None) };
        let key = backend_key(id, ordinal);
        let Some(value) = map.map.lookup(&key)? else { return Ok(None) };
        let backend = nat::read_backend(&Entry { key: &key, value: &value }, map.version).ok();
        Ok(backend.map(|backend| (backend.address.ip(), backend.address.port())))
    }

    /// What the routes say of an address, in the words of `routes dump`.
    pub fn route(&self, address: IpAddr) -> Result<Option<String>, Error> {
        let Some(map) = &self.routes[family(address)] else { return Ok(None) };
        let key = route_key(address);
        let Some(value) = map.map.lookup(&key)? else { return Ok(None) };
        let route = node::read_route(&Entry { key: &key, value: &value }, map.version).ok();
        Ok(route.map(|route| node::words(&route)))
    }
}

/// The maps of IPv4 and of IPv6.
fn both(versions: &'static Versions, bpffs: &Path) -> Result<[Option<Found>; 2], Error> {
    Ok([newest(versions, bpffs, Some(false))?, newest(versions, bpffs, Some(true))?])
}

fn family(address: IpAddr) -> usize {
    usize::from(address.is_ipv6())
}
