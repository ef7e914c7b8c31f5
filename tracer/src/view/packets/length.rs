//! Its length.

use super::{PacketColumn, Signs, Story};
use crate::view::number;

pub(super) struct Length;

impl PacketColumn for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn title(&self) -> &'static str {
        "BYTES"
    }

    fn help(&self) -> &'static str {
        "its length where it was longest, headers included"
    }

    fn width(&self) -> (u16, u16) {
        (5, 6)
    }

    fn rank(&self) -> u8 {
        8
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        number::decimal(longest(story), out);
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        u128::from(longest(story))
    }

    fn is_number(&self) -> bool {
        true
    }
}

fn longest(story: &Story<'_>) -> u32 {
    story.journey.hops.iter().map(|hop| hop.len).max().unwrap_or(0)
}
