//! How many functions it passed.

use super::{PacketColumn, Signs, Story};
use crate::view::number;

pub(super) struct Hops;

impl PacketColumn for Hops {
    fn name(&self) -> &'static str {
        "hops"
    }

    fn title(&self) -> &'static str {
        "HOPS"
    }

    fn help(&self) -> &'static str {
        "hits: functions and tracepoints that it passed"
    }

    fn width(&self) -> (u16, u16) {
        (4, 5)
    }

    fn rank(&self) -> u8 {
        6
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        number::decimal(hops(story), out);
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        u128::from(hops(story))
    }

    fn is_number(&self) -> bool {
        true
    }
}

fn hops(story: &Story<'_>) -> u64 {
    story.journey.hops.len() as u64 + story.journey.left_out
}
