//! Brings tests of the same subject together: `host A or host B` tests source, destination, source, destination; the
//! second test of the source can join the first one that is made when both places are known to lie inside the packet.
//! Ten addresses then cost a search among ranges instead of twenty tests.
//!
//! Two tests of the same subject in a row need no such care.

use tracer_common::predicate::base;

use super::set::Set;
use super::subject::{Place, Subject};
use super::{Graph, Target};

/// The graph and entry with alternatives on the same subject joined.
pub(super) fn regroup(graph: &Graph, entry: Target) -> (Graph, Target) {
    let Target::Test(root) = entry else { return (graph.empty_copy(), entry) };
    let loaded = loaded_before(graph, root);
    let mut regrouped = graph.empty_copy();
    let mut made = vec![Target::Reject; root + 1];
    for index in 0..=root {
        let Some(loaded) = &loaded[index] else { continue };
        let test = &graph.tests[index];
        let target = |target: Target| match target {
            Target::Test(index) => made[index],
            end => end,
        };
        let (yes, no) = (target(test.yes), target(test.no));
        if yes == no && loaded.covers(&graph.subjects[test.subject]) {
            made[index] = no;
            continue;
        }
        let (set, yes, no) = merge_successors(&regrouped, test.subject, test.set.clone(), yes, no);
        let (set, no) = join_alternatives(&mut regrouped, test.subject, set, yes, no, loaded);
        made[index] = regrouped.test(test.subject, &set, yes, no);
    }
    (regrouped, made[root])
}

/// Makes one test of two in a row on the same subject that have an end in common: `x > 5 and x < 9` asks for a range.
fn merge_successors(graph: &Graph, subject: usize, set: Set, yes: Target, no: Target) -> (Set, Target, Target) {
    let successor = |target| match target {
        Target::Test(index) if graph.tests[index].subject == subject => Some(&graph.tests[index]),
        _ => None,
    };
    let (mut set, mut yes, mut no) = (set, yes, no);
    loop {
        (set, yes, no) = match (successor(yes), successor(no)) {
            (_, Some(next)) if next.no == yes => (next.set.minus(&set), next.yes, yes),
            (Some(next), _) if next.no == no => (set.intersect(&next.set), next.yes, no),
            (Some(next), _) if next.yes == no => (set.minus(&next.set), next.no, no),
            _ => return (set, yes, no),
        };
    }
}

/// Takes tests of `subject` out of the chain of alternatives that starts at `no`, adding what they accept to `set`.
/// Alternatives lead to the same `yes`.
fn join_alternatives(
    graph: &mut Graph,
    subject: usize,
    mut set: Set,
    yes: Target,
    no: Target,
    loaded: &Loaded,
) -> (Set, Target) {
    let mut passed = Vec::new();
    let mut next = no;
    let mut end = no;
    while let Target::Test(index) = next {
        let test = &graph.tests[index];
        if test.yes != yes {
            break;
        }
        if test.subject == subject {
            set = set.union(&test.set);
            next = test.no;
            end = next;
            passed.push(None);
            continue;
        }
        // Moving the later test up past this one must not accept a packet that this one rejects for want of bytes.
        if yes != Target::Reject && !loaded.covers(&graph.subjects[test.subject]) {
            break;
        }
        passed.push(Some(index));
        next = test.no;
    }
    let Some(last) = passed.iter().rposition(Option::is_none) else { return (set, no) };
    for index in passed[..last].iter().rev().flatten() {
        let test = graph.tests[*index].clone();
        end = graph.test(test.subject, &test.set, test.yes, end);
    }
    (set, end)
}

/// Where loads count from: a base of which packet, and for fields, which.
type Origin = (u8, u8, Option<u32>);

/// Places known to lie inside the packet, since they were loaded: the furthest end by origin.
#[derive(Clone, Debug, Default, PartialEq)]
struct Loaded(Vec<(Origin, u32)>);

impl Loaded {
    fn add(&mut self, subject: &Subject) {
        let Some((origin, end)) = extent(subject) else { return };
        match self.0.iter_mut().find(|(other, _)| *other == origin) {
            Some((_, furthest)) => *furthest = end.max(*furthest),
            None => self.0.push((origin, end)),
        }
    }

    /// What holds on both ways.
    fn meet(&self, other: &Self) -> Self {
        let both = self.0.iter().filter_map(|&(origin, end)| Some((origin, end.min(other.end(origin)?))));
        Self(both.collect())
    }

    fn covers(&self, subject: &Subject) -> bool {
        extent(subject).is_some_and(|(origin, end)| self.end(origin).is_some_and(|furthest| end <= furthest))
    }

    fn end(&self, origin: Origin) -> Option<u32> {
        self.0.iter().find(|(other, _)| *other == origin).map(|(_, end)| *end)
    }
}

/// Where the bytes of a test count from and where they end. None for what says nothing of other places.
fn extent(subject: &Subject) -> Option<(Origin, u32)> {
    let Subject::Bytes { place: Place { base, offset, width, layer }, .. } = subject else { return None };
    if base::is_number(*base) {
        return Some(((*layer, *base, Some(*offset)), u32::from(*width)));
    }
    // Offsets from the middle on are negative: before the header.
    let end = i32::try_from(*offset).ok()?.checked_add(i32::from(*width))?;
    Some(((*layer, *base, None), end as u32))
}

/// By test: what is loaded whenever it is reached from `root`; none where it never is.
fn loaded_before(graph: &Graph, root: usize) -> Vec<Option<Loaded>> {
    let mut loaded: Vec<Option<Loaded>> = vec![None; root + 1];
    loaded[root] = Some(Loaded::default());
    for index in (0..=root).rev() {
        let Some(mut after) = loaded[index].clone() else { continue };
        let test = &graph.tests[index];
        after.add(&graph.subjects[test.subject]);
        for target in [test.yes, test.no] {
            if let Target::Test(next) = target {
                let met = loaded[next].as_ref().map_or_else(|| after.clone(), |other| after.meet(other));
                loaded[next] = Some(met);
            }
        }
    }
    loaded
}
