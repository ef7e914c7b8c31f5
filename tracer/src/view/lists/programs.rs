//! Programs.

use super::{held_by, kind, offload, paths, pids};
use crate::{
    model::ProgramRow,
    view::{
        bytes, duration,
        table::{Cell, Column, Table},
    },
};

/// All programs. `boot` is when the machine began, nanoseconds of the epoch.
pub fn programs(rows: &[ProgramRow], boot: u64) -> Table {
    let columns = [
        Column::number("id", "ID"),
        Column::text("type", "TYPE"),
        Column::text("name", "NAME"),
        Column::text("tag", "TAG"),
        Column::hidden("gpl_compatible"),
        Column::number("run_cnt", "RUNS").optional(),
        Column::number("run_time_ns", "TIME").optional(),
        Column::number("ns_per_run", "A RUN").optional(),
        Column::number("recursion_misses", "MISSED").optional(),
        Column::hidden("loaded_at"),
        Column::hidden("uid"),
        Column::text("orphaned", "DEVICE").optional(),
        Column::hidden("dev"),
        Column::hidden("bytes_xlated"),
        Column::hidden("jited"),
        Column::hidden("bytes_jited"),
        Column::number("bytes_memlock", "MEMORY").optional(),
        Column::hidden("verified_insns"),
        Column::hidden("btf_id"),
        Column::hidden("attach_btf_obj_id"),
        Column::hidden("attach_btf_id"),
        Column::text("map_ids", "MAPS").optional().wrapping(),
        Column::words("HELD BY").wrapping(),
        Column::hidden("pinned"),
        Column::hidden("pids"),
    ];
    let mut table = Table::new("", columns).or_else("no program is loaded");
    for row in rows {
        table.push(cells(row, boot));
    }
    table
}

fn cells(row: &ProgramRow, boot: u64) -> [Cell; 25] {
    let info = &row.info;
    let mut tag = String::new();
    bytes::hex(&info.tag, "", &mut tag);
    let maps: Vec<String> = info.maps.iter().map(ToString::to_string).collect();
    let [runs, time, each] = runs(row);
    [
        Cell::number(info.id),
        kind(info.kind),
        Cell::foreign(info.full_name()),
        Cell::text(tag),
        Cell::json(info.gpl),
        runs,
        time,
        each,
        if info.misses == 0 { Cell::json(0) } else { Cell::number(info.misses) },
        Cell::number((boot + info.loaded_at) / 1_000_000_000),
        Cell::number(info.uid),
        Cell::json(info.orphaned).shown(if info.orphaned { "gone" } else { "" }),
        offload(info.offload),
        Cell::number(info.translated_bytes),
        Cell::json(info.native_bytes > 0),
        Cell::number(info.native_bytes),
        row.memory.map_or_else(Cell::none, |memory| Cell::number(memory).shown(bytes::text(memory))),
        Cell::number(info.verified),
        info.btf.map_or_else(Cell::nothing, Cell::number),
        Cell::number(info.target_btf),
        Cell::number(info.target),
        Cell::json(info.maps.clone()).shown(maps.join(",")),
        held_by(&row.pins, &row.owners),
        Cell::json(paths(&row.pins)),
        Cell::json(pids(&row.owners)),
    ]
}

/// Runs, their time, and that of one. Nothing where they were never counted: 0 would claim that the program does not run.
fn runs(row: &ProgramRow) -> [Cell; 3] {
    let info = &row.info;
    if !row.counted && info.runs == 0 {
        return [Cell::nothing(), Cell::nothing(), Cell::nothing()];
    }
    let time = |nanoseconds: u64| {
        let mut text = String::new();
        duration::write(nanoseconds, &mut text);
        Cell::number(nanoseconds).shown(text)
    };
    let each = info.run_time.checked_div(info.runs).map_or_else(Cell::none, time);
    [Cell::number(info.runs), time(info.run_time), each]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Name, ProgramInfo, ProgramKind},
        view::{Style, table},
    };

    fn sample(counted: bool) -> ProgramRow {
        let info = ProgramInfo {
            id: 31,
            kind: ProgramKind(3),
            name: Name(*b"cil_from_contai\0"),
            function: Some("cil_from_container".to_owned()),
            tag: [0x5b, 0xc4, 0, 1, 2, 3, 4, 0xff],
            gpl: true,
            loaded_at: 5_000_000_000,
            uid: 0,
            translated_bytes: 288,
            native_bytes: 173,
            maps: vec![5, 7],
            btf: Some(9),
            run_time: 2_500,
            runs: 2,
            misses: 0,
            verified: 44,
            target_btf: 0,
            target: 0,
            offload: None,
            orphaned: false,
        };
        let info = if counted { info } else { ProgramInfo { runs: 0, run_time: 0, ..info } };
        ProgramRow { info, memory: Some(4096), counted, pins: vec!["/sys/fs/bpf/x".into()], owners: vec![] }
    }

    fn text(row: ProgramRow) -> String {
        let mut out = String::new();
        table::text(&programs(&[row], 1_000_000_000_000), Style::Plain, None, &mut out);
        out
    }

    #[test]
    fn runs_are_shown_where_they_are_counted() {
        let expected = "\
ID  TYPE       NAME                TAG               RUNS     TIME    A RUN   MEMORY  MAPS  HELD BY
31  sched_cls  cil_from_container  5bc40001020304ff     2  2.50 µs  1.25 µs  4.09 kB  5,7   /sys/fs/bpf/x
";
        assert_eq!(text(sample(true)), expected);
        let expected = "\
ID  TYPE       NAME                TAG                MEMORY  MAPS  HELD BY
31  sched_cls  cil_from_container  5bc40001020304ff  4.09 kB  5,7   /sys/fs/bpf/x
";
        assert_eq!(text(sample(false)), expected);
    }

    #[test]
    fn json_has_bpftools_keys() {
        let mut out = String::new();
        table::json(&programs(&[sample(false)], 1_000_000_000_000), &mut out);
        let row: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(row["loaded_at"], 1_005);
        assert_eq!(row["run_cnt"], serde_json::Value::Null);
        assert_eq!(row["map_ids"], serde_json::json!([5, 7]));
        assert_eq!(row["gpl_compatible"], true);
    }
}
