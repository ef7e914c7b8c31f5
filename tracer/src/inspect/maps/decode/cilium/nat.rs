//! `cilium_snat_v4_external`, `cilium_snat_v6_external`: addresses and ports that are translated.

use super::{
    minor_of, version,
    words::{Tuple, protocol, with_port},
};
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Circumstances, Version, Versions},
    },
    model::{Decoded, Form},
};

/// The maps.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "nat",
    titles: &[],
    form: Form::Lines,
    known: &[
        version!("cilium_snat_v4_external", LRU_HASH, 14, 40, false),
        version!("cilium_snat_v6_external", LRU_HASH, 38, 56, true),
    ],
    is_common_name: false,
    row,
};

const NANOSECONDS: u64 = 1_000_000_000;

/// Seconds since then. The tool asks the agent which clock it uses; this is the usual one.
fn age(now: u64, created: u64) -> i64 {
    (now / NANOSECONDS) as i64 - (created / NANOSECONDS) as i64
}

fn row(entry: &Entry<'_>, version: &Version, at: Circumstances) -> Result<Option<Decoded>, Misfit> {
    let (key, value) = version.sized(entry)?;
    let (tuple, minor) = (Tuple::read(key, version.is_ipv6), minor_of(at.release));
    if tuple.is_empty() {
        return Ok(None);
    }
    let to = value.address(32, version.is_ipv6);
    let to_port = value.be16(if version.is_ipv6 { 48 } else { 36 });
    let (side, translates) = if tuple.is_in() { ("DST", "destination") } else { ("SRC", "source") };
    let (age, needs) = (age(at.now, value.u64(0)), value.u64(8));
    let unit = if minor >= 15 { "sec ago" } else { "sec" };
    let (last, last_field) = if minor >= 14 { ("NeedsCT", "needs_ct") } else { ("HostLocal", "host_local") };
    let (key, end) = (tuple.translated(minor), with_port(to, to_port));
    let row = Decoded::new([format!("{key}XLATE_{side} {end} Created={age}{unit} {last}={needs}")])
        .with("protocol", protocol(tuple.protocol, minor))
        .with("direction", tuple.way().to_lowercase())
        .with("source", tuple.source)
        .with("source_port", tuple.source_port)
        .with("destination", tuple.destination)
        .with("destination_port", tuple.destination_port)
        .with("translates", translates)
        .with("to", to)
        .with("to_port", to_port)
        .with("created_ns", value.u64(0));
    Ok(Some(row.with(last_field, needs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, fields, subject},
    };

    const VALUE: &str = "00ca9a3b00000000 0100000000000000 00000000000000000000000000000000 c0000201 c000 0000";

    #[test]
    fn sources_on_the_way_out_destinations_on_the_way_in() {
        let row = |minor, key| {
            let mut map = subject("cilium_snat_v4_external", kind::LRU_HASH, 14, 40);
            map.release = Some((1, minor));
            map.now = 61 * NANOSECONDS;
            decode(&MAP, &map, key, VALUE)
        };
        let out = "08080808 0a000005 0035 a112 11 00";
        let text = "UDP OUT 10.0.0.5:41234 -> 8.8.8.8:53 XLATE_SRC 192.0.2.1:49152";
        assert_eq!(row(13, out).cells, [format!("{text} Created=60sec HostLocal=1")]);
        assert_eq!(row(14, out).cells, [format!("{text} Created=60sec NeedsCT=1")]);
        assert_eq!(row(18, out).cells, [format!("{text} Created=60sec ago NeedsCT=1")]);
        let back = row(18, "c0000201 08080808 c000 0035 11 01");
        assert!(back.cells[0].starts_with("UDP IN 8.8.8.8:53 -> 192.0.2.1:49152 XLATE_DST "), "{}", back.cells[0]);
        assert!(fields(&back).contains(" translates=destination to=192.0.2.1 to_port=49152 "));
    }

    #[test]
    fn ipv6() {
        let map = subject("cilium_snat_v6_external", kind::LRU_HASH, 38, 56);
        let key = "fd000000000000000000000000000001 fd000000000000000000000000000002 0035 a112 11 00";
        let value = "0000000000000000 0000000000000000 00000000000000000000000000000000 \
                     fd000000000000000000000000000003 c000 000000000000";
        let expected = "UDP OUT fd00::2:41234 -> fd00::1:53 XLATE_SRC [fd00::3]:49152 Created=0sec ago NeedsCT=0";
        assert_eq!(decode(&MAP, &map, key, value).cells, [expected]);
    }
}
