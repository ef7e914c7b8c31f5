//! Single questions to Cilium's maps, as its own programs put them: no map is read whole.

use std::net::IpAddr;

use super::Cilium;
use crate::inspect::{
    Error,
    maps::{
        Found, Map,
        decode::{
            Entry,
            cilium::{
                backends, backends::Backend, endpoint, endpoint::Endpoint, ipcache, ipcache::Ipcache, services,
                services::Service,
            },
        },
    },
};

/// Most backends that are told of a service.
const MOST_BACKENDS: u16 = 256;

/// The maps that questions are put to.
pub struct Lookup {
    minor: u16,
    ipcache: Option<Found>,
    endpoints: Option<Found>,
    services: [Option<Found>; 2],
    backends: [Option<Found>; 2],
}

/// A service and where it sends packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAnswer {
    /// The service.
    pub service: Service,
    /// Its backends, those that are still there.
    pub backends: Vec<Backend>,
    /// How many more there are that are not told.
    pub more: u16,
}

impl Lookup {
    /// Takes the maps that are needed; what is missing or of an unknown layout is never answered from.
    pub fn new(cilium: Cilium) -> Self {
        let minor = cilium.minor;
        let wanted: Vec<(u32, &'static str)> = super::cilium::DECODERS
            .iter()
            .flat_map(|decoder| {
                cilium
                    .of(*decoder)
                    .filter(|(_, layout)| layout.is_ok())
                    .map(|(found, _)| (found.map.info.id, decoder.name()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut lookup = Self { minor, ipcache: None, endpoints: None, services: [None, None], backends: [None, None] };
        for found in cilium.maps {
            let Some((_, name)) = wanted.iter().find(|(id, _)| *id == found.map.info.id) else { continue };
            if let Some(place) = lookup.place(name, &found) {
                *place = Some(found);
            }
        }
        lookup
    }

    fn place(&mut self, name: &str, found: &Found) -> Option<&mut Option<Found>> {
        let family = usize::from(found.label().contains("lb6"));
        match name {
            "ipcache" => Some(&mut self.ipcache),
            "endpoint" => Some(&mut self.endpoints),
            "services" => Some(&mut self.services[family]),
            "backends" => Some(&mut self.backends[family]),
            _ => None,
        }
    }

    /// The maps.
    pub fn maps(&self) -> impl Iterator<Item = &Found> {
        let pairs = self.services.iter().chain(&self.backends);
        [&self.ipcache, &self.endpoints].into_iter().chain(pairs).flatten()
    }

    /// What the address is known as: the longest prefix that holds it.
    pub fn identity(&self, address: IpAddr) -> Result<Option<Ipcache>, Error> {
        let Some(map) = &self.ipcache else { return Ok(None) };
        let key = ipcache::key(address);
        let Some(value) = map.map.lookup(&key)? else { return Ok(None) };
        Ok(ipcache::read(&Entry { key: &key, value: &value }, self.minor).ok())
    }

    /// The endpoint of this node that has the address.
    pub fn endpoint(&self, address: IpAddr) -> Result<Option<Endpoint>, Error> {
        let Some(map) = &self.endpoints else { return Ok(None) };
        let key = endpoint::key(address);
        let Some(value) = map.map.lookup(&key)? else { return Ok(None) };
        Ok(Endpoint::read(&Entry { key: &key, value: &value }, self.minor).ok())
    }

    /// The service at this address, with its backends.
    pub fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Result<Option<ServiceAnswer>, Error> {
        let Some(map) = &self.services[usize::from(address.is_ipv6())] else { return Ok(None) };
        // Where protocols are not told apart, services are stored without one.
        for protocol in [protocol, 0] {
            let Some(service) = slot(&map.map, address, port, protocol, 0)? else { continue };
            let told = service.count.min(MOST_BACKENDS);
            let mut found = Vec::new();
            for number in 1..=told {
                let Some(slot) = slot(&map.map, address, port, protocol, number)? else { continue };
                found.extend(self.backend(slot.backend)?);
            }
            return Ok(Some(ServiceAnswer { service, backends: found, more: service.count - told }));
        }
        Ok(None)
    }

    fn backend(&self, id: u32) -> Result<Option<Backend>, Error> {
        let key = backends::key(id);
        for map in self.backends.iter().flatten() {
            if let Some(value) = map.map.lookup(&key)? {
                return Ok(Backend::read(&Entry { key: &key, value: &value }, self.minor).ok());
            }
        }
        Ok(None)
    }
}

fn slot(map: &Map, address: IpAddr, port: u16, protocol: u8, number: u16) -> Result<Option<Service>, Error> {
    let key = services::key(address, port, protocol, number);
    let value = map.lookup(&key)?;
    Ok(value.and_then(|value| Service::read(&Entry { key: &key, value: &value }).ok()))
}
