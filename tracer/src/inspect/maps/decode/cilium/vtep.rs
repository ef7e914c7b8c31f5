//! `cilium_vtep_map`: tunnel endpoints outside the cluster, and what is behind them.

use super::version;
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Decoded, Form},
};

/// The map: one address an entry, or in later layouts a prefix.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "vtep",
    titles: &["IP PREFIX/ADDRESS", "VTEP"],
    form: Form::Pairs,
    known: &[version!("cilium_vtep_map", LPM_TRIE, 8, 16, false), version!("cilium_vtep_map", HASH, 4, 16, false)],
    is_common_name: false,
    row: |entry, version, _| row(entry, version).map(Some),
};

fn row(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let range = match version.key {
        4 => key.ipv4(0).to_string(),
        _ => format!("{}/{}", key.ipv4(4), key.u32(0)),
    };
    let mac = value.array::<6>(0).map(|byte| format!("{byte:02X}")).join(":");
    let endpoint = value.ipv4(8);
    let row = Decoded::new([range.clone(), format!("vtepmac={mac} tunnelendpoint={endpoint}")]);
    Ok(row.with("range", range).with("mac", mac).with("tunnel_endpoint", endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, subject},
    };

    #[test]
    fn addresses_and_prefixes() {
        let value = "823618dbed5a0000 0aa90148 00000000";
        let map = subject("cilium_vtep_map", kind::HASH, 4, 16);
        let row = decode(&MAP, &map, "0a010500", value);
        assert_eq!(row.cells, ["10.1.5.0", "vtepmac=82:36:18:DB:ED:5A tunnelendpoint=10.169.1.72"]);
        let map = subject("cilium_vtep_map", kind::LPM_TRIE, 8, 16);
        assert_eq!(decode(&MAP, &map, "18000000 0a010500", value).cells[0], "10.1.5.0/24");
    }
}
