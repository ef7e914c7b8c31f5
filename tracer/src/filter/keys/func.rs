//! `func`: which function was entered.

use super::{Asked, Context, Key, Operand, in_functions};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;

pub(super) static KEY: Key = Key {
    name: "func",
    about: "the hit is in a function (or at a tracepoint) whose whole name matches a regular expression",
    examples: &["func ip_rcv", "func tcp_(v4|v6)_rcv", "func != \".*_rcv\""],
    operand: Operand::Text,
    wanted: "a regular expression, in quotes if it has blanks",
    condition,
};

fn condition(asked: &Asked<'_>, context: &mut Context<'_>) -> Result<Condition, Problem> {
    let number = context.functions(asked.text())?;
    Ok(asked.signed(in_functions(number)))
}
