//! `comm`: the name of the task at hand.

use tracer_common::predicate::field;

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;
use crate::filter::pattern;

pub(super) static KEY: Key = Key {
    name: "comm",
    about: "the task that runs at the hit has this name, as `ps -o comm`; `?` and `*` as for `ifname`",
    examples: &["comm curl", "comm ksoftirqd*", "comm \"Web Content\""],
    operand: Operand::Text,
    wanted: "the name of a task",
    condition,
};

fn condition(asked: &Asked<'_>, _: &mut Context<'_>) -> Result<Condition, Problem> {
    Ok(asked.signed(pattern::matches(field::COMM, asked.text())?))
}
