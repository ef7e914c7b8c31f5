//! `cilium_lxc`: the endpoints of this node, by address.

use std::{cmp::Ordering, fmt::Write as _, net::IpAddr};

use super::{
    minor,
    words::{with_cluster, with_port},
};
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Datum, Decoded, Form},
};

/// The address is the host's own.
const HOST: u32 = 1;
const FLAGS: [(u32, &str); 4] =
    [(HOST, "host"), (2, "at-host-ns"), (4, "no-masquerade-ipv4"), (8, "no-masquerade-ipv6")];

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "endpoint"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_lxc") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::HASH, 20, 48) => Recognition::known(Version(minor(map))),
            _ => map.misfit(),
        }
    }
}

/// The key under which an address of this cluster is found.
pub fn key(address: IpAddr) -> [u8; 20] {
    let mut key = [0; 20];
    match address {
        IpAddr::V4(address) => key[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => key[..16].copy_from_slice(&address.octets()),
    }
    key[16] = if address.is_ipv4() { 1 } else { 2 };
    key
}

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address; none if the kind of address is an unknown one.
    pub address: Option<IpAddr>,
    /// `key.cluster_id`: the cluster it is in, 0 for this one.
    pub cluster: u16,
    /// `key.key`
    pub key: u8,
    /// `ifindex` of the host's side.
    pub ifindex: u32,
    /// `lxc_id`: the endpoint's number.
    pub id: u16,
    /// `flags`
    pub flags: u32,
    /// `rt_info`, from 1.20 on.
    pub route: u32,
    /// `mac` of the endpoint.
    pub mac: [u8; 6],
    /// `node_mac`: that of the host's side.
    pub node_mac: [u8; 6],
    /// `sec_id`: its security identity, from 1.14 on.
    pub identity: u32,
    /// `parent_ifindex`, from 1.17 on.
    pub parent_ifindex: u32,
}

impl Endpoint {
    /// Whether it is an address of the host itself.
    pub fn is_host(&self) -> bool {
        self.flags & HOST != 0
    }

    /// The entry of a map of release 1.`minor`.
    pub fn read(entry: &Entry<'_>, minor: u16) -> Result<Self, Misfit> {
        let (key, value) = entry.sized(20, 48)?;
        Ok(Self {
            address: match key.u8(16) {
                1 => Some(key.ipv4(0)),
                2 => Some(key.ipv6(0)),
                _ => None,
            },
            cluster: match minor {
                ..=13 => 0,
                14 => key.u8(18).into(),
                _ => key.u16(18),
            },
            key: key.u8(17),
            ifindex: value.u32(0),
            id: value.u16(6),
            flags: value.u32(8),
            route: if minor >= 20 { value.u32(12) } else { 0 },
            mac: value.array(16),
            node_mac: value.array(24),
            identity: if minor >= 14 { value.u32(32) } else { 0 },
            parent_ifindex: if minor >= 17 { value.u32(36) } else { 0 },
        })
    }
}

struct Version(u16);

impl Version {
    fn address(&self, entry: &Endpoint) -> String {
        match entry.address {
            None => "nil".to_owned(),
            Some(address) if self.0 <= 13 => with_port(address, entry.key),
            Some(address) => format!("{}:{}", with_cluster(address, entry.cluster), entry.key),
        }
    }

