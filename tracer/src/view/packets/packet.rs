//! The packet's number, and how many branches it has beside the first.

use super::{PacketColumn, Signs, Story};
use crate::view::number;

pub(super) struct Packet;

impl PacketColumn for Packet {
    fn name(&self) -> &'static str {
        "packet"
    }

    fn title(&self) -> &'static str {
        "PACKET"
    }

    fn help(&self) -> &'static str {
        "its number in the run, and how many copies, segments or fragments were made of it"
    }

    fn width(&self) -> (u16, u16) {
        (6, 9)
    }

    fn rank(&self) -> u8 {
        4
    }

    fn write(&self, story: &Story<'_>, signs: &Signs, out: &mut String) {
        number::decimal(story.journey.number(), out);
        if story.journey.strands.len() > 1 {
            out.push(' ');
            out.push_str(signs.branch);
            number::decimal(story.journey.strands.len() as u64 - 1, out);
        }
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        u128::from(story.journey.number())
    }
}
