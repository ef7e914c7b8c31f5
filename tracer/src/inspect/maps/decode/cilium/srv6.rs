//! Segment routing over IPv6: `cilium_srv6_vrf_v4`, `_v6` (which routing table a packet belongs to), `cilium_srv6_policy_v4`,
//! `_v6` (by which segment it leaves), `cilium_srv6_sid` (which table a segment of this node leads to).

use super::version;
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Decoded, Form},
};

/// Pods and destinations with their routing tables.
pub static ROUTES: Versions = Versions {
    dataplane: "cilium",
    name: "srv6-vrf",
    titles: &["Source IP", "Destination CIDR", "VRF ID"],
    form: Form::Columns,
    known: &[
        version!("cilium_srv6_vrf_v4", LPM_TRIE, 12, 4, false),
        version!("cilium_srv6_vrf_v6", LPM_TRIE, 36, 4, true),
    ],
    is_common_name: false,
    row: |entry, version, _| route(entry, version).map(Some),
};

/// Destinations of a routing table with their segments.
pub static POLICIES: Versions = Versions {
    dataplane: "cilium",
    name: "srv6-policy",
    titles: &["VRF ID", "Destination CIDR", "SID"],
    form: Form::Columns,
    known: &[
        version!("cilium_srv6_policy_v4", LPM_TRIE, 12, 16, false),
        version!("cilium_srv6_policy_v6", LPM_TRIE, 24, 16, true),
    ],
    is_common_name: false,
    row: |entry, version, _| policy(entry, version).map(Some),
};

/// Segments of this node with their routing tables.
pub static SEGMENTS: Versions = Versions {
    dataplane: "cilium",
    name: "srv6-sid",
    titles: &["SID", "VRF ID"],
    form: Form::Columns,
    known: &[version!("cilium_srv6_sid", HASH, 16, 4, true)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (segment, table) = (key.ipv6(0), value.u32(0));
        let row = Decoded::new([segment.to_string(), table.to_string()]);
        Ok(Some(row.with("sid", segment).with("vrf_id", table)))
    },
};

/// All bits of the source count, then those of the destination's prefix.
fn route(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let size = if version.is_ipv6 { 16 } else { 4 };
    let bits = key.u32(0).saturating_sub(size as u32 * 8);
    let (source, table) = (key.address(4, version.is_ipv6), value.u32(0));
    let destination = format!("{}/{bits}", key.address(4 + size, version.is_ipv6));
    let row = Decoded::new([source.to_string(), destination.clone(), table.to_string()]);
    Ok(row.with("source", source).with("destination", destination).with("vrf_id", table))
}

/// The table's number counts 32 bits.
fn policy(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let (table, segment) = (key.u32(4), value.ipv6(0));
    let bits = key.u32(0).saturating_sub(32);
    let destination = format!("{}/{bits}", key.address(8, version.is_ipv6));
    let row = Decoded::new([table.to_string(), destination.clone(), segment.to_string()]);
    Ok(row.with("vrf_id", table).with("destination", destination).with("sid", segment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, subject},
    };

    #[test]
    fn tables_and_segments() {
        let check = |versions: &Versions, map: (&str, u32, usize, usize), key: &str, value: &str, expected: &[&str]| {
            let map = subject(map.0, map.1, map.2, map.3);
            assert_eq!(decode(versions, &map, key, value).cells, expected);
        };
        let (six, segment) = ("fd000000000000000000000000000005", "fc000000000000000000000000000001");
        let map = ("cilium_srv6_vrf_v4", kind::LPM_TRIE, 12, 4);
        check(&ROUTES, map, "38000000 0a000005 c0000200", "01000000", &["10.0.0.5", "192.0.2.0/24", "1"]);
        let map = ("cilium_srv6_vrf_v6", kind::LPM_TRIE, 36, 4);
        check(&ROUTES, map, &format!("80000000 {six} {six}"), "02000000", &["fd00::5", "fd00::5/0", "2"]);
        let map = ("cilium_srv6_policy_v4", kind::LPM_TRIE, 12, 16);
        check(&POLICIES, map, "38000000 01000000 c0000200", segment, &["1", "192.0.2.0/24", "fc00::1"]);
        let map = ("cilium_srv6_policy_v6", kind::LPM_TRIE, 24, 16);
        check(&POLICIES, map, &format!("a0000000 01000000 {six}"), segment, &["1", "fd00::5/128", "fc00::1"]);
        let map = ("cilium_srv6_sid", kind::HASH, 16, 4);
        check(&SEGMENTS, map, segment, "07000000", &["fc00::1", "7"]);
    }
}
