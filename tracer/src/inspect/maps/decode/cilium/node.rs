//! `cilium_node_map_v2`, `cilium_node_map`: the numbers of the cluster's nodes.

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
        "node"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let (old, new) = (map.is_called("cilium_node_map"), map.is_called("cilium_node_map_v2"));
        match (old, new, map.shape()) {
            (false, false, _) => Recognition::Other,
            (true, _, (kind::HASH, 20, 2)) => Recognition::known(Version { has_spi: false }),
            (_, true, (kind::HASH, 20, 4)) => Recognition::known(Version { has_spi: true }),
            _ => map.misfit(),
        }
    }
}

struct Version {
    /// Whether the map has an index of the key that is used towards the node (`_v2`, from 1.16 on).
    has_spi: bool,
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        let all = &["NODE ID", "IP ADDRESSES", "SPI"];
        if self.has_spi { all } else { &all[..2] }
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = entry.sized(20, if self.has_spi { 4 } else { 2 })?;
        let (id, spi) = (value.u16(0), value.u8(2));
        // What is no IPv4 address is printed as an IPv6 one.
        let address = key.address(4, key.u8(3) != 1);
        let mut cells = vec![format!("0x{id:x}"), address.to_string()];
        if self.has_spi {
            cells.push(spi.to_string());
        }
        let row = Decoded { cells, fields: Vec::new() }.with("id", id).with("address", address);
        Ok(Some(row.with("spi", self.has_spi.then_some(spi))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, layout, subject};

    #[test]
    fn both_layouts() {
        let key = "000000 01 0a0d013a 000000000000000000000000";
        let new = subject("cilium_node_map_v2", kind::HASH, 20, 4);
        let row = decode(&Map, &new, key, "3412 07 00");
        assert_eq!(row.cells, ["0x1234", "10.13.1.58", "7"]);
        assert_eq!(fields(&row), "id=4660 address=10.13.1.58 spi=7");
        let old = subject("cilium_node_map", kind::HASH, 20, 2);
        assert_eq!(decode(&Map, &old, key, "3412").cells, ["0x1234", "10.13.1.58"]);
        assert_eq!(layout(&Map, &old).titles(), ["NODE ID", "IP ADDRESSES"]);
    }

    #[test]
    fn without_a_pin_the_size_decides() {
        let mut map = subject("cilium_node_map", kind::HASH, 20, 4);
        map.pin = None;
        assert!(matches!(Map.recognise(&map), Recognition::Known(_)));
        map.value_size = 3;
        assert!(matches!(Map.recognise(&map), Recognition::Unknown(_)));
    }
}
