//! Drops by kind, and what their reasons mean.

use super::{Cell, Column, Group, Kind, Report, Table, rate};
use crate::{
    model::Name,
    view::{
        Tone, escape, number,
        reasons::{self, Explanation},
    },
};

/// A row for each kind.
pub(super) fn table(report: &Report<'_>, groups: &[(&Kind, &Group)]) -> Table {
    let columns = [
        Column::number("drops", "DROPS"),
        Column::number("per_second", "/S"),
        Column::number("recent_per_second", "NOW/S").optional(),
        Column::text("reason", "REASON").optional(),
        Column::hidden("code"),
        Column::text("place", "PLACE").optional(),
        Column::text("ifname", "DEVICE").optional(),
        Column::hidden("ifindex"),
        Column::text("netns_name", "NETNS").optional(),
        Column::hidden("netns"),
        Column::text("process", "PROCESS").optional(),
        Column::hidden("pid"),
        Column::hidden("comm"),
        Column::hidden("bytes"),
        Column::hidden("first_ns"),
        Column::hidden("last_ns"),
        Column::hidden("usual"),
        Column::hidden("meaning"),
        Column::hidden("remedy"),
        Column::hidden("stacks"),
    ];
    let mut table = Table::new("drop", columns).or_else("nothing was dropped");
    for (kind, group) in groups {
        table.push(row(report, kind, group));
    }
    table
}

fn row(report: &Report<'_>, kind: &Kind, group: &Group) -> Vec<Cell> {
    let explanation = explain(report, kind);
    let or_nothing = |cell: Option<Cell>| cell.unwrap_or(Cell::nothing());
    let word = |word: &dyn Fn(&Explanation) -> Cell| or_nothing(explanation.as_ref().map(word));
    let index = kind.device.map(|(index, _)| Cell::number(index));
    vec![
        Cell::number(group.drops).toned(tone(explanation.as_ref())),
        report.rate(group.drops),
        or_nothing(report.recent.map(|time| rate(group.recent, time))),
        reason(report, kind).toned(tone(explanation.as_ref())),
        or_nothing(kind.reason.map(Cell::number)),
        place(report, kind),
        kind.device.map_or(Cell::none(), |(index, name)| named(name, index)),
        or_nothing(index),
        kind.netns.map_or(Cell::none(), |inode| netns(report, inode)),
        or_nothing(kind.netns.map(Cell::number)),
        kind.process.map_or(Cell::none(), |(pid, comm)| process(pid, comm)),
        or_nothing(kind.process.map(|(pid, _)| Cell::number(pid))),
        or_nothing(kind.process.filter(|(_, comm)| !comm.is_empty()).map(|(_, comm)| Cell::foreign(comm.bytes()))),
        Cell::number(group.bytes),
        Cell::number(group.times.0),
        Cell::number(group.times.1),
        word(&|explanation| Cell::json(explanation.usual)),
        word(&|explanation| Cell::text(explanation.meaning)),
        word(&|explanation| Cell::text(explanation.remedy)),
        if report.stacks { super::stacks::cell(report, group) } else { Cell::nothing() },
    ]
}

/// What the reasons of the rows mean, each once.
pub(super) fn explanations(report: &Report<'_>, groups: &[(&Kind, &Group)]) -> Option<Table> {
    let mut table =
        Table::new("", [Column::text("", "REASON"), Column::text("", "MEANS, AND WHAT USUALLY HELPS").wrapping()]);
    let mut told = Vec::new();
    for (kind, _) in groups {
        let Some(explanation) = explain(report, kind) else { continue };
        if told.contains(&(kind.reason, explanation)) {
            continue;
        }
        told.push((kind.reason, explanation));
        let Explanation { usual, meaning, remedy } = explanation;
        let words = Cell::text(format!("{meaning}{} {remedy}", if usual { " (usual)" } else { "" }));
        table.push([label(report, kind, &explanation), words]);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// The reason, with the function where it means something of its own there.
fn label(report: &Report<'_>, kind: &Kind, explanation: &Explanation) -> Cell {
    let reason = reason(report, kind);
    let label = match function(report, kind) {
        Some(function) if reasons::explain(reason.as_text()) != Some(*explanation) => {
            Cell::text(format!("{} at {function}", reason.as_text()))
        }
        _ => reason,
    };
    label.toned(tone(Some(explanation)))
}

fn explain(report: &Report<'_>, kind: &Kind) -> Option<Explanation> {
    let reason = report.context.reasons.name(kind.reason?)?;
    match function(report, kind) {
        Some(function) => reasons::explain_at(reason, &function),
        None => reasons::explain(reason),
    }
}

/// The function that dropped them, without what a compiler adds to its name.
fn function(report: &Report<'_>, kind: &Kind) -> Option<String> {
    let text = report.context.symbols.text(kind.place?);
    text.place().split(['+', '.']).next().map(str::to_owned)
}

/// What nobody misses does not shout.
fn tone(explanation: Option<&Explanation>) -> Tone {
    if explanation.is_some_and(|explanation| explanation.usual) { Tone::Faint } else { Tone::Drop }
}

pub(super) fn reason(report: &Report<'_>, kind: &Kind) -> Cell {
    kind.reason.map_or(Cell::none(), |code| Cell::written(|out| report.context.write_reason(code, out)))
}

pub(super) fn place(report: &Report<'_>, kind: &Kind) -> Cell {
    kind.place.map_or(Cell::none(), |place| Cell::written(|out| report.context.write_place(place, out)))
}

/// Its name in JSON; in text its number where it has none.
fn netns(report: &Report<'_>, inode: u32) -> Cell {
    match report.context.namespaces.get(&inode) {
        Some(name) => Cell::foreign(name.as_bytes()),
        None => Cell::nothing().shown(inode.to_string()),
    }
}

fn named(name: Name, index: u32) -> Cell {
    if name.is_empty() { Cell::nothing().shown(format!("#{index}")) } else { Cell::foreign(name.bytes()) }
}

fn process(pid: u32, comm: Name) -> Cell {
    Cell::written(|out| {
        escape(comm.bytes(), out);
        out.push(':');
        number::decimal(pid, out);
    })
}
