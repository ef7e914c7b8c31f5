//! `cilium_lb4_services_v2`, `cilium_lb6_services_v2`: services, and in which slot which backend stands.

use std::{cmp::Ordering, collections::HashMap, net::IpAddr, sync::Arc};

use super::{
    backends::Backend,
    minor,
    words::{protocol, with_port},
};
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Datum, Decoded, Form},
};

mod flags;

/// The backends that services name by number.
pub type Backends = Arc<HashMap<u32, Backend>>;

/// The decoder. Alone it tells of backends by number.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "services"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        recognise(map, None)
    }
}

/// Recognises a map of services whose backends have been read before, if they have.
pub fn recognise(map: &Subject<'_>, backends: Option<Backends>) -> Recognition {
    let is_ipv6 = map.is_called("cilium_lb6_services_v2");
    if !is_ipv6 && !map.is_called("cilium_lb4_services_v2") {
        return Recognition::Other;
    }
    match (is_ipv6, map.shape()) {
        (false, (kind::HASH, 12, 12)) | (true, (kind::HASH, 24, 12)) => {
            Recognition::known(Version { minor: minor(map), is_ipv6, backends })
        }
        _ => map.misfit(),
    }
}

/// The key under which a slot of a service is found; its protocol is told apart from 1.17 on only where that is enabled, so
/// whoever finds nothing asks again with 0.
pub fn key(address: IpAddr, port: u16, protocol: u8, slot: u16) -> Vec<u8> {
    let mut key = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    key.extend(port.to_be_bytes());
    key.extend(slot.to_ne_bytes());
    key.extend([protocol, 0]);
    key.resize(if address.is_ipv4() { 12 } else { 24 }, 0);
    key
}

/// A slot of a service; slot 0 is the service itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// `address`
    pub address: IpAddr,
    /// `dport`
    pub port: u16,
    /// `proto`
    pub protocol: u8,
    /// `scope`: whether it is for packets from inside alone.
    pub is_internal: bool,
    /// `backend_slot`
    pub slot: u16,
    /// `backend_id`; in slot 0 a time, an algorithm or a port instead.
    pub backend: u32,
    /// `count` of backends.
    pub count: u16,
    /// `qcount` of backends that are quarantined, from 1.17 on.
    pub quarantined: u16,
    /// `rev_nat_index`
    pub rev_nat: u16,
    /// `flags` and `flags2`
    pub flags: u16,
}

impl Service {
    /// An entry of whatever layout has keys of this size.
    pub fn read(entry: &Entry<'_>) -> Result<Self, Misfit> {
        let is_ipv6 = entry.key.len() == 24;
        let (key, value) = entry.sized(if is_ipv6 { 24 } else { 12 }, 12)?;
        let after = if is_ipv6 { 16 } else { 4 };
        Ok(Self {
            address: key.address(0, is_ipv6),
            port: key.be16(after),
            slot: key.u16(after + 2),
            protocol: key.u8(after + 4),
            is_internal: key.u8(after + 5) == 1,
            backend: value.u32(0),
            count: value.u16(4),
            rev_nat: value.be16(6),
            flags: u16::from_le_bytes([value.u8(8), value.u8(9)]),
            quarantined: value.u16(10),
        })
    }

    /// What kind of service it is: ClusterIP, NodePort and so on.
    pub fn kind(&self) -> &'static str {
        flags::kind(self.flags)
    }
}

struct Version {
    minor: u16,
    is_ipv6: bool,
    backends: Option<Backends>,
}

impl Version {
    fn frontend(&self, service: &Service) -> String {
        let protocol = if self.minor >= 17 { self.behind_slash(service.protocol) } else { String::new() };
        let scope = if service.is_internal { "/i" } else { "" };
        let slot = if self.minor >= 16 { format!(" ({})", service.slot) } else { String::new() };
        format!("{}{protocol}{scope}{slot}", with_port(service.address, service.port))
    }

    fn behind_slash(&self, number: u8) -> String {
        format!("/{}", protocol(number, self.minor))
    }

