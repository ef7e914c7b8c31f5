//! Where two sets of packets part: two recordings, or two filters over one. Paths are compared by names, so that the two
//! may come from different kernels.

mod latency;

use std::collections::{BTreeMap, BTreeSet};

use super::{Differs, Histogram, Traits};
pub use latency::Moved;

/// The packets of one side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Their paths.
    pub ways: Vec<Way>,
    /// Functions and tracepoints that could report; empty where that is not known.
    pub probes: BTreeSet<String>,
    /// What they are where they begin; of no packets where nobody has looked.
    pub traits: Traits,
}

/// A path by names.
#[derive(Clone, Debug)]
pub struct Way {
    /// Packets that took it.
    pub packets: u64,
    /// What they passed, in order.
    pub stops: Vec<Stop>,
    /// What became of them, in words.
    pub end: String,
    /// Time from the first to the last hop.
    pub total: Histogram,
}

/// One thing that packets pass.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Function, with what was answered there.
    pub name: String,
    /// The function or tracepoint alone; `None` where it is none.
    pub probe: Option<String>,
    /// Time since the stop before.
    pub gap: Histogram,
}

/// What follows a stop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// Another stop.
    Goes(String),
    /// The end, in words.
    Ends(String),
}

/// How two sides differ. Lists of two are A's and B's.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// Packets whose path is known.
    pub packets: [u64; 2],
    /// Stops that the two have in common from the start on.
    pub shared: usize,
    /// The last of these.
    pub last: Option<String>,
    /// What follows there, most packets first; the same on both sides where they never part.
    pub next: [Vec<(Next, u64)>; 2],
    /// They part there.
    pub parts: bool,
    /// Packets that took another way before: few of either side.
    pub strayed: [u64; 2],
    /// Stops that no packet of the other side passed, and how many of this side did; most packets first.
    pub only: [Vec<(String, u64)>; 2],
    /// Functions that packets of this side passed and that are left out, since the other side had no probe there: another
    /// kernel, or another choice of functions.
    pub unseen: [BTreeSet<String>; 2],
    /// Latencies that differ enough to say so, largest difference first.
    pub moved: Vec<Moved>,
    /// What tells them apart where they begin; `None` where nobody has looked.
    pub differs: Option<Vec<Differs>>,
}

/// Sides part where one packet in so many goes on differently.
const PARTING: u128 = 10;

/// Compares two sides.
///
/// They go the same way as long as at each stop the same next one takes most packets of both, and the shares of what comes
/// next differ by less than a tenth in sum.
pub fn diff(a: &Side, b: &Side) -> Difference {
    let mut unseen = [BTreeSet::new(), BTreeSet::new()];
    let (a, b) = (&comparable(a, &b.probes, &mut unseen[0]), &comparable(b, &a.probes, &mut unseen[1]));
    let mut difference = Difference { packets: [packets(a), packets(b)], unseen, ..Difference::default() };
    part(a, b, &mut difference);
    difference.only = [only(a, b), only(b, a)];
    difference.moved = latency::moved(a, b);
    let looked = a.traits.packets() > 0 && b.traits.packets() > 0;
    difference.differs = looked.then(|| a.traits.differ(&b.traits));
    difference
}

/// The side without the stops that the other one could not have seen; `probes` are the other's.
fn comparable(side: &Side, probes: &BTreeSet<String>, unseen: &mut BTreeSet<String>) -> Side {
    let mut side = side.clone();
    if probes.is_empty() {
        return side;
    }
    for way in &mut side.ways {
        let mut gone = false;
        way.stops.retain_mut(|stop| {
            let strange = stop.probe.as_ref().filter(|probe| !probes.contains(*probe));
            if let Some(probe) = strange {
                unseen.insert(probe.clone());
                gone = true;
                return false;
            }
            // The time since a stop that is gone says nothing about that since the one before.
            if std::mem::take(&mut gone) {
                stop.gap = Histogram::default();
            }
            true
        });
    }
    side
}

fn packets(side: &Side) -> u64 {
    side.ways.iter().map(|way| way.packets).sum()
}

/// Walks down the most travelled way of both until they part or end.
fn part(a: &Side, b: &Side, difference: &mut Difference) {
    let mut left: [Vec<&Way>; 2] = [a.ways.iter().collect(), b.ways.iter().collect()];
    loop {
        let next = [follow(&left[0], difference.shared), follow(&left[1], difference.shared)];
        let (first, second) = (next[0].first().cloned(), next[1].first().cloned());
        difference.next = next;
        let (Some((first, _)), Some((second, _))) = (first, second) else { return };
        difference.parts = first != second || differ(&difference.next);
        let Next::Goes(name) = first else { return };
        if difference.parts {
            return;
        }
        for (ways, strayed) in left.iter_mut().zip(&mut difference.strayed) {
            ways.retain(|way| {
                let same = way.stops.get(difference.shared).is_some_and(|stop| stop.name == name);
                *strayed += if same { 0 } else { way.packets };
                same
            });
        }
        difference.shared += 1;
        difference.last = Some(name);
    }
}

/// What comes next on these ways, most packets first.
fn follow(ways: &[&Way], at: usize) -> Vec<(Next, u64)> {
    let mut found = BTreeMap::new();
    for way in ways {
        let next = way.stops.get(at).map_or_else(|| Next::Ends(way.end.clone()), |stop| Next::Goes(stop.name.clone()));
        *found.entry(next).or_insert(0) += way.packets;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
    found
}

/// A tenth of the packets or more goes on differently; in whole numbers, so that a tenth is one.
fn differ([a, b]: &[Vec<(Next, u64)>; 2]) -> bool {
    let sum = |list: &[(Next, u64)]| list.iter().map(|(_, packets)| u128::from(*packets)).sum::<u128>();
    let (all_a, all_b) = (sum(a), sum(b));
    let of = |list: &[(Next, u64)], next: &Next| {
        list.iter().find(|(other, _)| other == next).map_or(0, |(_, packets)| u128::from(*packets))
    };
    let names: BTreeSet<&Next> = a.iter().chain(b).map(|(next, _)| next).collect();
    // Each share that one side has more is missing elsewhere, so this is twice the difference.
    let twice: u128 = names.into_iter().map(|next| (of(a, next) * all_b).abs_diff(of(b, next) * all_a)).sum();
    twice * PARTING >= 2 * all_a * all_b
}

/// Stops of one side that the other does not have.
fn only(side: &Side, other: &Side) -> Vec<(String, u64)> {
    let known: BTreeSet<&str> = other.ways.iter().flat_map(|way| &way.stops).map(|stop| stop.name.as_str()).collect();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for way in &side.ways {
        let names: BTreeSet<&str> = way.stops.iter().map(|stop| stop.name.as_str()).collect();
        for name in names.difference(&known) {
            *found.entry(name).or_insert(0) += way.packets;
        }
    }
    let mut found: Vec<_> = found.into_iter().map(|(name, packets)| (name.to_owned(), packets)).collect();
    found.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
    found
}

#[cfg(test)]
mod tests;
