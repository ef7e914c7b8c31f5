//! Maps.

use super::{held_by, offload, paths, pids};
use crate::{
    model::{MapRow, map::Entries},
    view::{
        bytes,
        table::{Cell, Column, Table},
    },
};

/// All maps.
pub fn maps(rows: &[MapRow]) -> Table {
    let columns = [
        Column::number("id", "ID"),
        Column::text("type", "TYPE"),
        Column::text("name", "NAME"),
        Column::hidden("flags"),
        Column::number("bytes_key", "KEY"),
        Column::number("bytes_value", "VALUE"),
        Column::number("entries", "ENTRIES"),
        Column::number("max_entries", "MOST"),
        Column::number("bytes_memlock", "MEMORY").optional(),
        Column::hidden("frozen"),
        Column::hidden("owner_prog_type"),
        Column::hidden("owner_jited"),
        Column::hidden("dev"),
        Column::hidden("btf_id"),
        Column::words("HELD BY").wrapping(),
        Column::hidden("pinned"),
        Column::hidden("pids"),
    ];
    let mut table = Table::new("", columns).or_else("no map is loaded");
    for row in rows {
        let info = &row.info;
        let types = info.types.map(|types| Cell::number(types.btf));
        table.push([
            Cell::number(info.id),
            info.kind.name().map_or_else(|| Cell::number(info.kind.0), Cell::text),
            Cell::foreign(info.name.bytes()),
            Cell::number(info.flags),
            Cell::number(info.key_bytes),
            Cell::number(info.value_bytes),
            entries(row.entries),
            Cell::number(info.most_entries),
            row.memory.map_or_else(Cell::none, |memory| Cell::number(memory).shown(bytes::text(memory))),
            Cell::number(u8::from(row.frozen)),
            row.takes.map_or_else(Cell::nothing, |takes| super::kind(takes.kind)),
            row.takes.map_or_else(Cell::nothing, |takes| Cell::json(takes.native)),
            offload(info.offload),
            types.unwrap_or_else(Cell::nothing),
            held_by(&row.pins, &row.owners),
            Cell::json(paths(&row.pins)),
            Cell::json(pids(&row.owners)),
        ]);
    }
    table
}

fn entries(entries: Entries) -> Cell {
    match entries {
        Entries::Counted(count) => Cell::number(count),
        Entries::MoreThan(count) => Cell::unknown(format!(">{count}")),
        Entries::Unlistable => Cell::none(),
        Entries::Unread => Cell::unknown("not read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{MapInfo, MapKind, MapTypes, Name, Process},
        view::{Style, table},
    };

    fn sample() -> Vec<MapRow> {
        let info = MapInfo {
            id: 7,
            kind: MapKind::LRU_HASH,
            name: Name(*b"conn\x1b\0\0\0\0\0\0\0\0\0\0\0"),
            key_bytes: 14,
            value_bytes: 56,
            most_entries: 524_288,
            flags: 1,
            offload: None,
            extra: 0,
            types: Some(MapTypes { btf: 9, key: 1, value: 2 }),
        };
        let owners = vec![Process { pid: 12, comm: b"agent".to_vec() }];
        let row = MapRow {
            info,
            memory: Some(75_000_000),
            frozen: false,
            takes: None,
            entries: Entries::MoreThan(65_536),
            pins: vec!["/sys/fs/bpf/ct".into()],
            owners,
        };
        let other = MapInfo { id: 8, kind: MapKind(99), types: None, ..info };
        vec![
            row,
            MapRow {
                info: other,
                memory: None,
                frozen: true,
                takes: None,
                entries: Entries::Unlistable,
                pins: vec![],
                owners: vec![],
            },
        ]
    }

    #[test]
    fn text_fits_a_terminal() {
        let mut out = String::new();
        table::text(&maps(&sample()), Style::Plain, Some(80), &mut out);
        let expected = "\
ID  TYPE      NAME      KEY  VALUE  ENTRIES    MOST   MEMORY  HELD BY
 7  lru_hash  conn\\x1b   14     56   >65536  524288  75.0 MB  /sys/fs/bpf/ct,
                                                              agent(12)
 8  99        conn\\x1b   14     56        -  524288        -  -
";
        assert_eq!(out, expected);
    }

    #[test]
    fn json_has_bpftools_keys() {
        let mut out = String::new();
        table::json(&maps(&sample()), &mut out);
        let expected = r#"{"id":7,"type":"lru_hash","name":"conn\\x1b","flags":1,"bytes_key":14,"bytes_value":56,"entries":null,"max_entries":524288,"bytes_memlock":75000000,"frozen":0,"owner_prog_type":null,"owner_jited":null,"dev":null,"btf_id":9,"pinned":["/sys/fs/bpf/ct"],"pids":[{"comm":"agent","pid":12}]}"#;
        assert_eq!(out.lines().next(), Some(expected));
    }
}
