//! How long it was on its way.

use super::{PacketColumn, Signs, Story};
use crate::view::duration;

pub(super) struct Took;

impl PacketColumn for Took {
    fn name(&self) -> &'static str {
        "took"
    }

    fn title(&self) -> &'static str {
        "TOOK"
    }

    fn help(&self) -> &'static str {
        "time from its first hit to that which decided its fate"
    }

    fn width(&self) -> (u16, u16) {
        (7, 7)
    }

    fn rank(&self) -> u8 {
        5
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        duration::write(story.journey.decided_after(), out);
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        u128::from(story.journey.decided_after())
    }

    fn is_number(&self) -> bool {
        true
    }
}
