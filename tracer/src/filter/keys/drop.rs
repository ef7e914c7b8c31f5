//! `drop`: the hit is a drop, for any reason or for a certain one.

use tracer_common::{event::kind, predicate::field};

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::{Condition, Place};

pub(super) static KEY: Key = Key {
    name: "drop",
    about: "the kernel drops the packet here, for any reason or for this one (name or number)",
    examples: &["drop", "drop NETFILTER_DROP", "drop != SKB_DROP_REASON_NO_SOCKET", "drop 0x30001"],
    operand: Operand::Name,
    wanted: "the name or number of a drop reason",
    condition,
};

/// Behind `!=` it is a drop too, for another reason.
fn condition(asked: &Asked<'_>, context: &mut Context<'_>) -> Result<Condition, Problem> {
    let dropped = Condition::equals(Place::field(field::KIND), u32::from(kind::DROP));
    let Some(operand) = asked.operand else { return Ok(dropped) };
    let reason = if operand.number.is_some() {
        operand.number32()?
    } else {
        let answer = context.environment.reason(operand.text);
        context.known(answer, 0)?
    };
    Ok(dropped.and(asked.signed(Condition::equals(Place::field(field::REASON), reason))))
}
