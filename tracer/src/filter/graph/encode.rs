//! Writes a graph as a program.

use std::collections::HashMap;

use tracer_common::predicate::{ACCEPT, MAX_NODES, MAX_STEPS, Node, Program, REJECT, base, op};

use super::subject::{Jump, Line, MOST_LAYERS, Place, Step, Subject};
use super::{Graph, Target, Test, looks};

/// A graph that does not fit into a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// This many nodes, more than [`MAX_NODES`].
    Nodes(usize),
    /// This many nodes on one way, more than [`MAX_STEPS`].
    Steps(usize),
}

/// One for each packet that may be turned to when a test is reached.
const LAYERS: usize = MOST_LAYERS as usize + 1;

/// The program of all tests that can be reached from `entry`. Where a value may lie in `search` ranges or more, they are
/// searched by halves instead of tried one after the other: fewer tests on a way, more in all.
///
/// Ways that reach a test may have turned to different packets: each turns to the test's own first.
pub(super) fn encode(graph: &Graph, entry: Target, search: usize) -> Result<Box<Program>, Excess> {
    let mut writer = Writer { search, nodes: Vec::new(), steps: Vec::new(), known: HashMap::new() };
    let mut written = vec![[Link::End(REJECT); LAYERS]; graph.tests.len()];
    for (index, layers) in reachable(graph, entry).into_iter().enumerate() {
        let (test, subject) = (&graph.tests[index], &graph.subjects[graph.tests[index].subject]);
        for layer in (0..LAYERS).filter(|layer| layers[*layer]) {
            let (with_yes, with_no) = after(subject, layer);
            let (yes, no) = (link(test.yes, with_yes, &written), link(test.no, with_no, &written));
            let first = writer.test(subject, test, yes, no);
            written[index][layer] = writer.turn(layer, needed(subject, layer), first);
        }
    }
    writer.finish(link(entry, 0, &written))
}

/// Which packet a test reads, when it is reached with `layer` turned to.
fn needed(subject: &Subject, layer: usize) -> usize {
    subject.layer().map_or(layer, usize::from)
}

/// Which packet is turned to behind a test, for its two answers. A test for a packet inside turns to it; its set holds the
/// answer that there is none ([`Test`]).
fn after(subject: &Subject, layer: usize) -> (usize, usize) {
    let here = needed(subject, layer);
    if let Subject::Layer(depth) = subject { (here, usize::from(*depth)) } else { (here, here) }
}

/// By test: with which packets turned to it can be reached.
fn reachable(graph: &Graph, entry: Target) -> Vec<[bool; LAYERS]> {
    let mut reached = vec![[false; LAYERS]; graph.tests.len()];
    let mark = |target, layer: usize, reached: &mut Vec<[bool; LAYERS]>| {
        if let Target::Test(index) = target {
            reached[index][layer] = true;
        }
    };
    mark(entry, 0, &mut reached);
    for index in (0..graph.tests.len()).rev() {
        let test = &graph.tests[index];
        for layer in (0..LAYERS).filter(|layer| reached[index][*layer]).collect::<Vec<_>>() {
            let (with_yes, with_no) = after(&graph.subjects[test.subject], layer);
            mark(test.yes, with_yes, &mut reached);
            mark(test.no, with_no, &mut reached);
        }
    }
    reached
}

fn link(target: Target, layer: usize, written: &[[Link; LAYERS]]) -> Link {
    match target {
        Target::Accept => Link::End(ACCEPT),
        Target::Reject => Link::End(REJECT),
        Target::Test(index) => written[index][layer],
    }
}

/// A target while nodes are still numbered from the end of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Link {
    End(u16),
    Node(usize),
}

/// A node with its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Linked {
    op: u8,
    place: Place,
    registers: u8,
    mask: u32,
    low: u32,
    high: u32,
    yes: Link,
    no: Link,
}

/// Collects nodes, the last one of the program first.
struct Writer {
    search: usize,
    nodes: Vec<Linked>,
    /// By node: the most nodes on a way from it to an end, itself included.
    steps: Vec<usize>,
    known: HashMap<Linked, usize>,
}

impl Writer {
    fn test(&mut self, subject: &Subject, test: &Test, yes: Link, no: Link) -> Link {
        match subject {
            Subject::Bytes { place, mask } => {
                let shift = if base::is_number(place.base) { 0 } else { 32 - 8 * u32::from(place.width) };
                let blank = Linked { op: op::TEST, place: *place, mask: mask << shift, ..Linked::blank() };
                let shifted = test.set.ranges().iter().map(|(low, high)| (low << shift, high << shift));
                self.ranges(blank, &shifted.collect::<Vec<_>>(), yes, no)
            }
            Subject::Computed { steps, register } => {
                let blank = Linked { op: op::TEST_REGISTER, registers: *register, mask: u32::MAX, ..Linked::blank() };
                let last = self.ranges(blank, test.set.ranges(), yes, no);
                self.steps(steps, last)
            }
            Subject::Greater { steps, greater, less } => {
                // The set cannot hold the largest value, which is 1: it is {0}.
                let registers = greater | less << 4;
                let last = self.push(Linked { op: op::GREATER, registers, yes: no, no: yes, ..Linked::blank() });
                self.steps(steps, last)
            }
            Subject::Script(lines) => self.script(lines, no, yes),
            Subject::Layer(_) => self.push(Linked { yes: no, no: yes, ..Linked::layer(1) }),
        }
    }

