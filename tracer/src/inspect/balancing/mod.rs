//! Balancing's maps joined: an address that is translated, what stands behind it, who keeps which backend, which sockets went
//! there. Pure: the rows are read elsewhere.

mod lookup;
pub mod status;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    str::FromStr,
};

pub use lookup::Lookup;

use crate::model::balancing::{Affinity, Backend, NatRecord, NatType, Service};

/// All that is joined.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// `map_service`
    pub services: Vec<Service>,
    /// `map_backend`
    pub backends: Vec<Backend>,
    /// `map_affinity`
    pub affinity: Vec<Affinity>,
    /// `map_nat_record`
    pub records: Vec<NatRecord>,
    /// `map_node_ip`
    pub nodes: Vec<Ipv4Addr>,
    /// `map_node_proxy_ip`
    pub proxies: BTreeMap<u32, Ipv4Addr>,
}

/// An address with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The address.
    pub service: Service,
    /// What stands behind it, in order.
    pub backends: Vec<Backend>,
    /// Orders below the service's count without a backend.
    pub missing: u64,
    /// Who keeps which backend.
    pub clients: Vec<Affinity>,
    /// Sockets that wanted to go there.
    pub sockets: Vec<NatRecord>,
}

/// Which addresses are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// All there are.
    All,
    /// That of this number (the annotation `balancing.elf.io/serviceId`).
    Id(u32),
    /// This one, with any port or one.
    Address(Ipv4Addr, Option<u16>),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Ok(address) = text.parse::<SocketAddrV4>() {
            return Ok(Self::Address(*address.ip(), Some(address.port())));
        }
        let address = text.parse().map(|address| Self::Address(address, None));
        address.map_err(|_| "expected `all`, an IPv4 address, ADDRESS:PORT or the number of a service".to_owned())
    }
}

impl Target {
    fn means(self, service: &Service) -> bool {
        match self {
            Self::All => true,
            Self::Id(id) => service.id == id,
            Self::Address(ip, port) => {
                *service.address.ip() == ip && port.is_none_or(|port| service.address.port() == port)
            }
        }
    }
}

impl Tables {
    /// The addresses of a kind that are meant, sorted.
    pub fn trace(&self, kind: NatType, target: Target) -> Vec<Traced> {
        let wanted = self.services.iter().filter(|service| service.nat_type == kind && target.means(service));
        let mut services: Vec<Service> = wanted.copied().collect();
        services.sort_unstable_by_key(|service| (service.address, service.protocol, service.scope));
        services.into_iter().map(|service| self.one(service)).collect()
    }

    fn one(&self, service: Service) -> Traced {
        let mut backends: Vec<Backend> =
            self.backends.iter().filter(|backend| belongs(&service, backend)).copied().collect();
        backends.sort_unstable_by_key(|backend| backend.order);
        let present = backends.iter().filter(|backend| backend.order < service.backends).count() as u64;
        let is_ours = |nat| self.leads(&service, nat) || !self.leads_elsewhere(&service, nat);
        let clients = self.affinity.iter().filter(|entry| self.is_to(&service, entry.original, entry.protocol));
        let mut clients: Vec<Affinity> = clients.filter(|entry| is_ours(entry.nat)).copied().collect();
        clients.sort_unstable_by_key(|entry| (entry.original, entry.client));
        let sockets = self.records.iter().filter(|record| self.is_to(&service, record.original, record.protocol));
        let mut sockets: Vec<NatRecord> = sockets.filter(|record| is_ours(record.nat)).copied().collect();
        sockets.sort_unstable_by_key(|record| (record.nat, record.socket));
        let missing = u64::from(service.backends).saturating_sub(present);
        Traced { service, backends, missing, clients, sockets }
    }

    /// Whether a backend of the service is there.
    fn leads(&self, service: &Service, nat: SocketAddrV4) -> bool {
        self.backends.iter().any(|backend| backend.pod == nat && belongs(service, backend))
    }

    /// Whether something else translates the same address, and leads there: a policy beside the service that it is for.
    fn leads_elsewhere(&self, service: &Service, nat: SocketAddrV4) -> bool {
        let same = |other: &&Service| {
            (other.address, other.protocol) == (service.address, service.protocol)
                && (other.nat_type, other.scope) != (service.nat_type, service.scope)
        };
        self.services.iter().filter(same).any(|other| self.leads(other, nat))
    }

