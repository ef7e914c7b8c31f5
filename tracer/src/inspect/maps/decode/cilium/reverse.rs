//! `cilium_lb4_reverse_nat`, `cilium_lb6_reverse_nat`: which service an answer of a backend comes from.

use super::words::with_port;
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "reverse"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let is_ipv6 = map.is_called("cilium_lb6_reverse_nat");
        if !is_ipv6 && !map.is_called("cilium_lb4_reverse_nat") {
            return Recognition::Other;
        }
        match (is_ipv6, map.shape()) {
            (false, (kind::HASH, 2, 6)) | (true, (kind::HASH, 2, 18)) => Recognition::known(Version { is_ipv6 }),
            _ => map.misfit(),
        }
    }
}

struct Version {
    is_ipv6: bool,
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["ID", "BACKEND ADDRESS (REVNAT_ID) (SLOT)"]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let after = if self.is_ipv6 { 16 } else { 4 };
        let (key, value) = entry.sized(2, after + 2)?;
        let (id, address, port) = (key.be16(0), value.address(0, self.is_ipv6), value.be16(after));
        let row = Decoded::new([id.to_string(), with_port(address, port)]);
        Ok(Some(row.with("rev_nat", id).with("address", address).with("port", port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, subject};

    #[test]
    fn ids_are_in_network_order() {
        let map = subject("cilium_lb4_reverse_nat", kind::HASH, 2, 6);
        assert_eq!(decode(&Map, &map, "0102", "0a600001 01bb").cells, ["258", "10.96.0.1:443"]);
        let map = subject("cilium_lb6_reverse_nat", kind::HASH, 2, 18);
        let row = decode(&Map, &map, "0001", "fd000000000000000000000000000001 01bb");
        assert_eq!(row.cells, ["1", "[fd00::1]:443"]);
    }
}