    /// Turns from one packet to another that is known to be there.
    fn turn(&mut self, from: usize, to: usize, next: Link) -> Link {
        let steps_in = if to < from { to } else { to - from };
        let next = (0..steps_in).fold(next, |next, _| self.push(Linked { yes: next, ..Linked::layer(1) }));
        if to < from { self.push(Linked { yes: next, no: next, ..Linked::layer(0) }) } else { next }
    }

    fn script(&mut self, lines: &[Line], yes: Link, no: Link) -> Link {
        let mut written = vec![no; lines.len() + 1];
        for (index, line) in lines.iter().enumerate().rev() {
            let link = |jump, written: &[Link]| match jump {
                Jump::End(answer) => {
                    if answer {
                        yes
                    } else {
                        no
                    }
                }
                Jump::Line(line) => written[line],
            };
            written[index] = match *line {
                Line::Step(step) => self.steps(&[step], written[index + 1]),
                Line::Go(target) => written[target],
                Line::Test { register, low, high, yes, no } => {
                    let (yes, no) = (link(yes, &written), link(no, &written));
                    let blank =
                        Linked { op: op::TEST_REGISTER, registers: register, mask: u32::MAX, ..Linked::blank() };
                    self.push(Linked { low, high, yes, no, ..blank })
                }
            };
        }
        written[0]
    }

    /// Tests of ascending ranges: one after the other, or halves by halves where they are many.
    fn ranges(&mut self, blank: Linked, ranges: &[(u32, u32)], yes: Link, no: Link) -> Link {
        if ranges.is_empty() {
            return self.push(Linked { high: u32::MAX, yes, no, ..blank });
        }
        if ranges.len() < self.search {
            let test = |next, &(low, high): &(u32, u32)| self.push(Linked { low, high, yes, no: next, ..blank });
            return ranges.iter().rev().fold(no, test);
        }
        let (lower, upper) = ranges.split_at(ranges.len() / 2);
        let below = self.ranges(blank, lower, yes, no);
        let above = self.ranges(blank, upper, yes, no);
        self.push(Linked { low: upper[0].0, high: u32::MAX, yes: above, no: below, ..blank })
    }

    fn steps(&mut self, steps: &[Step], last: Link) -> Link {
        steps.iter().rev().fold(last, |next, step| {
            let blank = Linked { yes: next, no: next, ..Linked::blank() };
            self.push(match *step {
                Step::Load { place, to } => Linked { op: op::LOAD, place, registers: to, ..blank },
                Step::LoadIndexed { place, to, index } => {
                    Linked { op: op::LOAD_INDEXED, place, registers: to | index << 4, ..blank }
                }
                Step::Set { value, to } => Linked { op: op::SET, low: value, registers: to, ..blank },
                Step::Calculate { operator, to, from } => {
                    Linked { op: op::ALU, low: operator, registers: to | from << 4, ..blank }
                }
            })
        })
    }

    fn push(&mut self, node: Linked) -> Link {
        if let Some(index) = self.known.get(&node) {
            return Link::Node(*index);
        }
        let behind = [node.yes, node.no].into_iter().map(|link| match link {
            Link::End(_) => 0,
            Link::Node(index) => self.steps[index],
        });
        self.steps.push(1 + behind.max().unwrap_or(0));
        self.nodes.push(node);
        self.known.insert(node, self.nodes.len() - 1);
        Link::Node(self.nodes.len() - 1)
    }

    fn finish(self, entry: Link) -> Result<Box<Program>, Excess> {
        let count = self.nodes.len();
        let steps = self.steps.iter().copied().max().unwrap_or(0);
        if count > MAX_NODES {
            return Err(Excess::Nodes(count));
        }
        if steps > MAX_STEPS {
            return Err(Excess::Steps(steps));
        }
        let target = |link| match link {
            Link::End(end) => end,
            Link::Node(index) => (count - 1 - index) as u16,
        };
        let mut program = Box::new(Program::constant(REJECT));
        program.entry = u32::from(target(entry));
        program.count = count as u32;
        for (node, linked) in program.nodes.iter_mut().zip(self.nodes.iter().rev()) {
            *node = linked.node(target(linked.yes), target(linked.no));
        }
        program.looks = looks::tables(&program);
        Ok(program)
    }
}

impl Linked {
    fn blank() -> Self {
        let place = Place::field(0);
        Self {
            op: op::TEST,
            place,
            registers: 0,
            mask: 0,
            low: 0,
            high: 0,
            yes: Link::End(REJECT),
            no: Link::End(REJECT),
        }
    }

    fn layer(depth: u32) -> Self {
        Self { op: op::LAYER, place: Place::field(depth), ..Self::blank() }
    }

    fn node(&self, on_true: u16, on_false: u16) -> Node {
        let Self { op, place: Place { base, offset, width, .. }, registers, mask, low, high, .. } = *self;
        Node { op, base, width, registers, offset, mask, low, high, on_true, on_false }
    }
}
