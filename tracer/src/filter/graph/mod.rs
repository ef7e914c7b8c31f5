//! Conditions to a program: a graph of decisions, made smaller, then written as nodes.
//!
//! Nothing here knows protocols. The rule that every step keeps: tests are made in the order of the expression as far
//! as it matters, since a test whose bytes lie outside of the packet rejects it. So a test is left out where its answer
//! is known, but where merely both answers lead to the same end, it remains to ask whether the bytes are there.

mod encode;
mod looks;
mod regroup;
pub(crate) mod set;
mod specialize;
pub(crate) mod subject;

use std::collections::HashMap;

pub(crate) use encode::Excess;
use set::Set;
use subject::{Condition, PACKET_RANK, Subject};
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

/// An expression: its tree, and by node the conditions of its primitives.
pub(crate) struct Piece<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) primitives: Vec<Condition>,
}

/// The program that accepts where `before` holds and all of the expressions do.
pub(crate) fn compile(pieces: &[Piece<'_>], before: &Condition) -> Result<Box<Program>, Excess> {
    let mut graph = Graph::default();
    let entry = graph.pieces(pieces, Target::Accept);
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

/// A piece with what it costs to answer its parts.
struct Expression<'a> {
    nodes: &'a [Node<'a>],
    root: Option<NodeId>,
    primitives: &'a [Condition],
    /// By node: [`Condition::rank`].
    ranks: Vec<u8>,
}

impl<'a> Expression<'a> {
    fn new(piece: &'a Piece<'a>) -> Self {
        let mut ranks: Vec<u8> = Vec::with_capacity(piece.tree.nodes.len());
        for (node, condition) in piece.tree.nodes.iter().zip(&piece.primitives) {
            ranks.push(match node {
                Node::And(left, right) | Node::Or(left, right) => ranks[*left].max(ranks[*right]),
                Node::Not(inner) => ranks[*inner],
                Node::Inner { .. } | Node::Enter => PACKET_RANK,
                Node::Primitive { .. } => condition.rank(),
            });
        }
        Self { nodes: &piece.tree.nodes, root: piece.tree.root, primitives: &piece.primitives, ranks }
    }

    /// What a conjunction joins, in the order of the text, but that what looks at no packet comes first, the cheapest
    /// before. A negated disjunction is a conjunction too, so that it does not matter on which side of a parenthesis `not`
    /// stands.
    fn members(&self, chain: Signed) -> Vec<Signed> {
        let (mut open, mut members) = (vec![chain], Vec::new());
        while let Some(Signed { node, negated }) = open.pop() {
            match &self.nodes[node] {
                Node::Not(inner) => open.push(Signed { node: *inner, negated: !negated }),
                Node::And(left, right) if !negated => open.extend([*right, *left].map(|node| Signed { node, negated })),
                Node::Or(left, right) if negated => open.extend([*right, *left].map(|node| Signed { node, negated })),
                _ => members.push(Signed { node, negated }),
            }
        }
        members.sort_by_key(|member| self.ranks[member.node]);
        members
    }
}

/// A condition or its opposite.
#[derive(Clone, Copy)]
struct Signed {
    node: NodeId,
    negated: bool,
}

impl Graph {
    /// The entry of expressions that must all hold; those come first that look at no packet.
    fn pieces(&mut self, pieces: &[Piece<'_>], yes: Target) -> Target {
        let mut ordered: Vec<Expression<'_>> = pieces.iter().map(Expression::new).collect();
        ordered.sort_by_key(|piece| piece.root.map_or(0, |root| piece.ranks[root]));
        ordered.iter().rev().fold(yes, |next, piece| match piece.root {
            Some(root) => self.expression(piece, root, next, Target::Reject),
            None => next,
        })
    }

    /// The entry of an expression that leads to `yes` and `no`. Chains of `and` and `or` are walked, not recursed into;
    /// the depth of the rest is the depth of parentheses.
    fn expression(&mut self, expression: &Expression<'_>, node: NodeId, yes: Target, no: Target) -> Target {
        match &expression.nodes[node] {
            Node::Not(inner) => self.expression(expression, *inner, no, yes),
            Node::And(..) => self.chain(expression, Signed { node, negated: false }, yes, no),
            // `a or b` is `not (not a and not b)`.
            Node::Or(..) => self.chain(expression, Signed { node, negated: true }, no, yes),
            Node::Inner { inner, depth } => {
                let inside = self.expression(expression, *inner, yes, no);
                let subject = self.subject(&Subject::Layer(*depth));
                self.test(subject, &Set::one(1), inside, no)
            }
            Node::Primitive { .. } => self.condition(&expression.primitives[node], yes, no),
            Node::Enter => no,
        }
    }

    /// The entry of a chain of conditions that must all hold.
    fn chain(&mut self, expression: &Expression<'_>, chain: Signed, yes: Target, no: Target) -> Target {
        expression.members(chain).into_iter().rev().fold(yes, |next, Signed { node, negated }| {
            let (holds, fails) = if negated { (no, next) } else { (next, no) };
            self.expression(expression, node, holds, fails)
        })
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
