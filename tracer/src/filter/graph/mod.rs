//! Conditions to a program: a graph of decisions, made smaller, then written as nodes.
//!
//! Nothing here knows protocols. The rule that every step keeps: tests are made in the order of the expression as far
//! as it matters, since a test whose bytes lie outside of the packet rejects it. So a test is left out where its answer
//! is known, but where merely both answers lead to the same end, it remains to ask whether the bytes are there.

mod encode;
mod regroup;
pub(crate) mod set;
mod specialize;
pub(crate) mod subject;

use std::collections::HashMap;

pub(crate) use encode::Excess;
use set::Set;
use subject::{Condition, Subject};
use tracer_common::predicate::{MAX_NODES, Program, REJECT};

use crate::filter::syntax::{Node, NodeId, Tree};

/// Where a way goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    Reject,
    Accept,
    /// An index into [`Graph::tests`].
    Test(usize),
}

/// A decision: `yes` where the subject is in the set. The set never holds the subject's largest value; it is the other
/// way round then, so that a test and its opposite are the same. With an empty set, `yes` and `no` are the same, and the
/// subject's bytes must only be there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Test {
    subject: usize,
    set: Set,
    yes: Target,
    no: Target,
}

/// Decisions, each behind those that it leads to. Equal ones exist once.
#[derive(Debug, Default)]
struct Graph {
    subjects: Vec<Subject>,
    numbers: HashMap<Subject, usize>,
    tests: Vec<Test>,
    known: HashMap<Test, usize>,
}

/// The program that accepts where `before` holds and then the expression does. `primitives` are the conditions of the
/// tree's primitives, by node.
pub(crate) fn compile(tree: &Tree<'_>, primitives: &[Condition], before: &Condition) -> Result<Box<Program>, Excess> {
    let mut graph = Graph::default();
    let entry = tree
        .root
        .map_or(Target::Accept, |root| graph.expression(tree, primitives, root, Target::Accept, Target::Reject));
    let entry = graph.condition(before, entry, Target::Reject);
    // The fewest tests on a way first; where that takes too many nodes in all, fewer nodes at the price of longer ways.
    let mut last = Ok(Box::new(Program::constant(REJECT)));
    for most_borders in [usize::MAX, 8] {
        let (graph, entry) = specialize::specialize(&graph, entry, most_borders);
        let (graph, entry) = regroup::regroup(&graph, entry);
        for search in [4, 16, 64] {
            last = encode::encode(&graph, entry, search);
            match last {
                Err(Excess::Nodes(nodes)) if nodes < HOPELESS => {}
                _ => return last,
            }
        }
    }
    last
}

/// So many nodes that no other way of writing them will fit.
const HOPELESS: usize = 8 * MAX_NODES;

impl Graph {
    /// The entry of an expression that leads to `yes` and `no`. Chains of `and` and `or` are walked, not recursed into;
    /// the depth of the rest is the depth of parentheses.
    fn expression(
        &mut self,
        tree: &Tree<'_>,
        primitives: &[Condition],
        root: NodeId,
        yes: Target,
        no: Target,
    ) -> Target {
        let (mut node, mut yes, mut no) = (root, yes, no);
        loop {
            match &tree.nodes[node] {
                Node::And(left, right) => {
                    yes = self.expression(tree, primitives, *right, yes, no);
                    node = *left;
                }
                Node::Or(left, right) => {
                    no = self.expression(tree, primitives, *right, yes, no);
                    node = *left;
                }
                Node::Not(inner) => {
                    std::mem::swap(&mut yes, &mut no);
                    node = *inner;
                }
                Node::Primitive { .. } => return self.condition(&primitives[node], yes, no),
            }
        }
    }

    fn condition(&mut self, condition: &Condition, yes: Target, no: Target) -> Target {
        match condition {
            Condition::Constant(true) => yes,
            Condition::Constant(false) => no,
            Condition::Not(inner) => self.condition(inner, no, yes),
            Condition::All(members) => members.iter().rev().fold(yes, |next, member| self.condition(member, next, no)),
            Condition::Any(members) => members.iter().rev().fold(no, |next, member| self.condition(member, yes, next)),
            Condition::Test(subject, set) => {
                let subject = self.subject(subject);
                self.test(subject, set, yes, no)
            }
        }
    }

    fn subject(&mut self, subject: &Subject) -> usize {
        if let Some(number) = self.numbers.get(subject) {
            return *number;
        }
        self.subjects.push(subject.clone());
        self.numbers.insert(subject.clone(), self.subjects.len() - 1);
        self.subjects.len() - 1
    }

    /// A decision, or where it always leads.
    fn test(&mut self, subject: usize, set: &Set, yes: Target, no: Target) -> Target {
        let largest = self.subjects[subject].largest();
        let set = set.intersect(&Set::range(0, largest));
        let top = set.contains(largest);
        let (set, yes, no) = if top { (Set::range(0, largest).minus(&set), no, yes) } else { (set, yes, no) };
        let (set, yes) = if set.is_empty() || yes == no { (Set::default(), no) } else { (set, yes) };
        if yes == no && no == Target::Reject {
            return no;
        }
        let test = Test { subject, set, yes, no };
        if let Some(index) = self.known.get(&test) {
            return Target::Test(*index);
        }
        self.tests.push(test.clone());
        self.known.insert(test, self.tests.len() - 1);
        Target::Test(self.tests.len() - 1)
    }

    /// A graph without tests on the same subjects.
    fn empty_copy(&self) -> Self {
        Self { subjects: self.subjects.clone(), numbers: self.numbers.clone(), ..Self::default() }
    }
}
