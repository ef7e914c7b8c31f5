//! `netns`: the network namespace of the packet.

use tracer_common::predicate::field;

use super::{Asked, Context, Key, Operand};
use crate::filter::error::Problem;
use crate::filter::graph::subject::{Condition, Place};

pub(super) static KEY: Key = Key {
    name: "netns",
    about: "the packet is in this network namespace: a path, a name of /run/netns, `inode:N`, `pid:N`, or an inode number",
    examples: &["netns web", "netns != /proc/1/ns/net", "netns pid:4711", "netns 4026531840"],
    operand: Operand::Text,
    wanted: "a namespace: a path, a name, `inode:N` or `pid:N`",
    condition,
};

fn condition(asked: &Asked<'_>, context: &mut Context<'_>) -> Result<Condition, Problem> {
    let text = asked.text();
    let digits = text.strip_prefix("inode:").unwrap_or(text);
    let inode = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let out_of_range = |_| Problem::Number("inode numbers of namespaces have 32 bits".to_owned());
        digits.parse().map_err(out_of_range)?
    } else {
        let answer = context.environment.netns(text);
        context.known(answer, 0)?
    };
    Ok(asked.signed(Condition::equals(Place::field(field::NETNS), inode)))
}
