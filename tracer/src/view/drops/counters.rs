//! Counters that moved, and what it means that they do.

use std::{collections::HashMap, hash::BuildHasher, time::Duration};

use super::{Cell, Column, Table, rate};
use crate::{
    inspect::counters::known::meaning,
    model::{Counter, Keeper, Moved},
};

/// What no counter tells.
pub(super) const BLIND: &str = "tcx, netkit, XDP: not counted by the kernel. What programs of tcx and netkit drop shows \
    above as TC_INGRESS and TC_EGRESS; what XDP drops in a driver is no sk_buff yet, and shows at most in the driver's own \
    counters (ethtool -S DEV)";

/// A row for each that moved in this time, those of a keeper together.
pub fn of<S: BuildHasher>(moved: &[Moved], elapsed: Duration, namespaces: &HashMap<u32, String, S>) -> Table {
    let columns = [
        Column::number("by", "MOVED"),
        Column::number("per_second", "/S"),
        Column::number("now", "NOW"),
        Column::text("counter", "COUNTER"),
        Column::text("at", "AT").optional(),
        Column::text("netns_name", "NETNS").optional(),
        Column::hidden("netns"),
        Column::hidden("keeper"),
        Column::hidden("meaning"),
    ];
    let mut table = Table::new("counter", columns).or_else("none");
    for moved in sorted(moved) {
        table.push(row(moved, elapsed, namespaces));
    }
    table
}

fn row<S: BuildHasher>(moved: &Moved, elapsed: Duration, namespaces: &HashMap<u32, String, S>) -> [Cell; 9] {
    let counter = &moved.counter;
    let name = counter.netns.and_then(|inode| namespaces.get(&inode));
    let netns = match (name, counter.netns) {
        (Some(name), _) => Cell::foreign(name.as_bytes()),
        (None, Some(inode)) => Cell::nothing().shown(inode.to_string()),
        (None, None) => Cell::none(),
    };
    [
        Cell::number(moved.by).shown(format!("+{}", moved.by)),
        rate(moved.by, elapsed),
        Cell::number(moved.now),
        Cell::text(&counter.name).shown(label(counter)),
        if counter.at.is_empty() { Cell::none() } else { Cell::text(&counter.at) },
        netns,
        counter.netns.map_or(Cell::nothing(), Cell::number),
        Cell::text(word(counter.keeper)),
        Cell::text(meaning(&counter.name)),
    ]
}

/// What the counters of the rows count, each once.
pub(super) fn explanations(moved: &[Moved]) -> Option<Table> {
    let mut table = Table::new("", [Column::text("", "COUNTER"), Column::text("", "COUNTS").wrapping()]);
    let mut told: Vec<(Keeper, &str)> = Vec::new();
    for counter in sorted(moved).iter().map(|moved| &moved.counter) {
        let (known, meaning) = ((counter.keeper, counter.name.as_str()), meaning(&counter.name));
        if !meaning.is_empty() && !told.contains(&known) {
            told.push(known);
            table.push([Cell::text(label(counter)), Cell::text(meaning)]);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Those of a keeper together, what moved most first.
fn sorted(moved: &[Moved]) -> Vec<&Moved> {
    let mut moved: Vec<&Moved> = moved.iter().collect();
    moved.sort_by(|left, right| (left.counter.keeper, right.by).cmp(&(right.counter.keeper, left.by)));
    moved
}

/// Its name, with the keeper where that does not go without saying.
fn label(counter: &Counter) -> String {
    match counter.keeper {
        Keeper::Softnet | Keeper::Qdisc | Keeper::Conntrack | Keeper::Cilium => {
            format!("{} {}", word(counter.keeper), counter.name)
        }
        Keeper::Device | Keeper::Protocol | Keeper::Xfrm => counter.name.clone(),
    }
}

/// Who keeps it, for scripts.
fn word(keeper: Keeper) -> &'static str {
    match keeper {
        Keeper::Softnet => "softnet",
        Keeper::Device => "device",
        Keeper::Qdisc => "qdisc",
        Keeper::Protocol => "protocol",
        Keeper::Conntrack => "conntrack",
        Keeper::Xfrm => "xfrm",
        Keeper::Cilium => "cilium",
    }
}
