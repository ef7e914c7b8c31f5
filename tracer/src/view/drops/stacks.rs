//! The stacks on which packets were dropped, by reason and place: who was running at the time makes no other stack of it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Cell, Column, Group, Kind, Report, Table, groups, plural};

/// Stacks of a reason and place that are shown, those with most drops.
const SHOWN: usize = 3;

/// Stacks with how many drops had them.
type Stacks<'a> = HashMap<&'a [u64], u64>;

/// A list of frames for each stack, place by place in the order of the groups.
pub(super) fn tables(report: &Report<'_>, groups: &[(&Kind, &Group)]) -> Vec<Table> {
    let mut places: Vec<(&Kind, Vec<&Group>)> = Vec::new();
    for (kind, group) in groups {
        match places.iter_mut().find(|(known, _)| (known.reason, known.place) == (kind.reason, kind.place)) {
            Some((_, same)) => same.push(group),
            None => places.push((kind, vec![group])),
        }
    }
    places.iter().flat_map(|(kind, groups)| of_place(report, kind, groups)).collect()
}

fn of_place(report: &Report<'_>, kind: &Kind, groups: &[&Group]) -> Vec<Table> {
    let sorted = sorted(groups);
    let title = |count: u64| {
        let (reason, place) = (groups::reason(report, kind), groups::place(report, kind));
        format!("{} for {} at {}:", plural(count, "drop"), reason.as_text(), place.as_text())
    };
    let mut tables: Vec<Table> =
        sorted.iter().take(SHOWN).map(|(stack, count)| table(report, stack, title(*count))).collect();
    let without: u64 = groups.iter().map(|group| group.without_stack).sum();
    let more = sorted.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>() + without;
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
    Cell::json(sorted(&[group]).iter().map(stack).collect::<Vec<Value>>())
}

fn sorted<'a>(groups: &[&'a Group]) -> Vec<(&'a [u64], u64)> {
    let mut counts = Stacks::new();
    for (stack, count) in groups.iter().flat_map(|group| &group.stacks) {
        *counts.entry(stack).or_default() += count;
    }
    let mut stacks: Vec<(&[u64], u64)> = counts.into_iter().collect();
    stacks.sort_unstable_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    stacks
}
