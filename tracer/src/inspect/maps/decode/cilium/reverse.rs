//! `cilium_lb4_reverse_nat`, `cilium_lb6_reverse_nat`: which service an answer of a backend comes from.

use super::{version, words::with_port};
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Decoded, Form},
};

/// The maps.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "reverse",
    titles: &["ID", "BACKEND ADDRESS (REVNAT_ID) (SLOT)"],
    form: Form::Pairs,
    known: &[
        version!("cilium_lb4_reverse_nat", HASH, 2, 6, false),
        version!("cilium_lb6_reverse_nat", HASH, 2, 18, true),
    ],
    is_common_name: false,
    row: |entry, version, _| row(entry, version).map(Some),
};

fn row(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let after = if version.is_ipv6 { 16 } else { 4 };
    let (id, address, port) = (key.be16(0), value.address(0, version.is_ipv6), value.be16(after));
    let row = Decoded::new([id.to_string(), with_port(address, port)]);
    Ok(row.with("rev_nat", id).with("address", address).with("port", port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, subject},
    };

    #[test]
    fn ids_are_in_network_order() {
        let map = subject("cilium_lb4_reverse_nat", kind::HASH, 2, 6);
        assert_eq!(decode(&MAP, &map, "0102", "0a600001 01bb").cells, ["258", "10.96.0.1:443"]);
        let map = subject("cilium_lb6_reverse_nat", kind::HASH, 2, 18);
        let row = decode(&MAP, &map, "0001", "fd000000000000000000000000000001 01bb");
        assert_eq!(row.cells, ["1", "[fd00::1]:443"]);
    }
}
