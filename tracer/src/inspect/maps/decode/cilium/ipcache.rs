//! `cilium_ipcache`, `cilium_ipcache_v2`: which security identity an address has, and through which tunnel it is reached.

use std::{cmp::Ordering, fmt::Write as _, net::IpAddr};

use super::minor;
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Datum, Decoded, Form},
};

/// Bits of the key that are no address: cluster, padding and family.
const STATIC_BITS: u32 = 32;
const FLAGS: [(u8, &str); 4] = [(1, "skiptunnel"), (2, "hastunnel"), (4, "ipv6tunnel"), (8, "remotecluster")];
const IPV6_TUNNEL: u8 = 4;

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "ipcache"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let is_old = map.is_called("cilium_ipcache");
        if !is_old && !map.is_called("cilium_ipcache_v2") {
            return Recognition::Other;
        }
        match (is_old, map.shape()) {
            (true, (kind::LPM_TRIE, 24, 12)) | (false, (kind::LPM_TRIE, 24, 24)) => {
                Recognition::known(Version::of(map.value_size as usize, minor(map)))
            }
            _ => map.misfit(),
        }
    }
}

/// The key under which the longest prefix is found that holds an address of this cluster.
pub fn key(address: IpAddr) -> [u8; 24] {
    let mut key = [0; 24];
    let (bits, family) = if address.is_ipv4() { (32, 1) } else { (128, 2) };
    key[..4].copy_from_slice(&(STATIC_BITS + bits).to_ne_bytes());
    key[7] = family;
    match address {
        IpAddr::V4(address) => key[8..12].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => key[8..].copy_from_slice(&address.octets()),
    }
    key
}

/// An entry of a map of release 1.`minor`, of whatever layout has values of this size.
pub fn read(entry: &Entry<'_>, minor: u16) -> Result<Ipcache, Misfit> {
    Version::of(entry.value.len(), minor).read(entry)
}

/// `struct remote_endpoint_info` and what is printed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// To 1.13.
    Plain,
    /// 1.14.
    NodeId,
    /// 1.15.
    Late,
    /// 1.16: flags, after a comma.
    Comma,
    /// 1.17.
    Flags,
    /// 1.18 on: tunnel endpoints may be IPv6.
    Tunnel6,
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipcache {
    /// The network's address.
    pub address: IpAddr,
    /// Bits of it that count.
    pub bits: u32,
    /// The cluster it is in, 0 for this one.
    pub cluster: u16,
    /// Security identity.
    pub identity: u32,
    /// Index of the key it is encrypted with, 0 for none.
    pub encrypt_key: u8,
    /// The node whose tunnel leads there; all zeros for none.
    pub tunnel: IpAddr,
    /// Id of the node, 1.14 alone.
    pub node_id: u16,
    /// What else is known of it.
    pub flags: u8,
}

impl Ipcache {
    /// The network, as the tool prints it.
    pub fn prefix(&self) -> String {
        let mut text = format!("{}/{}", self.address, self.bits);
        if self.cluster != 0 {
            let _ = write!(text, "@{}", self.cluster);
        }
        text
    }

    fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        FLAGS.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, name)| *name)
    }
}

impl Version {
    fn of(value_size: usize, minor: u16) -> Self {
        match (value_size, minor) {
            (24, _) => Self::Tunnel6,
            (_, ..=13) => Self::Plain,
            (_, 14) => Self::NodeId,
            (_, 15) => Self::Late,
            (_, 16) => Self::Comma,
            _ => Self::Flags,
        }
    }

    fn read(self, entry: &Entry<'_>) -> Result<Ipcache, Misfit> {
        let long = self == Self::Tunnel6;
        let (key, value) = entry.sized(24, if long { 24 } else { 12 })?;
        let flags = match self {
            Self::Plain | Self::NodeId | Self::Late => 0,
            Self::Comma | Self::Flags => value.u8(11),
            Self::Tunnel6 => value.u8(23),
        };
        Ok(Ipcache {
            address: key.address(8, key.u8(7) == 2),
            bits: key.u32(0).saturating_sub(STATIC_BITS),
            cluster: match self {
                Self::Plain => 0,
                Self::NodeId => key.u8(6).into(),
                _ => key.u16(4),
            },
            identity: value.u32(0),
            encrypt_key: value.u8(match self {
                Self::Plain => 8,
                Self::Tunnel6 => 22,
                _ => 10,
            }),
            tunnel: value.address(4, long && flags & IPV6_TUNNEL != 0),
            node_id: if self == Self::NodeId { value.u16(8) } else { 0 },
            flags,
        })
    }

    fn text(self, entry: &Ipcache) -> String {
        let Ipcache { identity, encrypt_key, tunnel, .. } = entry;
        let mut text = format!("identity={identity} encryptkey={encrypt_key} tunnelendpoint={tunnel}");
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Plain | Self::Late => Ok(()),
            Self::NodeId => write!(text, " nodeid={:#x}", entry.node_id),
            Self::Comma => write!(text, ", flags={}", flags_text(entry)),
            Self::Flags | Self::Tunnel6 => write!(text, " flags={}", flags_text(entry)),
        };
        text
    }
}

