//! When the packet was first seen.

use super::{PacketColumn, Signs, Story};

pub(super) struct Time;

impl PacketColumn for Time {
    fn name(&self) -> &'static str {
        "time"
    }

    fn title(&self) -> &'static str {
        "TIME"
    }

    fn help(&self) -> &'static str {
        "when it was first seen"
    }

    fn width(&self) -> (u16, u16) {
        (12, 12)
    }

    fn rank(&self) -> u8 {
        3
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        let Some(clock) = story.context.clock else { return };
        let start = out.len();
        clock.time(story.journey.start(), out);
        // Milliseconds tell packets apart well enough; the path shows the rest.
        out.truncate(start + "14:03:22.118".len());
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        u128::from(story.journey.start())
    }
}
