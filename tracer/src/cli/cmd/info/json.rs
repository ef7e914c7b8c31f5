//! A summary as JSON; `assets/recording.md` documents the keys.

use serde_json::{Map, Value, json};

use super::summary::Summary;
use crate::{record::format::counts, view::escape};

pub(super) fn json(summary: &Summary) -> Value {
    let named = |counts: &[(String, u64)]| -> Map<String, Value> {
        counts.iter().map(|(name, count)| (name.clone(), (*count).into())).collect()
    };
    let interfaces = summary.interfaces.iter().map(|(interface, namespace, hits)| {
        let mut name = String::new();
        escape(interface.name().bytes(), &mut name);
        json!({
            "netns": interface.netns,
            "netns_name": namespace,
            "ifindex": interface.ifindex,
            "ifname": (!name.is_empty()).then_some(name),
            "hits": hits,
        })
    });
    let missing = &summary.missing;
    json!({
        "v": 1,
        "file": summary.path.to_string_lossy(),
        "bytes": summary.bytes,
        "start": summary.start.to_json(),
        "first_ns": summary.span.map(|(first, _)| first),
        "last_ns": summary.span.map(|(_, last)| last),
        "hits": summary.hits,
        "changes": summary.changes,
        "packets": summary.packets,
        "counts": summary.counts.as_ref().map(counts::to_json),
        "missing": {
            "hits": missing.records,
            "damaged_bytes": missing.damaged,
            "tail_bytes": missing.tail,
            "damaged_packet_bytes": missing.packets,
            "damaged_table_bytes": missing.tables,
            "refused_names": missing.names,
            "newer_blocks": missing.newer,
            "unfinished": missing.unfinished,
        },
        "drops": named(&summary.drops),
        "functions": named(&summary.functions),
        "interfaces": interfaces.collect::<Vec<_>>(),
    })
}
