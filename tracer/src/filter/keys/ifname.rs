//! `ifname`: the name of the packet's device.

use tracer_common::predicate::field;

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;
use crate::filter::pattern;

pub(super) static KEY: Key = Key {
    name: "ifname",
    about: "the packet's device has this name at the time of the hit, in whichever namespace; `?` is any letter, `*` at the \
            end any more",
    examples: &["ifname eth0", "ifname veth*", "ifname != lo"],
    operand: Operand::Text,
    wanted: "the name of an interface",
    condition,
};

fn condition(asked: &Asked<'_>, _: &mut Context<'_>) -> Result<Condition, Problem> {
    Ok(asked.signed(pattern::matches(field::IFNAME, asked.text())?))
}
