//! `cilium_tunnel_map`: the node behind which an address is (to 1.17; later the ipcache says it).

use std::net::IpAddr;

use super::{
    minor,
    words::{with_cluster, with_port},
};
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "tunnel"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_tunnel_map") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::HASH, 20, 20) => Recognition::known(Version(minor(map))),
            _ => map.misfit(),
        }
    }
}

struct Version(u16);

impl Version {
    /// To 1.13 both sides were printed with a port, which is the index of a key; later the address has a cluster instead.
    fn address(&self, key: Bytes<'_>, cluster: u16) -> String {
        match address(key) {
            None => "nil".to_owned(),
            Some(address) if self.0 <= 13 => with_port(address, key.u8(17)),
            Some(address) => with_cluster(address, cluster),
        }
    }

    fn endpoint(&self, value: Bytes<'_>) -> String {
        match address(value) {
            None => "nil".to_owned(),
            Some(address) if self.0 <= 13 => with_port(address, value.u8(17)),
            Some(address) => format!("{address}:{}", value.u8(17)),
        }
    }
}

fn address(bytes: Bytes<'_>) -> Option<IpAddr> {
    match bytes.u8(16) {
        1 => Some(bytes.ipv4(0)),
        2 => Some(bytes.ipv6(0)),
        _ => None,
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["TUNNEL", "VALUE"]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = entry.sized(20, 20)?;
        let cluster = if self.0 <= 13 { 0 } else { key.u16(18) };
        let row = Decoded::new([self.address(key, cluster), self.endpoint(value)])
            .with("address", address(key))
            .with("cluster", cluster)
            .with("tunnel_endpoint", address(value))
            .with("encrypt_key", value.u8(17));
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, subject};

    #[test]
    fn each_release_prints_its_own() {
        let check = |minor, key: &str, expected: [&str; 2]| {
            let mut map = subject("cilium_tunnel_map", kind::HASH, 20, 20);
            map.release = Some((1, minor));
            let value = "0a0d013a 000000000000000000000000 01 03 0000";
            assert_eq!(decode(&Map, &map, key, value).cells, expected, "1.{minor}");
        };
        let key = "0af40100 000000000000000000000000 01 00 0500";
        check(13, key, ["10.244.1.0:0", "10.13.1.58:3"]);
        check(17, key, ["10.244.1.0@5", "10.13.1.58:3"]);
        check(17, "0af40100 000000000000000000000000 03 00 0500", ["nil", "10.13.1.58:3"]);
    }
}
