//! Single questions to Balancing's maps, as its own programs put them: no map is read whole.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddrV4},
    path::Path,
};

use crate::{
    inspect::{
        Error,
        dataplane::{Found, newest},
        maps::decode::{
            Entry,
            balancing::services::{
                BACKENDS, NODE_ADDRESSES, SERVICES, backend_key, mode_name, read_backend, read_service, service_key,
            },
        },
    },
    model::{ServiceFacts, balancing::Service},
};

/// Most backends that are told of a service.
const MOST_BACKENDS: u32 = 256;
/// Kinds of what is translated (`NAT_TYPE_…`), and for whom (`SCOPE_…`).
const NAT_TYPES: [u8; 3] = [0, 1, 2];
const SCOPES: [u8; 2] = [0, 1];

/// The maps that questions are put to.
#[derive(Debug)]
pub struct Lookup {
    services: Found,
    backends: Option<Found>,
    nodes: Option<Found>,
}

impl Lookup {
    /// Takes the maps that are needed; `None` on a machine without Balancing.
    pub fn find(bpffs: &Path) -> Result<Option<Self>, Error> {
        let Some(services) = newest(&SERVICES, bpffs, None)? else { return Ok(None) };
        let (backends, nodes) = (newest(&BACKENDS, bpffs, None)?, newest(&NODE_ADDRESSES, bpffs, None)?);
        Ok(Some(Self { services, backends, nodes }))
    }

    /// The maps.
    pub fn maps(&self) -> impl Iterator<Item = &Found> {
        [Some(&self.services), self.backends.as_ref(), self.nodes.as_ref()].into_iter().flatten()
    }

    /// Where an address leads that is translated. Several rules may be there for one; which of them counts depends on the
    /// client, so all are told.
    pub fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Result<Option<ServiceFacts>, Error> {
        let IpAddr::V4(address) = address else { return Ok(None) };
        let mut facts = ServiceFacts { dataplane: "balancing", ..ServiceFacts::default() };
        let mut kinds = Vec::new();
        for address in self.addresses(address)? {
            for nat_type in NAT_TYPES {
                for scope in SCOPES {
                    let key = service_key(SocketAddrV4::new(address, port), protocol, nat_type, scope);
                    if let Some(service) = self.rule(&key)? {
                        kinds.push(mode_name(service.mode));
                        self.add_backends(&service, nat_type, &mut facts)?;
                    }
                }
            }
        }
        facts.kind = kinds.join(" and ");
        Ok((!kinds.is_empty()).then_some(facts))
    }

    /// A port of every node is stored under an address of its own.
    fn addresses(&self, address: Ipv4Addr) -> Result<Vec<Ipv4Addr>, Error> {
        let is_node = match &self.nodes {
            Some(nodes) => nodes.map.lookup(&address.octets())?.is_some(),
            None => false,
        };
        Ok(if is_node { vec![address, Service::ANY_NODE] } else { vec![address] })
    }

    fn rule(&self, key: &[u8]) -> Result<Option<Service>, Error> {
        let value = self.services.map.lookup(key)?;
        Ok(value.and_then(|value| read_service(&Entry { key, value: &value }, self.services.version).ok()))
    }

    fn add_backends(&self, service: &Service, nat_type: u8, facts: &mut ServiceFacts) -> Result<(), Error> {
        let told = service.backends.min(MOST_BACKENDS);
        facts.more += u64::from(service.backends - told);
        let Some(map) = &self.backends else { return Ok(()) };
        for order in 0..told {
            let key = backend_key(service, nat_type, order);
            let Some(value) = map.map.lookup(&key)? else { continue };
            let backend = read_backend(&Entry { key: &key, value: &value }, map.version).ok();
            facts.backends.extend(backend.map(|backend| (IpAddr::from(*backend.pod.ip()), backend.pod.port())));
        }
        Ok(())
    }
}