fn flags_text(entry: &Ipcache) -> String {
    let names: Vec<&str> = entry.flag_names().collect();
    if names.is_empty() { "<none>".to_owned() } else { names.join(",") }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["IP PREFIX/ADDRESS", "IDENTITY"]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        // By family, address, length, cluster.
        let order = |entry: &Entry<'_>| {
            let key = Bytes(entry.key);
            (key.u8(7), key.array::<16>(8), key.u32(0), key.u16(4))
        };
        order(one).cmp(&order(other))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let entry = self.read(entry)?;
        let mut row = Decoded::new([entry.prefix(), self.text(&entry)])
            .with("prefix", format!("{}/{}", entry.address, entry.bits))
            .with("cluster", entry.cluster)
            .with("identity", entry.identity)
            .with("encrypt_key", entry.encrypt_key)
            .with("tunnel_endpoint", (!entry.tunnel.is_unspecified()).then_some(entry.tunnel));
        if *self == Self::NodeId {
            row = row.with("node_id", entry.node_id);
        }
        Ok(Some(row.with("flags", Datum::texts(entry.flag_names()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{bytes, decode, fields, subject};

    const KEY: &str = "40000000 0000 00 01 0af402ad 000000000000000000000000";

    fn check(name: &str, release: Option<u16>, key: &str, value: &str, expected: [&str; 2]) {
        let mut map = subject(name, kind::LPM_TRIE, 24, bytes(value).len());
        map.release = release.map(|minor| (1, minor));
        assert_eq!(decode(&Map, &map, key, value).cells, expected, "{name} {release:?}");
    }

    #[test]
    fn the_second_layout() {
        let check = |key, value, expected| check("cilium_ipcache_v2", None, key, value, expected);
        check(
            KEY,
            "d8660000 00000000000000000000000000000000 0000 00 00",
            ["10.244.2.173/32", "identity=26328 encryptkey=0 tunnelendpoint=0.0.0.0 flags=<none>"],
        );
        check(
            "38000000 0000 00 01 0af40100 000000000000000000000000",
            "02000000 0a0d013a000000000000000000000000 0000 03 02",
            ["10.244.1.0/24", "identity=2 encryptkey=3 tunnelendpoint=10.13.1.58 flags=hastunnel"],
        );
        check(
            "60000000 0500 00 02 fd000010000000000000000000000000",
            "01000001 fd000001000000000000000000000002 0000 00 0e",
            [
                "fd00:10::/64@5",
                "identity=16777217 encryptkey=0 tunnelendpoint=fd00:1::2 flags=hastunnel,ipv6tunnel,remotecluster",
            ],
        );
    }

    #[test]
    fn the_first_layout_is_printed_as_each_release_does() {
        let check = |minor, value, expected| check("cilium_ipcache", minor, KEY, value, ["10.244.2.173/32", expected]);
        let old = "d8660000 0a0d013a 07 00 00 00";
        let new = "d8660000 0a0d013a 3412 07 01";
        check(Some(13), old, "identity=26328 encryptkey=7 tunnelendpoint=10.13.1.58");
        check(Some(14), new, "identity=26328 encryptkey=7 tunnelendpoint=10.13.1.58 nodeid=0x1234");
        check(Some(15), new, "identity=26328 encryptkey=7 tunnelendpoint=10.13.1.58");
        check(Some(16), new, "identity=26328 encryptkey=7 tunnelendpoint=10.13.1.58, flags=skiptunnel");
        check(Some(17), new, "identity=26328 encryptkey=7 tunnelendpoint=10.13.1.58 flags=skiptunnel");
        check(None, "d8660000 00000000 0000 00 00", "identity=26328 encryptkey=0 tunnelendpoint=0.0.0.0 flags=<none>");
    }

    #[test]
    fn scripts_get_the_fields() {
        let map = subject("cilium_ipcache_v2", kind::LPM_TRIE, 24, 24);
        let row = decode(&Map, &map, KEY, "d8660000 0a0d013a000000000000000000000000 0000 00 02");
        assert_eq!(
            fields(&row),
            "prefix=10.244.2.173/32 cluster=0 identity=26328 encrypt_key=0 tunnel_endpoint=10.13.1.58 flags=[hastunnel]"
        );
    }

    #[test]
    fn the_key_of_an_address_is_the_one_in_the_map() {
        assert_eq!(key("10.244.2.173".parse().unwrap()), bytes(KEY).as_slice());
        let ipv6 = bytes("a0000000 0000 00 02 fd000000000000000000000000000001");
        assert_eq!(key("fd00::1".parse().unwrap()), ipv6.as_slice());
    }

    #[test]
    fn an_unknown_size_is_said() {
        let map = subject("cilium_ipcache_v2", kind::LPM_TRIE, 24, 28);
        let Recognition::Unknown(why) = Map.recognise(&map) else { panic!("recognised") };
        let expected =
            "no known release has a map `cilium_ipcache_v2` of type 11 with keys of 24 and values of 28 bytes";
        assert_eq!(why, expected);
        assert!(matches!(Map.recognise(&subject("cilium_lxc", 1, 20, 48)), Recognition::Other));
    }
}
