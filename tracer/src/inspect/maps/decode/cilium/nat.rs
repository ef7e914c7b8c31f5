//! `cilium_snat_v4_external`, `cilium_snat_v6_external`: addresses and ports that are translated.

use super::{
    minor,
    words::{Tuple, protocol, with_port},
};
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

/// The maps, and whether their addresses are IPv6 ones.
pub const MAPS: [(&str, bool); 2] = [("cilium_snat_v4_external", false), ("cilium_snat_v6_external", true)];

const NANOSECONDS: u64 = 1_000_000_000;

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "nat"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        let Some((_, is_ipv6)) = MAPS.into_iter().find(|(name, _)| map.is_called(name)) else {
            return Recognition::Other;
        };
        let layout = Version { minor: minor(map), is_ipv6, now: map.now };
        if map.shape() == (kind::LRU_HASH, Tuple::size(is_ipv6) as u32, layout.value_size() as u32) {
            Recognition::known(layout)
        } else {
            map.misfit()
        }
    }
}

struct Version {
    minor: u16,
    is_ipv6: bool,
    /// Of the monotonic clock, nanoseconds.
    now: u64,
}

impl Version {
    fn value_size(&self) -> usize {
        if self.is_ipv6 { 56 } else { 40 }
    }

    /// Seconds since then. The tool asks the agent which clock it uses; this is the usual one.
    fn age(&self, created: u64) -> i64 {
        (self.now / NANOSECONDS) as i64 - (created / NANOSECONDS) as i64
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &[]
    }

    fn form(&self) -> Form {
        Form::Lines
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = entry.sized(Tuple::size(self.is_ipv6), self.value_size())?;
        let tuple = Tuple::read(key, self.is_ipv6);
        if tuple.is_empty() {
            return Ok(None);
        }
        let to = value.address(32, self.is_ipv6);
        let to_port = value.be16(if self.is_ipv6 { 48 } else { 36 });
        let side = if tuple.is_in() { "DST" } else { "SRC" };
        let age = self.age(value.u64(0));
        let unit = if self.minor >= 15 { "sec ago" } else { "sec" };
        let last = if self.minor >= 14 { "NeedsCT" } else { "HostLocal" };
        let needs = value.u64(8);
        let text = format!(
            "{}XLATE_{side} {} Created={age}{unit} {last}={needs}",
            tuple.translated(self.minor),
            with_port(to, to_port)
        );
        let row = Decoded::new([text])
            .with("protocol", protocol(tuple.protocol, self.minor))
            .with("direction", tuple.way().to_lowercase())
            .with("source", tuple.source)
            .with("source_port", tuple.source_port)
            .with("destination", tuple.destination)
            .with("destination_port", tuple.destination_port)
            .with("translates", if tuple.is_in() { "destination" } else { "source" })
            .with("to", to)
            .with("to_port", to_port)
            .with("created_ns", value.u64(0));
        Ok(Some(row.with(if self.minor >= 14 { "needs_ct" } else { "host_local" }, needs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, subject};

    const VALUE: &str = "00ca9a3b00000000 0100000000000000 00000000000000000000000000000000 c0000201 c000 0000";

    #[test]
    fn sources_on_the_way_out_destinations_on_the_way_in() {
        let row = |minor, key| {
            let mut map = subject("cilium_snat_v4_external", kind::LRU_HASH, 14, 40);
            map.release = Some((1, minor));
            map.now = 61 * NANOSECONDS;
            decode(&Map, &map, key, VALUE)
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
        assert_eq!(decode(&Map, &map, key, value).cells, [expected]);
    }
}
