//! `cilium_lb4_backends_v3` and its kin: where services send their packets, by a number.

use std::net::IpAddr;

use super::{
    minor,
    words::{protocol, with_cluster, with_port},
};
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

const STATES: [&str; 4] = ["active", "terminating", "quarantined", "maintenance"];

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "backends"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let is_called = |name| map.is_called(name);
        let (is_ipv6, is_third) = if is_called("cilium_lb4_backends_v3") || is_called("cilium_lb6_backends_v3") {
            (map.label().contains("lb6"), map.value_size != 8 && map.value_size != 20)
        } else if is_called("cilium_lb4_backends_v2") || is_called("cilium_lb6_backends_v2") {
            (map.label().contains("lb6"), false)
        } else {
            return Recognition::Other;
        };
        let version = Version { minor: minor(map), is_ipv6, is_third };
        if map.shape() == (kind::HASH, 4, version.value_size() as u32) {
            Recognition::known(version)
        } else {
            map.misfit()
        }
    }
}

/// The key under which a backend is found.
pub fn key(id: u32) -> [u8; 4] {
    id.to_ne_bytes()
}

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its number.
    pub id: u32,
    /// `address`
    pub address: IpAddr,
    /// `port`
    pub port: u16,
    /// `proto`
    pub protocol: u8,
    /// `flags`: its state.
    pub flags: u8,
    /// `cluster_id`, 0 for this one.
    pub cluster: u16,
    /// `zone`, 0 for none.
    pub zone: u8,
}

impl Backend {
    /// Its state in a word.
    pub fn state(&self) -> &'static str {
        STATES.get(usize::from(self.flags)).copied().unwrap_or("unknown")
    }

    /// An entry of whatever layout has values of this size.
    pub fn read(entry: &Entry<'_>, minor: u16) -> Result<Self, Misfit> {
        let (is_ipv6, is_third) = match entry.value.len() {
            8 => (false, false),
            20 => (true, false),
            24 => (true, true),
            _ => (false, true),
        };
        Version { minor, is_ipv6, is_third }.read(entry)
    }
}

struct Version {
    minor: u16,
    is_ipv6: bool,
    /// Whether clusters and zones are told (`_v3`, from 1.14 on).
    is_third: bool,
}

impl Version {
    fn value_size(&self) -> usize {
        match (self.is_third, self.is_ipv6) {
            (false, false) => 8,
            (false, true) => 20,
            (true, false) => 12,
            (true, true) => 24,
        }
    }

    fn read(&self, entry: &Entry<'_>) -> Result<Backend, Misfit> {
        let (key, value) = entry.sized(4, self.value_size())?;
        let after = if self.is_ipv6 { 16 } else { 4 };
        let (cluster, zone) = match (self.is_third, self.minor) {
            (false, _) => (0, 0),
            (true, ..=14) => (value.u8(after + 4).into(), 0),
            (true, 15) => (value.u16(after + 4), 0),
            (true, _) => (value.u16(after + 4), value.u8(after + 6)),
        };
        Ok(Backend {
            id: key.u32(0),
            address: value.address(0, self.is_ipv6),
            port: value.be16(after),
            protocol: value.u8(after + 2),
            flags: value.u8(after + 3),
            cluster,
            zone,
        })
    }

    /// The tool prints no port in the third layout, and does not know what zones are called.
    fn text(&self, backend: &Backend) -> String {
        let protocol = protocol(backend.protocol, self.minor);
        let zone = if backend.zone == 0 { "" } else { "[]" };
        if self.is_third {
            format!("{protocol}://{}{zone}", with_cluster(backend.address, backend.cluster))
        } else {
            format!("{protocol}://{}", with_port(backend.address, backend.port))
        }
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["ID", "BACKEND ADDRESS (REVNAT_ID) (SLOT)"]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> std::cmp::Ordering {
        Bytes(one.key).u32(0).cmp(&Bytes(other.key).u32(0))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let backend = self.read(entry)?;
        let row = Decoded::new([backend.id.to_string(), self.text(&backend)])
            .with("id", backend.id)
            .with("protocol", protocol(backend.protocol, self.minor))
            .with("address", backend.address)
            .with("port", backend.port)
            .with("state", backend.state())
            .with("cluster", backend.cluster)
            .with("zone", (backend.zone != 0).then_some(backend.zone));
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, subject};

    #[test]
    fn each_layout_prints_its_own() {
        let check = |name: &str, minor, value: &str, expected: &str| {
            let size = crate::inspect::maps::decode::testing::bytes(value).len();
            let mut map = subject(name, kind::HASH, 4, size);
            map.release = Some((1, minor));
            assert_eq!(decode(&Map, &map, "05000000", value).cells, ["5", expected]);
        };
        check("cilium_lb4_backends_v2", 13, "0a000009 1f90 06 00", "TCP://10.0.0.9:8080");
        check("cilium_lb6_backends_v2", 13, "fd000000000000000000000000000009 1f90 06 00", "TCP://[fd00::9]:8080");
        check("cilium_lb4_backends_v3", 14, "0a000009 1f90 06 00 03 000000", "TCP://10.0.0.9@3");
        check("cilium_lb4_backends_v3", 18, "0a000009 1f90 11 01 0000 00 00", "UDP://10.0.0.9");
        check("cilium_lb4_backends_v3", 18, "0a000009 1f90 11 01 0000 02 00", "UDP://10.0.0.9[]");
        check("cilium_lb6_backends_v3", 18, "fd000000000000000000000000000009 1f90 06 00 0000 00 00", "TCP://fd00::9");
    }

    #[test]
    fn scripts_get_what_the_tool_leaves_out() {
        let map = subject("cilium_lb4_backends_v3", kind::HASH, 4, 12);
        let row = decode(&Map, &map, "05000000", "0a000009 1f90 11 01 0000 02 00");
        assert_eq!(fields(&row), "id=5 protocol=UDP address=10.0.0.9 port=8080 state=terminating cluster=0 zone=2");
    }
}
