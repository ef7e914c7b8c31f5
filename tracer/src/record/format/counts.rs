//! Counts of a run, as they are stored: one JSON object.

use serde_json::{Value, json};

use crate::collect::counts::Counts;

/// As they are stored.
pub fn to_json(counts: &Counts) -> Value {
    json!({
        "seen": counts.seen,
        "shown": counts.shown,
        "ring_full": counts.ring_full,
        "undecodable": counts.undecodable,
        "not_read": counts.not_read,
        "not_written": counts.not_written,
        "missed": counts.missed,
        "undecidable": counts.undecidable,
        "own": counts.own,
        "sampled_out": counts.sampled_out,
        "beyond_limit": counts.beyond_limit,
        "not_followed": counts.not_followed,
        "changes_lost": counts.changes_lost,
        "evicted": counts.evicted,
    })
}

/// Reads them; `None` where they are not there.
pub fn from_json(content: &[u8]) -> Option<Counts> {
    let value: Value = serde_json::from_slice(content).ok()?;
    let number = |key: &str| value[key].as_u64().unwrap_or_default();
    value.is_object().then(|| Counts {
        seen: number("seen"),
        shown: number("shown"),
        ring_full: number("ring_full"),
        undecodable: number("undecodable"),
        not_read: number("not_read"),
        not_written: number("not_written"),
        missed: value["missed"].as_u64(),
        undecidable: number("undecidable"),
        own: number("own"),
        sampled_out: number("sampled_out"),
        beyond_limit: number("beyond_limit"),
        not_followed: number("not_followed"),
        changes_lost: number("changes_lost"),
        evicted: number("evicted"),
    })
}
