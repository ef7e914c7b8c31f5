//! Drops and counters of losses as tables: what happened, where, what it means, what usually helps.
//!
//! The same rows serve text and JSON. An explanation stands in each JSON object; in text once for each reason, below.

mod counters;
mod groups;
mod stacks;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use counters::of as counters;

use super::{
    Context, Tone, duration,
    phrase::plural,
    table::{Cell, Column, Table},
};
use crate::{
    model::Moved,
    track::{Drops, Group, Kind},
};

/// What is told of a run.
pub struct Report<'a> {
    /// The drops.
    pub drops: &'a Drops,
    /// How long they were counted.
    pub elapsed: Duration,
    /// How long the last stretch was, whose rate is shown too.
    pub recent: Option<Duration>,
    /// Counters that moved, and in which time; `None` where there was no second look at them yet.
    pub moved: Option<(&'a [Moved], Duration)>,
    /// What there was no telling apart or counting, a sentence each.
    pub notes: &'a [String],
    /// Names of what is in the drops.
    pub context: &'a Context<'a>,
    /// Kinds of drops to show.
    pub top: usize,
    /// Show stacks.
    pub stacks: bool,
}

/// Tables for people.
pub fn text(report: &Report<'_>) -> Vec<Table> {
    let groups = report.groups();
    let mut tables = vec![groups::table(report, &groups).titled(title(report))];
    tables.extend(rest(report).map(remark));
    tables.extend(groups::explanations(report, &groups));
    if report.stacks {
        tables.extend(stacks::tables(report, &groups));
    }
    if let Some((moved, time)) = report.moved {
        tables.push(counters::of(moved, time, report.context.namespaces).titled("counters of losses that moved"));
        tables.extend(counters::explanations(moved));
        tables.push(remark(counters::BLIND.to_owned()));
    }
    tables.extend(report.notes.iter().cloned().map(remark));
    tables
}

/// The same for scripts, with a summary.
pub fn json(report: &Report<'_>) -> Vec<Table> {
    let mut tables = vec![summary(report), groups::table(report, &report.groups())];
    tables.extend(report.moved.map(|(moved, time)| counters::of(moved, time, report.context.namespaces)));
    tables
}

impl<'a> Report<'a> {
    fn groups(&self) -> Vec<(&'a Kind, &'a Group)> {
        let mut groups = self.drops.by_count();
        groups.truncate(self.top);
        groups
    }

    /// `12.7`, of so many in the whole time.
    fn rate(&self, count: u64) -> Cell {
        rate(count, self.elapsed)
    }
}

/// `127 drops in 10.0 s, 12.7/s; 14/s in the last 1.00 s`
fn title(report: &Report<'_>) -> String {
    let total = report.drops.total();
    let mut text = format!("{} in ", plural(total.drops, "drop"));
    duration::write(nanoseconds(report.elapsed), &mut text);
    if total.drops > 0 {
        text.push_str(", ");
        text.push_str(report.rate(total.drops).as_text());
        text.push_str("/s");
        if let Some(recent) = report.recent {
            text.push_str("; ");
            text.push_str(rate(total.recent, recent).as_text());
            text.push_str("/s in the last ");
            duration::write(nanoseconds(recent), &mut text);
        }
    }
    text
}

/// What is not in the table for want of room.
fn rest(report: &Report<'_>) -> Option<String> {
    let all = report.drops.by_count();
    let (kinds, others) = (all.len().saturating_sub(report.top), report.drops.others().drops);
    let hidden: u64 = all.iter().skip(report.top).map(|(_, group)| group.drops).sum();
    let mut words = Vec::new();
    if kinds > 0 {
        words.push(format!(
            "{} of {} more not shown (--top 0 shows all)",
            plural(hidden, "drop"),
            plural(kinds as u64, "kind")
        ));
    }
    if others > 0 {
        words.push(format!("{} not told apart: there are too many kinds", plural(others, "drop")));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn summary(report: &Report<'_>) -> Table {
    let keys = ["drops", "bytes", "seconds", "per_second", "kinds", "not_told_apart", "notes"];
    let mut table = Table::new("summary", keys.map(Column::hidden));
    let total = report.drops.total();
    table.push([
        Cell::number(total.drops),
        Cell::number(total.bytes),
        Cell::json(report.elapsed.as_secs_f64()),
        report.rate(total.drops),
        Cell::number(report.drops.by_count().len() as u64),
        Cell::number(report.drops.others().drops),
        Cell::json(report.notes.iter().map(|note| super::table::foreign(note.as_bytes())).collect::<Vec<_>>()),
    ]);
    table
}

/// A sentence by itself.
fn remark(text: String) -> Table {
    let mut table = Table::new("", [Column::text("", "REMARK").wrapping()]);
    table.headless = true;
    table.push([Cell::text(text).toned(Tone::Faint)]);
    table
}

/// A rate with three digits: `0.05`, `12.7`, `1270`.
fn rate(count: u64, time: Duration) -> Cell {
    let rate = count as f64 / time.as_secs_f64().max(1e-9);
    let digits = match rate {
        _ if count == 0 => 0,
        ..1.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    Cell::json((rate * 1000.0).round() / 1000.0).shown(format!("{rate:.digits$}"))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