    fn numbers(&self, service: &Service) -> String {
        let Service { backend, count, quarantined, rev_nat, flags, .. } = service;
        let quarantined = if self.minor >= 17 { format!("[{quarantined}]") } else { String::new() };
        format!("{backend} {count}{quarantined} ({rev_nat}) [0x{:x} 0x{:x}]", flags & 0xff, flags >> 8)
    }

    fn target(&self, service: &Service, backends: &HashMap<u32, Backend>) -> String {
        let Service { rev_nat, slot, .. } = service;
        if *slot == 0 {
            let any = if self.is_ipv6 { "[::]" } else { "0.0.0.0" };
            let flags = flags::text(service.flags, self.minor);
            return format!("{any}:0 ({rev_nat}) (0) [{flags}]{}", self.extra(service));
        }
        let Some(backend) = backends.get(&service.backend) else {
            return format!("backend {} not found", service.backend);
        };
        // A service of IPv6 may have a backend of IPv4; the tool goes by the service.
        let address = if self.is_ipv6 { format!("[{}]", backend.address) } else { backend.address.to_string() };
        let protocol = if self.minor >= 17 { self.behind_slash(backend.protocol) } else { String::new() };
        format!("{address}:{}{protocol} ({rev_nat}) ({slot})", backend.port)
    }

    /// What stands behind the flags from 1.16 on, a space before it in any case.
    fn extra(&self, service: &Service) -> String {
        match service.proxy_port() {
            _ if self.minor < 16 => String::new(),
            Some(port) => format!(" (L7LB Proxy Port: {port})"),
            None => " ".to_owned(),
        }
    }
}

impl Service {
    /// The port of the proxy that packets of this service are sent to.
    fn proxy_port(&self) -> Option<u16> {
        (self.slot == 0 && flags::is_l7(self.flags)).then(|| u16::from_be(self.backend as u16))
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        if self.backends.is_some() {
            &["SERVICE ADDRESS", "BACKEND ADDRESS (REVNAT_ID) (SLOT)"]
        } else {
            &["SERVICE ADDRESS", "BACKEND ID"]
        }
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        let after = if self.is_ipv6 { 16 } else { 4 };
        let order = |entry: &Entry<'_>| {
            let key = Bytes(entry.key);
            let address = key.address(0, self.is_ipv6);
            (address, key.be16(after), key.u8(after + 4), key.u8(after + 5), key.u16(after + 2))
        };
        order(one).cmp(&order(other))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        entry.sized(if self.is_ipv6 { 24 } else { 12 }, 12)?;
        let service = Service::read(entry)?;
        let text = match &self.backends {
            Some(backends) => self.target(&service, backends),
            None => self.numbers(&service),
        };
        let row = Decoded::new([self.frontend(&service), text])
            .with("address", service.address)
            .with("port", service.port)
            .with("protocol", protocol(service.protocol, self.minor))
            .with("scope", if service.is_internal { "internal" } else { "external" })
            .with("slot", service.slot)
            .with("rev_nat", service.rev_nat);
        Ok(Some(if service.slot == 0 { self.service_fields(row, &service) } else { self.slot_fields(row, &service) }))
    }
}

impl Version {
    fn service_fields(&self, row: Decoded, service: &Service) -> Decoded {
        row.with("type", service.kind())
            .with("backends", service.count)
            .with("quarantined", (self.minor >= 17).then_some(service.quarantined))
            .with("flags", Datum::texts(flags::names(service.flags, self.minor).into_iter().skip(1)))
            .with("l7_proxy_port", service.proxy_port())
    }

    fn slot_fields(&self, row: Decoded, service: &Service) -> Decoded {
        let row = row.with("backend_id", service.backend);
        match self.backends.as_ref().map(|backends| backends.get(&service.backend)) {
            None => row,
            Some(None) => row.with("backend", Datum::Nothing),
            Some(Some(backend)) => row
                .with("backend", backend.address)
                .with("backend_port", backend.port)
                .with("backend_protocol", protocol(backend.protocol, self.minor))
                .with("backend_state", backend.state()),
        }
    }
}

#[cfg(test)]
mod tests;
