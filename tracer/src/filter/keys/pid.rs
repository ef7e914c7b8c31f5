//! `pid`: the process at hand.

use tracer_common::predicate::field;

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;

pub(super) static KEY: Key = Key {
    name: "pid",
    about: "the process that runs at the hit; the packet's owner only while that process sends",
    examples: &["pid 4711", "pid != 0"],
    operand: Operand::Number,
    wanted: "the number of a process",
    condition,
};

fn condition(asked: &Asked<'_>, _: &mut Context<'_>) -> Result<Condition, Problem> {
    asked.compare_field(field::PID)
}
