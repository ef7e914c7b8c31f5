//! `cilium_metrics`: packets and bytes, by why they were counted, and from 1.16 on by the place in Cilium's sources.

use std::cmp::Ordering;

use super::{
    minor,
    words::{file, is_drop, reason},
};
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::Decoded,
};

const DIRECTIONS: [&str; 4] = ["UNKNOWN", "INGRESS", "EGRESS", "SERVICE"];

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "metrics"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_metrics") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::PERCPU_HASH, 8, 16) => Recognition::known(Version(minor(map))),
            _ => map.misfit(),
        }
    }
}

/// A counter, summed over the CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// `reason`
    pub code: u8,
    /// The reason in words.
    pub reason: String,
    /// INGRESS, EGRESS, SERVICE or UNKNOWN.
    pub direction: &'static str,
    /// `count`
    pub packets: u64,
    /// `bytes`
    pub bytes: u64,
    /// Line and file, from 1.16 on.
    pub place: Option<(u16, String)>,
}

impl Metric {
    /// Whether it counts packets that were dropped.
    pub fn is_drop(&self) -> bool {
        is_drop(self.code)
    }

    /// The entry of a map of release 1.`minor`.
    pub fn read(entry: &Entry<'_>, minor: u16) -> Result<Self, Misfit> {
        let (key, values) = entry.sized_per_cpu(8, 16)?;
        let (packets, bytes) = values.fold((0_u64, 0_u64), |(packets, bytes), value| {
            (packets.wrapping_add(value.u64(0)), bytes.wrapping_add(value.u64(8)))
        });
        Ok(Self {
            code: key.u8(0),
            reason: reason(key.u8(0)).into_owned(),
            direction: DIRECTIONS[usize::from(key.u8(1) & 3)],
            packets,
            bytes,
            place: (minor >= 16).then(|| (key.u16(2), file(key.u8(4), minor))),
        })
    }

    /// What the tool sorts by: the texts of the columns.
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.reason.clone(), self.direction.to_owned()];
        cells.extend([self.packets.to_string(), self.bytes.to_string()]);
        if let Some((line, file)) = &self.place {
            cells.extend([line.to_string(), file.clone()]);
        }
        cells
    }
}

struct Version(u16);

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        let all = &["REASON", "DIRECTION", "PACKETS", "BYTES", "LINE", "FILE"];
        if self.0 >= 16 { all } else { &all[..4] }
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        let cells = |entry| Metric::read(entry, self.0).map(|metric| metric.cells()).unwrap_or_default();
        cells(one).cmp(&cells(other)).then_with(|| one.key.cmp(other.key))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let metric = Metric::read(entry, self.0)?;
        let row = Decoded { cells: metric.cells(), fields: Vec::new() };
        let drop = metric.is_drop();
        let row = row
            .with("reason", metric.reason)
            .with("reason_code", metric.code)
            .with("drop", drop)
            .with("direction", metric.direction.to_lowercase())
            .with("packets", metric.packets)
            .with("bytes", metric.bytes);
        Ok(Some(match metric.place {
            Some((line, file)) => row.with("line", line).with("file", file),
            None => row,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, subject};

    fn row(minor: u16, key: &str, value: &str) -> Decoded {
        let mut map = subject("cilium_metrics", kind::PERCPU_HASH, 8, 16);
        map.release = Some((1, minor));
        decode(&Map, &map, key, value)
    }

    #[test]
    fn counts_of_all_cpus_are_summed() {
        let encap =
            row(18, "00 02 2300 70 000000", "f80c050000000000 186d790100000000 d701000000000000 df8c000000000000");
        assert_eq!(encap.cells, ["Success", "EGRESS", "331471", "24771063", "35", "encap.h"]);
        let sock =
            row(18, "0e 02 e804 05 000000", "2800000000000000 0000000000000000 1800000000000000 0000000000000000");
        let expected = ["LB: sock cgroup: Reverse entry delete succeeded", "EGRESS", "64", "0", "1256", "bpf_sock.c"];
        assert_eq!(sock.cells, expected);
        let denied =
            row(18, "85 01 4f08 02 000000", "2f00000000000000 de0d000000000000 00000000000000000000000000000000");
        assert_eq!(denied.cells, ["Policy denied", "INGRESS", "47", "3550", "2127", "bpf_lxc.c"]);
        assert_eq!(
            fields(&denied),
            "reason=Policy denied reason_code=133 drop=true direction=ingress packets=47 bytes=3550 line=2127 file=bpf_lxc.c"
        );
    }

    #[test]
    fn places_came_with_1_16() {
        let old = row(15, "85 01 0000 00 000000", "2f00000000000000 de0d000000000000");
        assert_eq!(old.cells, ["Policy denied", "INGRESS", "47", "3550"]);
        let newer = row(19, "00 02 2300 70 000000", "0100000000000000 0200000000000000");
        assert_eq!(newer.cells[5], "host_firewall.h");
    }

    #[test]
    fn upper_bits_of_the_direction_are_none() {
        let row = row(18, "9f fe 0000 63 000000", "0100000000000000 0200000000000000");
        assert_eq!(row.cells, ["159, 0", "EGRESS", "1", "2", "0", "unknown(99)"]);
    }
}
