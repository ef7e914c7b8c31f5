//! `protochain`: a protocol anywhere in a chain of headers that each name the next one.

use tracer_common::predicate::alu;

use super::Meaning;
use super::ethertype;
use crate::filter::error::Problem;
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Jump, Line, Step, Subject};
use crate::filter::syntax::{Operand, Protocol};

/// Most headers that are looked behind. libpcap looks behind any number; more than these seven kinds in a row, IPv6 does
/// not have.
const MOST_HEADERS: usize = 8;

const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const AUTHENTICATION: u32 = 51;
const NO_NEXT: u32 = 59;
const OPTIONS: u32 = 60;

/// Registers: the number of the header at hand, where it starts behind the network header, and two for calculations.
const NUMBER: u8 = 0;
const START: u8 = 1;
const SIZE: u8 = 2;
const OTHER: u8 = 3;

/// Lines of a header that is stepped over.
const SKIP: usize = 7;

impl Meaning<'_> {
    pub(super) fn protocol_chain(&self, of: Option<Protocol>, operand: Operand<'_>) -> Result<Condition, Problem> {
        let number = self.ip_number(operand)?;
        let four = || Ok(self.layers.ethertype(ethertype::IP)?.and(answer(self.chain_of_four(number))));
        let six = || Ok(self.layers.ethertype(ethertype::IP6)?.and(answer(self.chain_of_six(number))));
        match of {
            Some(Protocol::Ip) => four(),
            Some(Protocol::Ip6) => six(),
            None => Ok(four()?.or(six()?)),
            Some(_) => Err(Problem::Senseless("only `ip` and `ip6` have a chain of protocols".to_owned())),
        }
    }

    /// IPv4 has one header that names another: AH.
    fn chain_of_four(&self, number: u32) -> Vec<Line> {
        let mut lines = vec![
            Line::Step(Step::Load { place: self.layers.network(9, 1), to: NUMBER }),
            Line::Step(Step::Load { place: self.layers.network(0, 1), to: START }),
            Line::Step(Step::Set { value: 15, to: OTHER }),
            Line::Step(Step::Calculate { operator: alu::AND, to: START, from: OTHER }),
            Line::Step(Step::Set { value: 2, to: OTHER }),
            Line::Step(Step::Calculate { operator: alu::SHL, to: START, from: OTHER }),
        ];
        for _ in 0..MOST_HEADERS {
            let next = lines.len() + 1;
            lines.push(test(number, number, Jump::End(true), Jump::Line(next)));
            lines.push(test(AUTHENTICATION, AUTHENTICATION, Jump::Line(next + 1), Jump::End(false)));
            self.step_over(&mut lines, 2, 2);
        }
        lines.push(test(number, number, Jump::End(true), Jump::End(false)));
        lines
    }

    fn chain_of_six(&self, number: u32) -> Vec<Line> {
        let mut lines = vec![
            Line::Step(Step::Load { place: self.layers.network(6, 1), to: NUMBER }),
            Line::Step(Step::Set { value: 40, to: START }),
        ];
        for _ in 0..MOST_HEADERS {
            // Two tests that may end it, four for the kinds, two ways to step over.
            let first = lines.len();
            let (in_eights, in_fours) = (Jump::Line(first + 6), Jump::Line(first + 6 + SKIP + 1));
            let line = |index: usize| Jump::Line(first + index);
            lines.push(test(number, number, Jump::End(true), line(1)));
            lines.push(test(NO_NEXT, NO_NEXT, Jump::End(false), line(2)));
            lines.push(test(ROUTING, FRAGMENT, in_eights, line(3)));
            lines.push(test(HOP_BY_HOP, HOP_BY_HOP, in_eights, line(4)));
            lines.push(test(OPTIONS, OPTIONS, in_eights, line(5)));
            lines.push(test(AUTHENTICATION, AUTHENTICATION, in_fours, Jump::End(false)));
            self.step_over(&mut lines, 1, 3);
            lines.push(Line::Go(first + 6 + SKIP + 1 + SKIP));
            self.step_over(&mut lines, 2, 2);
        }
        lines.push(test(number, number, Jump::End(true), Jump::End(false)));
        lines
    }

    /// Reads the next header's number, and adds to [`START`] the size of this one: its second byte and `more`, in units
    /// of `1 << shift` bytes.
    fn step_over(&self, lines: &mut Vec<Line>, more: u32, shift: u32) {
        lines.extend([
            Line::Step(Step::LoadIndexed { place: self.layers.network(0, 1), to: NUMBER, index: START }),
            Line::Step(Step::LoadIndexed { place: self.layers.network(1, 1), to: SIZE, index: START }),
            Line::Step(Step::Set { value: more, to: OTHER }),
            Line::Step(Step::Calculate { operator: alu::ADD, to: SIZE, from: OTHER }),
            Line::Step(Step::Set { value: shift, to: OTHER }),
            Line::Step(Step::Calculate { operator: alu::SHL, to: SIZE, from: OTHER }),
            Line::Step(Step::Calculate { operator: alu::ADD, to: START, from: SIZE }),
        ]);
    }
}

fn test(low: u32, high: u32, yes: Jump, no: Jump) -> Line {
    Line::Test { register: NUMBER, low, high, yes, no }
}

fn answer(lines: Vec<Line>) -> Condition {
    Condition::Test(Subject::Script(lines), Set::one(1))
}
