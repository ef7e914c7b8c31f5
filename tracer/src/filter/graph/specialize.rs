//! Leaves out tests whose answer is known: what a way has learned so far travels along it.
//!
//! A test that several ways reach is split into one for each different thing that is known there. What later tests do
//! not ask for is forgotten, and answers that later tests cannot tell apart count as the same, so that ways meet again.

use std::collections::HashMap;

use super::set::Set;
use super::{Graph, Target};

/// Most splits before tests are only copied, and most tests looked at: bounds on time, far above what any expression of
/// use needs.
const MAX_STATES: usize = 10_000;
const MAX_LOOKS: usize = 200_000;

/// What is known of each subject, sorted by subject. A subject without an entry may have any value.
type Facts = Vec<(usize, Set)>;

/// The graph and entry with known answers left out. Nothing is learned of subjects whose tests look at more than
/// `most_borders`: these are what ways split on most.
pub(super) fn specialize(graph: &Graph, entry: Target, most_borders: usize) -> (Graph, Target) {
    let mut states = States {
        graph,
        most_borders,
        borders: Borders::new(graph),
        waiting: vec![Vec::new(); graph.tests.len()],
        known: HashMap::new(),
        branches: Vec::new(),
        looks: 0,
    };
    let start = states.enter(entry, Vec::new());
    for index in (0..graph.tests.len()).rev() {
        for (state, facts) in std::mem::take(&mut states.waiting[index]) {
            states.branch(state, index, &facts);
        }
    }
    states.rebuild(start)
}

/// A target in terms of states.
#[derive(Clone, Copy)]
enum Next {
    End(Target),
    State(usize),
}

/// A test whose answer is open, and where it leads.
struct Branch {
    test: usize,
    yes: Next,
    no: Next,
}

/// Pairs of a test and what is known before it.
struct States<'a> {
    graph: &'a Graph,
    most_borders: usize,
    borders: Borders,
    /// By test: its states that were not looked at yet.
    waiting: Vec<Vec<(usize, Facts)>>,
    known: HashMap<(usize, Facts), usize>,
    /// By state.
    branches: Vec<Branch>,
    looks: usize,
}

impl States<'_> {
    /// The state in which the next test with an open answer is made.
    fn enter(&mut self, target: Target, mut facts: Facts) -> Next {
        let target = self.skip_known(target, &facts);
        let Target::Test(test) = target else { return Next::End(target) };
        if self.branches.len() >= MAX_STATES {
            facts.clear();
        }
        facts.retain_mut(|(subject, known)| {
            *known = self.borders.round(*subject, test, known);
            *known != Set::all()
        });
        let key = (test, facts);
        if let Some(state) = self.known.get(&key) {
            return Next::State(*state);
        }
        let state = self.branches.len();
        let end = Next::End(Target::Reject);
        self.branches.push(Branch { test, yes: end, no: end });
        self.waiting[test].push((state, key.1.clone()));
        self.known.insert(key, state);
        Next::State(state)
    }

    /// Follows a way as long as its answers are known.
    fn skip_known(&mut self, mut target: Target, facts: &Facts) -> Target {
        while let Target::Test(index) = target {
            let test = &self.graph.tests[index];
            self.looks += 1;
            let place = facts.binary_search_by_key(&test.subject, |(subject, _)| *subject);
            let Some((_, known)) = place.ok().map(|place| &facts[place]).filter(|_| self.looks < MAX_LOOKS) else {
                break;
            };
            target = match known {
                _ if test.set.is_empty() => break,
                known if !known.intersects(&test.set) => test.no,
                known if known.is_subset(&test.set) => test.yes,
                _ => break,
            };
        }
        target
    }

    fn branch(&mut self, state: usize, index: usize, facts: &Facts) {
        let test = &self.graph.tests[index];
        let place = facts.binary_search_by_key(&test.subject, |(subject, _)| *subject);
        let known = match place {
            Ok(place) => facts[place].1.clone(),
            Err(_) => Set::range(0, self.graph.subjects[test.subject].largest()),
        };
        let learns = self.borders.0[test.subject].len() <= self.most_borders && !test.set.is_empty();
        let mut follow = |target, set: Set| {
            let mut facts = facts.clone();
            match place {
                Ok(place) if learns => facts[place].1 = set,
                Err(place) if learns => facts.insert(place, (test.subject, set)),
                _ => {}
            }
            self.enter(target, facts)
        };
        let yes = follow(test.yes, known.intersect(&test.set));
        let no = follow(test.no, known.minus(&test.set));
        self.branches[state] = Branch { test: index, yes, no };
    }

    /// The states as a graph.
    fn rebuild(&self, start: Next) -> (Graph, Target) {
        let mut by_test = vec![Vec::new(); self.graph.tests.len()];
        for (state, branch) in self.branches.iter().enumerate() {
            by_test[branch.test].push(state);
        }
        let mut smaller = self.graph.empty_copy();
        let mut made = vec![Target::Reject; self.branches.len()];
        let target = |next: Next, made: &[Target]| match next {
            Next::End(target) => target,
            Next::State(state) => made[state],
        };
        for state in by_test.into_iter().flatten() {
            let Branch { test, yes, no } = &self.branches[state];
            let test = &self.graph.tests[*test];
            made[state] = smaller.test(test.subject, &test.set, target(*yes, &made), target(*no, &made));
        }
        (smaller, target(start, &made))
    }
}

/// By subject: the borders that its tests look at, ascending, each with the first test that does.
struct Borders(Vec<Vec<(u32, usize)>>);

impl Borders {
    fn new(graph: &Graph) -> Self {
        let mut borders = vec![Vec::new(); graph.subjects.len()];
        for (index, test) in graph.tests.iter().enumerate() {
            borders[test.subject].extend(test.set.cuts().map(|cut| (cut, index)));
        }
        for list in &mut borders {
            list.sort_unstable();
            list.dedup_by_key(|(cut, _)| *cut);
        }
        Self(borders)
    }

    /// What tests before `test` (to which alone it can lead) can see of a fact about `subject`.
    fn round(&self, subject: usize, test: usize, known: &Set) -> Set {
        let list = &self.0[subject];
        let seen = |&&(_, first): &&(u32, usize)| first <= test;
        let widen = |&(low, high): &(u32, u32)| {
            let before = list.partition_point(|&(cut, _)| cut <= low);
            let after = list.partition_point(|&(cut, _)| cut <= high);
            let start = list[..before].iter().rev().find(seen).map_or(0, |&(cut, _)| cut);
            let end = list[after..].iter().find(seen).map_or(u32::MAX, |&(cut, _)| cut - 1);
            (start, end)
        };
        Set::of(known.ranges().iter().map(widen).collect())
    }
}
