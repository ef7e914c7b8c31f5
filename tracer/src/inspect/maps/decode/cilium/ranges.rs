//! `cilium_lb4_source_range`, `cilium_lb6_source_range`: from where a service may be reached.

use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

/// Bits of the key before the address: service and padding.
const STATIC_BITS: u32 = 32;

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "source-ranges"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let is_ipv6 = map.is_called("cilium_lb6_source_range");
        if !is_ipv6 && !map.is_called("cilium_lb4_source_range") {
            return Recognition::Other;
        }
        match (is_ipv6, map.shape()) {
            (false, (kind::LPM_TRIE, 12, 1)) | (true, (kind::LPM_TRIE, 24, 1)) => {
                Recognition::known(Version { is_ipv6 })
            }
            _ => map.misfit(),
        }
    }
}

struct Version {
    is_ipv6: bool,
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["SOURCE RANGE (REVNAT_ID)", ""]
    }

    fn form(&self) -> Form {
        Form::Pairs
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, _) = entry.sized(if self.is_ipv6 { 24 } else { 12 }, 1)?;
        let bits = key.u32(0).saturating_sub(STATIC_BITS);
        let range = format!("{}/{bits}", key.address(8, self.is_ipv6));
        let id = key.be16(4);
        let row = Decoded::new([format!("{range} ({id})"), String::new()]);
        Ok(Some(row.with("rev_nat", id).with("range", range)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, subject};

    #[test]
    fn a_range() {
        let map = subject("cilium_lb4_source_range", kind::LPM_TRIE, 12, 1);
        let row = decode(&Map, &map, "38000000 0102 0000 0a010200", "00");
        assert_eq!(row.cells, ["10.1.2.0/24 (258)", ""]);
    }
}
