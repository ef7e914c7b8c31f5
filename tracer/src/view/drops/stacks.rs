//! The stacks on which packets of a kind were dropped.

use serde_json::{Value, json};

use super::{Cell, Column, Group, Kind, Report, Table, groups, plural};

/// Stacks of a kind that are shown, those with most drops.
const SHOWN: usize = 3;

/// A list of frames for each stack of a kind.
pub(super) fn tables(report: &Report<'_>, kind: &Kind, group: &Group) -> Vec<Table> {
    let sorted = sorted(group);
    let title = |count: u64| {
        let (reason, place) = (groups::reason(report, kind), groups::place(report, kind));
        format!("{} for {} at {}:", plural(count, "drop"), reason.as_text(), place.as_text())
    };
    let mut tables: Vec<Table> =
        sorted.iter().take(SHOWN).map(|(stack, count)| table(report, stack, title(*count))).collect();
    let more: u64 = sorted.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>() + group.without_stack;
    if more > 0 {
        tables.push(super::remark(format!("{} on other stacks, or without one", plural(more, "drop"))));
    }
    tables
}

fn table(report: &Report<'_>, stack: &[u64], title: String) -> Table {
    let mut table = Table::new("", [Column::text("", "FRAME")]).titled(title);
    table.headless = true;
    for frame in stack {
        table.push([Cell::text(format!("  {}", report.context.symbols.text(*frame).full()))]);
    }
    table
}

/// All of them for scripts: `[{"drops":3,"frames":["…"]}]`.
pub(super) fn cell(report: &Report<'_>, group: &Group) -> Cell {
    let frame = |frame: &u64| super::super::table::foreign(report.context.symbols.text(*frame).full().as_bytes());
    let stack = |(frames, count): &(&[u64], u64)| json!({ "drops": count, "frames": frames.iter().map(frame).collect::<Vec<Value>>() });
    Cell::json(sorted(group).iter().map(stack).collect::<Vec<Value>>())
}

fn sorted(group: &Group) -> Vec<(&[u64], u64)> {
    let mut stacks: Vec<(&[u64], u64)> = group.stacks.iter().map(|(stack, count)| (&**stack, *count)).collect();
    stacks.sort_unstable_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    stacks
}
