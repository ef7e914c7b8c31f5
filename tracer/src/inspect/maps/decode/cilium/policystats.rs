//! `cilium_policystats`: how much each rule of each endpoint's policy has let through or stopped (1.18 on).

use std::collections::HashMap;

use super::words::protocol;
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::Decoded,
};

/// Packets and bytes by endpoint, length of the prefix, identity, egress, protocol and port.
pub type Stats = HashMap<(u16, u8, u32, u8, u8, u16), (u64, u64)>;

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "policystats"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_policystats") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::LRU_PERCPU_HASH, 12, 16) => Recognition::known(Version),
            _ => map.misfit(),
        }
    }
}

/// Adds an entry to the counts.
pub fn count(entry: &Entry<'_>, stats: &mut Stats) -> Result<(), Misfit> {
    let (key, counts) = read(entry)?;
    stats.insert(key, counts);
    Ok(())
}

type Key = (u16, u8, u32, u8, u8, u16);

fn read(entry: &Entry<'_>) -> Result<(Key, (u64, u64)), Misfit> {
    let (key, values) = entry.sized_per_cpu(12, 16)?;
    let counts = values.fold((0_u64, 0_u64), |(packets, bytes), value| {
        (packets.wrapping_add(value.u64(0)), bytes.wrapping_add(value.u64(8)))
    });
    Ok(((key.u16(0), key.u8(3), key.u32(4), key.u8(8) & 1, key.u8(9), key.be16(10)), counts))
}

struct Version;

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["ENDPOINT", "DIRECTION", "IDENTITY", "PROTO", "PORT", "PREFIX", "PACKETS", "BYTES"]
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let ((endpoint, bits, identity, egress, number, port), (packets, bytes)) = read(entry)?;
        let direction = if egress == 1 { "egress" } else { "ingress" };
        let protocol = protocol(number, super::NEWEST);
        let cells = [
            endpoint.to_string(),
            direction.to_owned(),
            identity.to_string(),
            protocol.clone(),
            port.to_string(),
            bits.to_string(),
            packets.to_string(),
            bytes.to_string(),
        ];
        let row = Decoded::new(cells)
            .with("endpoint", endpoint)
            .with("direction", direction)
            .with("identity", identity)
            .with("protocol", protocol)
            .with("port", port)
            .with("prefix_length", bits)
            .with("packets", packets)
            .with("bytes", bytes);
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{bytes, decode, subject};

    const KEY: &str = "2a00 00 18 d8660000 01 06 0050";
    const VALUE: &str = "0300000000000000 6400000000000000 0700000000000000 8403000000000000";

    #[test]
    fn counts_of_all_cpus_are_summed() {
        let map = subject("cilium_policystats", kind::LRU_PERCPU_HASH, 12, 16);
        let expected = ["42", "egress", "26328", "TCP", "80", "24", "10", "1000"];
        assert_eq!(decode(&Map, &map, KEY, VALUE).cells, expected);
        let mut stats = Stats::new();
        let (key, value) = (bytes(KEY), bytes(VALUE));
        count(&Entry { key: &key, value: &value }, &mut stats).unwrap();
        assert_eq!(stats, Stats::from([((42, 24, 26328, 1, 6, 80), (10, 1000))]));
    }
}