    /// Whether a destination is this service's: of a NodePort every address of a node is.
    fn is_to(&self, service: &Service, destination: SocketAddrV4, protocol: u8) -> bool {
        let is_address = match *service.address.ip() {
            Service::ANY_NODE => self.nodes.contains(destination.ip()),
            ip => ip == *destination.ip(),
        };
        is_address && protocol == service.protocol && destination.port() == service.address.port()
    }
}

fn belongs(service: &Service, backend: &Backend) -> bool {
    (backend.id, backend.nat_type, backend.port, backend.protocol, backend.scope)
        == (service.id, service.nat_type, service.address.port(), service.protocol, service.scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(address: &str, nat_type: NatType, id: u32, backends: u32) -> Service {
        Service {
            address: address.parse().unwrap(),
            protocol: 17,
            nat_type,
            scope: 0,
            id,
            backends,
            local_backends: 0,
            affinity: 0,
            service_flags: 0,
            balancing_flags: 0,
            redirect_flags: 0,
            mode: 1,
        }
    }

    fn backend(id: u32, order: u32, port: u16) -> Backend {
        let pod = format!("172.20.1.{order}:{port}").parse().unwrap();
        Backend { id, order, port, protocol: 17, nat_type: NatType::Service, scope: 0, pod, node: 1, node_port: 0 }
    }

    fn record(socket: u64, original: &str) -> NatRecord {
        let nat = "172.20.1.0:53".parse().unwrap();
        NatRecord { socket, nat, protocol: 17, original: original.parse().unwrap() }
    }

    fn tables() -> Tables {
        Tables {
            services: vec![
                service("255.255.255.255:30053", NatType::Service, 7, 1),
                service("10.96.0.10:53", NatType::Service, 7, 3),
                service("10.96.0.10:53", NatType::LocalRedirect, 9, 1),
            ],
            backends: vec![backend(7, 2, 53), backend(7, 0, 53), backend(7, 0, 30053), backend(8, 1, 53)],
            affinity: Vec::new(),
            records: vec![record(1, "10.96.0.10:53"), record(2, "192.168.0.10:30053"), record(3, "8.8.8.8:30053")],
            nodes: vec!["192.168.0.10".parse().unwrap()],
            proxies: BTreeMap::new(),
        }
    }

    #[test]
    fn what_belongs_to_an_address() {
        let traced = tables().trace(NatType::Service, "10.96.0.10".parse().unwrap());
        assert_eq!(traced.len(), 1, "not the redirection");
        let orders: Vec<u32> = traced[0].backends.iter().map(|backend| backend.order).collect();
        assert_eq!((orders, traced[0].missing), (vec![0, 2], 1));
        assert_eq!(traced[0].sockets, [record(1, "10.96.0.10:53")]);
    }

    #[test]
    fn a_node_port_is_at_every_address_of_a_node() {
        let traced = tables().trace(NatType::Service, Target::Id(7));
        assert_eq!(traced.len(), 2);
        assert_eq!(traced[1].sockets, [record(2, "192.168.0.10:30053")]);
        assert_eq!(traced[1].backends.len(), 1);
    }

    #[test]
    fn a_policy_beside_its_service_does_not_claim_what_the_service_did() {
        let redirected = tables().trace(NatType::LocalRedirect, Target::All);
        assert_eq!((redirected.len(), redirected[0].sockets.len()), (1, 0));
        let mut tables = tables();
        tables.backends.clear();
        assert_eq!(tables.trace(NatType::LocalRedirect, Target::All)[0].sockets.len(), 1, "nobody knows whose it is");
    }

    #[test]
    fn targets() {
        let ip = "10.0.0.1".parse().unwrap();
        for (text, expected) in [
            ("all", Ok(Target::All)),
            ("20003", Ok(Target::Id(20003))),
            ("10.0.0.1", Ok(Target::Address(ip, None))),
            ("10.0.0.1:53", Ok(Target::Address(ip, Some(53)))),
        ] {
            assert_eq!(text.parse(), expected);
        }
        for wrong in ["", "default/kube-dns", "10.0.0", "10.0.0.1:", "fd00::1", "-1"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
