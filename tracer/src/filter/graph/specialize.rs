//! Leaves out tests whose answer is known: what a way has learned so far travels along it.
//!
//! A test that several ways reach is split into one for each different thing that is known there. What later tests do
//! not ask for is forgotten, and answers that later tests cannot tell apart count as the same, so that ways meet again.

use std::collections::HashMap;

use super::set::Set;
use super::{Graph, Target};

/// Most splits before tests are only copied: a bound on time, far above what expressions of any use need.
const MAX_STATES: usize = 20_000;

/// What is known of each subject, sorted by subject. A subject without an entry may have any value.
type Facts = Vec<(usize, Set)>;

/// Where a state of a way leads.
#[derive(Clone, Copy)]
enum Step {
    /// The answer is known.
    Jump(Next),
    /// It is not.
    Branch(Next, Next),
}

/// A target in terms of states.
#[derive(Clone, Copy)]
enum Next {
    End(Target),
    State(usize),
}

/// The graph and entry with known answers left out.
pub(super) fn specialize(graph: &Graph, entry: Target) -> (Graph, Target) {
    let borders = Borders::new(graph);
    let mut states = States { borders, waiting: vec![Vec::new(); graph.tests.len()], known: HashMap::new(), steps: Vec::new() };
    let start = states.enter(entry, Vec::new());
    for index in (0..graph.tests.len()).rev() {
        for (state, facts) in std::mem::take(&mut states.waiting[index]) {
            states.steps[state].1 = states.step(graph, index, &facts);
        }
    }
    let order = states.by_test(graph.tests.len());
    let mut smaller = graph.empty_copy();
    let mut made = vec![Target::Reject; states.steps.len()];
    for state in order {
        let target = |next: Next| match next {
            Next::End(target) => target,
            Next::State(state) => made[state],
        };
        let (index, step) = states.steps[state];
        let test = &graph.tests[index];
        made[state] = match step {
            Step::Jump(next) => target(next),
            Step::Branch(yes, no) => smaller.test(test.subject, &test.set, target(yes), target(no)),
        };
    }
    let entry = match start {
        Next::End(target) => target,
        Next::State(state) => made[state],
    };
    (smaller, entry)
}

/// Pairs of a test and what is known before it.
struct States {
    borders: Borders,
    /// By test: its states that were not looked at yet.
    waiting: Vec<Vec<(usize, Facts)>>,
    known: HashMap<(usize, Facts), usize>,
    /// By state: its test, and where it leads.
    steps: Vec<(usize, Step)>,
}

impl States {
    fn enter(&mut self, target: Target, mut facts: Facts) -> Next {
        let Target::Test(test) = target else { return Next::End(target) };
        if self.steps.len() >= MAX_STATES {
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
        let state = self.steps.len();
        self.steps.push((test, Step::Jump(Next::End(Target::Reject))));
        self.waiting[test].push((state, key.1.clone()));
        self.known.insert(key, state);
        Next::State(state)
    }

    fn step(&mut self, graph: &Graph, index: usize, facts: &Facts) -> Step {
        let test = &graph.tests[index];
        if test.set.is_empty() {
            let next = self.enter(test.no, facts.clone());
            return Step::Branch(next, next);
        }
        let place = facts.binary_search_by_key(&test.subject, |(subject, _)| *subject);
        let known = match place {
            Ok(place) => facts[place].1.clone(),
            Err(_) => Set::range(0, graph.subjects[test.subject].largest()),
        };
        let inside = known.intersect(&test.set);
        let outside = known.minus(&test.set);
        if inside.is_empty() {
            return Step::Jump(self.enter(test.no, facts.clone()));
        }
        if outside.is_empty() {
            return Step::Jump(self.enter(test.yes, facts.clone()));
        }
        let mut with = |target, set| {
            let mut facts = facts.clone();
            match place {
                Ok(place) => facts[place].1 = set,
                Err(place) => facts.insert(place, (test.subject, set)),
            }
            self.enter(target, facts)
        };
        Step::Branch(with(test.yes, inside), with(test.no, outside))
    }

    /// States, those of earlier tests (which others lead to) first.
    fn by_test(&self, tests: usize) -> Vec<usize> {
        let mut grouped = vec![Vec::new(); tests];
        for (state, (test, _)) in self.steps.iter().enumerate() {
            grouped[*test].push(state);
        }
        grouped.concat()
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
