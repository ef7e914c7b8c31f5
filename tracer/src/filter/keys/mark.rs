//! `mark`: `skb->mark`.

use tracer_common::predicate::field;

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;

pub(super) static KEY: Key = Key {
    name: "mark",
    about: "`skb->mark`, all of it or the bits in a mask",
    examples: &["mark 5", "mark & 0xff == 3", "mark 0x100/0xff00", "mark > 7"],
    operand: Operand::Number,
    wanted: "a mark such as `5`, `0x1f00` or `0x100/0xff00`",
    condition,
};

fn condition(asked: &Asked<'_>, _: &mut Context<'_>) -> Result<Condition, Problem> {
    asked.compare_field(field::MARK)
}
