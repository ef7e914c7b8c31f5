//! Verdicts of a log, counted.

use std::collections::BTreeMap;

use super::word;
use crate::{
    inspect::calico::log::{Direction, Line, Writer},
    view::{
        Style, Tone,
        table::{self, Cell, Column, Table},
    },
};

/// Interfaces × reasons that are told apart; a log of that many is no log of one node.
const MOST: usize = 1 << 16;

/// What was counted.
#[derive(Default)]
pub(super) struct Summary {
    counts: BTreeMap<Key, Count>,
    /// Verdicts that were not told apart any more.
    others: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    interface: String,
    direction: Direction,
    allowed: bool,
    reason: String,
}

#[derive(Default)]
struct Count {
    packets: u64,
    took: u64,
    timed: u64,
    longest: u64,
}

impl Summary {
    pub(super) fn add(&mut self, line: &Line) {
        let (Writer::Interface { name, direction }, Some(verdict)) = (&line.writer, line.verdict()) else { return };
        let reason = verdict.reason().map_or_else(|| format!("code {}", verdict.code), str::to_owned);
        let key = Key { interface: name.clone(), direction: *direction, allowed: verdict.allowed, reason };
        if self.counts.len() >= MOST && !self.counts.contains_key(&key) {
            self.others += 1;
            return;
        }
        let count = self.counts.entry(key).or_default();
        count.packets += 1;
        if let Some(took) = verdict.took {
            count.timed += 1;
            count.took = count.took.saturating_add(took);
            count.longest = count.longest.max(took);
        }
    }

    pub(super) fn text(&self, json: bool) -> String {
        let columns = [
            Column::text("interface", "INTERFACE"),
            Column::text("direction", "DIRECTION"),
            Column::text("verdict", "VERDICT"),
            Column::text("reason", "REASON"),
            Column::number("packets", "PACKETS"),
            Column::number("mean_ns", "MEAN NS").optional(),
            Column::number("longest_ns", "LONGEST NS").optional(),
        ];
        let mut table = Table::new("", columns).or_else("no verdict in the log");
        for (key, count) in &self.counts {
            let (verdict, tone) = if key.allowed { ("allow", Tone::Plain) } else { ("deny", Tone::Drop) };
            let mean = count.took.checked_div(count.timed).map(Cell::number);
            table.push([
                Cell::text(&key.interface),
                Cell::text(word(key.direction)),
                Cell::text(verdict).toned(tone),
                Cell::text(&key.reason),
                Cell::number(count.packets),
                mean.unwrap_or_else(Cell::none),
                if count.timed > 0 { Cell::number(count.longest) } else { Cell::none() },
            ]);
        }
        if self.others > 0 {
            let rest = [Cell::text("(others)"), Cell::none(), Cell::none(), Cell::none(), Cell::number(self.others)];
            table.push(rest);
        }
        let mut out = String::new();
        if json {
            table::json(&table, &mut out);
        } else {
            table::text(&table, Style::Plain, None, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::calico::log::parse;

    #[test]
    fn verdicts_are_counted_by_reason() {
        let mut summary = Summary::default();
        for end in [
            "I: Final result=ALLOW (-1). Program execution time: 100ns",
            "I: Final result=ALLOW (-1). Program execution time: 300ns",
            "E: Final result=DENY (4)",
            "E: New packet",
        ] {
            summary.add(&parse(&format!("x-1 [000] .... 1.000000: 0: eth0------------{end}")).unwrap());
        }
        let expected = "\
INTERFACE  DIRECTION  VERDICT  REASON                    PACKETS  MEAN NS  LONGEST NS
eth0       ingress    allow    the next program decides        2      200         300
eth0       egress     deny     by policy                       1        -           -
";
        assert_eq!(summary.text(false), expected);
    }
}
