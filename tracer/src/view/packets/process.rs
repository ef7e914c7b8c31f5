//! The task at hand where the packet was first seen.

use super::{PacketColumn, Signs, Story, text_order};
use crate::view::journey::Words;

pub(super) struct Process;

impl PacketColumn for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn title(&self) -> &'static str {
        "PROCESS"
    }

    fn help(&self) -> &'static str {
        "the task at hand where it was first seen: its sender, if it began there"
    }

    fn width(&self) -> (u16, u16) {
        (12, 20)
    }

    fn rank(&self) -> u8 {
        7
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        if let Some(first) = story.journey.hops.first() {
            Words { tables: story.tables, context: story.context }.task(first.task, first.pid, out);
        }
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        let mut text = String::new();
        self.write(story, &Signs::ASCII, &mut text);
        text_order(&text)
    }
}
