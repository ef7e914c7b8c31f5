//! `cilium_lb4_source_range`, `cilium_lb6_source_range`: from where a service may be reached.

use super::version;
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Decoded, Form},
};

/// Bits of the key before the address: service and padding.
const STATIC_BITS: u32 = 32;

/// The maps.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "source-ranges",
    titles: &["SOURCE RANGE (REVNAT_ID)", ""],
    form: Form::Pairs,
    known: &[
        version!("cilium_lb4_source_range", LPM_TRIE, 12, 1, false),
        version!("cilium_lb6_source_range", LPM_TRIE, 24, 1, true),
    ],
    is_common_name: false,
    row: |entry, version, _| row(entry, version).map(Some),
};

fn row(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, _) = version.sized(entry)?;
    let bits = key.u32(0).saturating_sub(STATIC_BITS);
    let range = format!("{}/{bits}", key.address(8, version.is_ipv6));
    let id = key.be16(4);
    let row = Decoded::new([format!("{range} ({id})"), String::new()]);
    Ok(row.with("rev_nat", id).with("range", range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, subject},
    };

    #[test]
    fn a_range() {
        let map = subject("cilium_lb4_source_range", kind::LPM_TRIE, 12, 1);
        let row = decode(&MAP, &map, "38000000 0102 0000 0a010200", "00");
        assert_eq!(row.cells, ["10.1.2.0/24 (258)", ""]);
    }
}
