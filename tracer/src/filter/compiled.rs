//! A filter that was compiled, and what is still to be filled in.

use tracer_common::predicate::{NO_PROBE, Program};

use super::keys::Bound;
use crate::model::Probe;

/// A request as a program.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// For the filter map, or for [`Program::evaluate`].
    pub program: Box<Program>,
    /// The expression as given.
    pub text: String,
    pub(super) bound: Bound,
}

/// More probes than a program can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`func` in a filter can tell {NO_PROBE} functions apart, and {0} are probed: select fewer with --filter-func")]
pub struct TooManyProbes(pub usize);

impl Compiled {
    /// Whether it asks which function was entered. Such a filter must be bound to the run's probes ([`Self::bind`]), or no
    /// function is in any of its sets.
    pub fn asks_for_functions(&self) -> bool {
        !self.bound.functions.is_empty()
    }

    /// Notes for each probe, by its number, in which of the sets that `func` asks for it is. A tracepoint, `group:event`, may
    /// be named without its group.
    pub fn bind(&mut self, probes: &[Probe]) -> Result<(), TooManyProbes> {
        if !self.asks_for_functions() {
            return Ok(());
        }
        if probes.len() > NO_PROBE as usize {
            return Err(TooManyProbes(probes.len()));
        }
        self.program.functions.fill(0);
        for (sets, probe) in self.program.functions.iter_mut().zip(probes) {
            let event = probe.name.split_once(':').map_or(probe.name.as_str(), |(_, event)| event);
            for (number, (_, selection)) in self.bound.functions.iter().enumerate() {
                let inside = selection.matches(&probe.name) || selection.matches(event);
                *sets |= u8::from(inside) << number;
            }
        }
        Ok(())
    }

    /// Whether it was compiled without knowing all names in it ([`super::Anywhere`]), and must not be run.
    pub fn is_incomplete(&self) -> bool {
        self.bound.unresolved
    }
}
