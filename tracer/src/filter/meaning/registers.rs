//! Values that take more than one load: calculations in registers.

use tracer_common::predicate::{REGISTERS, alu};

use super::layers::Layers;
use crate::filter::error::Problem;
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place, Step, Subject};

/// Steps so far, and which registers hold something that is still needed.
#[derive(Default)]
pub(super) struct Registers {
    pub(super) steps: Vec<Step>,
    used: [bool; REGISTERS],
}

impl Registers {
    /// A register that holds nothing.
    fn take(&mut self) -> Result<u8, Problem> {
        let free = self.used.iter().position(|used| !used);
        let free =
            free.ok_or_else(|| Problem::TooLarge(format!("arithmetic that needs more than {REGISTERS} registers")))?;
        self.used[free] = true;
        Ok(free as u8)
    }

    pub(super) fn set(&mut self, value: u32) -> Result<u8, Problem> {
        let to = self.take()?;
        self.steps.push(Step::Set { value, to });
        Ok(to)
    }

    pub(super) fn load(&mut self, place: Place) -> Result<u8, Problem> {
        let to = self.take()?;
        self.steps.push(Step::Load { place, to });
        Ok(to)
    }

    /// Replaces the number in `index` by the bytes that many bytes behind a place.
    pub(super) fn load_indexed(&mut self, place: Place, index: u8) -> u8 {
        self.steps.push(Step::LoadIndexed { place, to: index, index });
        index
    }

    /// `left <operator> right`, in the place of `left`; `right` becomes free.
    pub(super) fn calculate(&mut self, operator: u32, left: u8, right: u8) -> u8 {
        self.steps.push(Step::Calculate { operator, to: left, from: right });
        self.used[usize::from(right)] = false;
        left
    }

    /// The same with a number on the right.
    fn calculate_with(&mut self, operator: u32, left: u8, right: u32) -> Result<u8, Problem> {
        let right = self.set(right)?;
        Ok(self.calculate(operator, left, right))
    }

    /// The length of an IPv4 header, read from it.
    pub(super) fn ip_header_length(&mut self, layers: &Layers) -> Result<u8, Problem> {
        let length = self.load(layers.network(0, 1))?;
        self.calculate_with(alu::AND, length, 15)?;
        self.calculate_with(alu::SHL, length, 2)
    }
}

/// The bytes at an offset behind an IPv4 header are in a set. For headers whose place [`Layers::transport`] does not know.
pub(super) fn behind_ip_header(layers: &Layers, offset: u32, width: u8, set: Set) -> Result<Condition, Problem> {
    let mut registers = Registers::default();
    let length = registers.ip_header_length(layers)?;
    let register = registers.load_indexed(layers.network(offset, width), length);
    Ok(Condition::Test(Subject::Computed { steps: registers.steps, register }, set))
}
