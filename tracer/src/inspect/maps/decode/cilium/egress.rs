//! `cilium_egress_gw_policy_v4` and its kin: which traffic leaves the cluster by which gateway, under which address.

use std::net::IpAddr;

use super::minor;
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::Decoded,
};

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "egress"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let kinds = [
            ("cilium_egress_gw_policy_v4", Version { is_ipv6: false, value: 8, minor: minor(map) }),
            ("cilium_egress_gw_policy_v4_v2", Version { is_ipv6: false, value: 28, minor: minor(map) }),
            ("cilium_egress_gw_policy_v6", Version { is_ipv6: true, value: 40, minor: minor(map) }),
        ];
        let mut called = false;
        for (name, version) in kinds {
            if map.is_called(name) {
                called = true;
                if map.shape() == (kind::LPM_TRIE, version.key_size() as u32, version.value as u32) {
                    return Recognition::known(version);
                }
            }
        }
        if called { map.misfit() } else { Recognition::Other }
    }
}

struct Version {
    is_ipv6: bool,
    /// Bytes of a value.
    value: usize,
    minor: u16,
}

impl Version {
    fn key_size(&self) -> usize {
        4 + 2 * self.address_size()
    }

    fn address_size(&self) -> usize {
        if self.is_ipv6 { 16 } else { 4 }
    }

    /// From 1.14 on two addresses that are none are printed in words.
    fn gateway(&self, address: IpAddr) -> String {
        match address {
            IpAddr::V4(gateway) if self.minor >= 14 && gateway.to_bits() == 0 => "Not Found".to_owned(),
            IpAddr::V4(gateway) if self.minor >= 14 && gateway.to_bits() == 1 => "Excluded CIDR".to_owned(),
            other => other.to_string(),
        }
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["Source IP", "Destination CIDR", "Egress IP", "Gateway IP"]
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = entry.sized(self.key_size(), self.value)?;
        let size = self.address_size();
        // The source's bits are counted too.
        let bits = key.u32(0).saturating_sub(size as u32 * 8);
        let source = key.address(4, self.is_ipv6);
        let destination = format!("{}/{bits}", key.address(4 + size, self.is_ipv6));
        // The gateway of an IPv6 policy is an IPv4 address: the node is asked for over that.
        let (egress, gateway) = (value.address(0, self.is_ipv6), value.ipv4(size));
        let gateway_text = self.gateway(gateway);
        let row = Decoded::new([source.to_string(), destination.clone(), egress.to_string(), gateway_text])
            .with("source", source)
            .with("destination", destination)
            .with("egress", egress)
            .with("gateway", gateway);
        Ok(Some(if self.value == 28 { row.with("ifindex", value.u32(20)) } else { row }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, subject};

    #[test]
    fn gateways_that_are_none() {
        let check = |minor, value: &str, expected: &str| {
            let mut map = subject("cilium_egress_gw_policy_v4", kind::LPM_TRIE, 12, 8);
            map.release = Some((1, minor));
            let row = decode(&Map, &map, "38000000 0a000005 c0000200", value);
            assert_eq!(row.cells, ["10.0.0.5", "192.0.2.0/24", "172.18.0.9", expected]);
        };
        check(18, "ac120009 ac120003", "172.18.0.3");
        check(18, "ac120009 00000000", "Not Found");
        check(18, "ac120009 00000001", "Excluded CIDR");
        check(13, "ac120009 00000001", "0.0.0.1");
    }
}
