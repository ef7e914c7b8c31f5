//! `cilium_auth_map`: which identities have proved to each other who they are, and for how long (1.14 on).

use super::words::authentication;
use crate::{
    inspect::maps::decode::{Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::Decoded,
};

/// Times are counted in these nanoseconds since 1970 (`pkg/utime`).
const UNIT: u64 = 512;
const NANOSECONDS: u64 = 1_000_000_000;

/// The decoder.
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "auth"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_auth_map") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::HASH, 12, 8) => Recognition::known(Version),
            _ => map.misfit(),
        }
    }
}

struct Version;

/// Seconds and nanoseconds since 1970.
fn time(units: u64) -> (u64, u32) {
    let per_second = NANOSECONDS / UNIT;
    // UNIT divides a second, so neither part overflows.
    (units / per_second, (units % per_second * UNIT) as u32)
}

/// As the tool prints a time, in UTC: digits of the fraction as far as they are none, and the zone twice.
fn time_text(units: u64) -> String {
    let (seconds, nanoseconds) = time(units);
    let Ok(time) = jiff::Timestamp::new(i64::try_from(seconds).unwrap_or(i64::MAX), 0) else {
        return format!("{seconds}s");
    };
    let fraction =
        if nanoseconds == 0 { String::new() } else { format!(".{nanoseconds:09}").trim_end_matches('0').to_owned() };
    format!("{}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S"))
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        &["SRC IDENTITY", "DST IDENTITY", "REMOTE NODE ID", "AUTH TYPE", "EXPIRATION"]
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = entry.sized(12, 8)?;
        let (local, remote, node, kind) = (key.u32(0), key.u32(4), key.u16(8), authentication(key.u8(10)));
        let expires = value.u64(0);
        let cells = [local.to_string(), remote.to_string(), node.to_string(), kind.clone(), time_text(expires)];
        let row = Decoded::new(cells)
            .with("local_identity", local)
            .with("remote_identity", remote)
            .with("remote_node", node)
            .with("authentication", kind)
            .with("expires", time(expires).0);
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, subject};

    #[test]
    fn an_expiration() {
        let units = 1_700_000_000 * (NANOSECONDS / UNIT) + 1;
        let value = format!("{:016x}", units.swap_bytes());
        let map = subject("cilium_auth_map", kind::HASH, 12, 8);
        let row = decode(&Map, &map, "d8660000 04000000 3412 01 00", &value);
        assert_eq!(row.cells, ["26328", "4", "4660", "spire", "2023-11-14 22:13:20.000000512 +0000 UTC"]);
    }

    #[test]
    fn any_time_has_a_text() {
        assert_eq!(time_text(0), "1970-01-01 00:00:00 +0000 UTC");
        // Beyond what a calendar of four-digit years holds.
        assert_eq!(time_text(u64::MAX), "9444732965739s");
    }
}