    fn text(&self, entry: &Endpoint) -> String {
        if entry.is_host() {
            return "(localhost)".to_owned();
        }
        let Endpoint { id, identity, flags, ifindex, parent_ifindex, route, .. } = entry;
        let mut text = format!("id={id:<5}");
        // Writing to a string cannot fail.
        if self.0 >= 14 {
            let _ = write!(text, " sec_id={identity:<5}");
        }
        let (mac, node_mac) = (mac(entry.mac), mac(entry.node_mac));
        let _ = write!(text, " flags=0x{flags:04X} ifindex={ifindex:<3} mac={mac} nodemac={node_mac}");
        if self.0 >= 18 {
            let _ = write!(text, " parent_ifindex={parent_ifindex:<3}");
        }
        if self.0 >= 20 {
            let _ = write!(text, " rt_info:{route}");
        }
        text
    }
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02X}")).join(":")
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["IP ADDRESS", "LOCAL ENDPOINT INFO"]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        let order = |entry: &Entry<'_>| {
            let key = Bytes(entry.key);
            (key.u8(16), key.array::<16>(0), key.u16(18), key.u8(17))
        };
        order(one).cmp(&order(other))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let entry = Endpoint::read(entry, self.0)?;
        let flags = FLAGS.iter().filter(|(bit, _)| entry.flags & bit != 0).map(|(_, name)| *name);
        let row = Decoded::new([self.address(&entry), self.text(&entry)])
            .with("address", entry.address)
            .with("cluster", entry.cluster)
            .with("host", entry.is_host())
            .with("id", entry.id)
            .with("identity", (self.0 >= 14).then_some(entry.identity))
            .with("flags", Datum::texts(flags))
            .with("ifindex", entry.ifindex)
            .with("mac", mac(entry.mac).to_lowercase())
            .with("node_mac", mac(entry.node_mac).to_lowercase())
            .with("parent_ifindex", (self.0 >= 17).then_some(entry.parent_ifindex));
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, subject};

    const KEY: &str = "0af402ad 000000000000000000000000 01 00 0000";
    const VALUE: &str = "1a000000 0000 5106 00000000 00000000 ca166c38b8ca0000 92e2d7dbd20e0000 d8660000 00000000 \
                         0000000000000000";

    fn check(minor: u16, key: &str, value: &str, expected: [&str; 2]) {
        let mut map = subject("cilium_lxc", kind::HASH, 20, 48);
        map.release = Some((1, minor));
        assert_eq!(decode(&Map, &map, key, value).cells, expected, "1.{minor}");
    }

    #[test]
    fn rows_of_1_18() {
        let text = "id=1617  sec_id=26328 flags=0x0000 ifindex=26  mac=CA:16:6C:38:B8:CA nodemac=92:E2:D7:DB:D2:0E \
                    parent_ifindex=0  ";
        check(18, KEY, VALUE, ["10.244.2.173:0", text]);
        check(
            18,
            "0af40263 000000000000000000000000 01 00 0000",
            "08000000 0000 be0c 00000000 00000000 4a57d94d315b0000 0a3d7c82bdb90000 04000000 00000000 0000000000000000",
            [
                "10.244.2.99:0",
                "id=3262  sec_id=4     flags=0x0000 ifindex=8   mac=4A:57:D9:4D:31:5B nodemac=0A:3D:7C:82:BD:B9 \
                 parent_ifindex=0  ",
            ],
        );
        let host = format!("00000000 0000 0000 01000000 {}", "00".repeat(36));
        check(18, "0a0d0139 000000000000000000000000 01 00 0000", &host, ["10.13.1.57:0", "(localhost)"]);
    }

    #[test]
    fn other_releases_print_less_or_more() {
        let common = "flags=0x0000 ifindex=26  mac=CA:16:6C:38:B8:CA nodemac=92:E2:D7:DB:D2:0E";
        check(13, KEY, VALUE, ["10.244.2.173:0", &format!("id=1617  {common}")]);
        check(17, KEY, VALUE, ["10.244.2.173:0", &format!("id=1617  sec_id=26328 {common}")]);
        let newest = format!("id=1617  sec_id=26328 {common} parent_ifindex=0   rt_info:0");
        check(20, KEY, VALUE, ["10.244.2.173:0", &newest]);
        let ipv6 = "fd000000000000000000000000000001 02 00 0500";
        let host = format!("00000000 0000 0000 01000000 {}", "00".repeat(36));
        check(13, ipv6, &host, ["[fd00::1]:0", "(localhost)"]);
        check(14, ipv6, &host, ["fd00::1@5:0", "(localhost)"]);
        check(18, "fd000000000000000000000000000001 09 00 0500", &host, ["nil", "(localhost)"]);
    }

    #[test]
    fn scripts_get_the_fields() {
        let map = subject("cilium_lxc", kind::HASH, 20, 48);
        assert_eq!(
            fields(&decode(&Map, &map, KEY, VALUE)),
            "address=10.244.2.173 cluster=0 host=false id=1617 identity=26328 flags=[] ifindex=26 mac=ca:16:6c:38:b8:ca \
             node_mac=92:e2:d7:db:d2:0e parent_ifindex=0"
        );
    }

    #[test]
    fn the_key_of_an_address_is_the_one_in_the_map() {
        let bytes = crate::inspect::maps::decode::testing::bytes(KEY);
        assert_eq!(key("10.244.2.173".parse().unwrap()), bytes.as_slice());
    }
}
