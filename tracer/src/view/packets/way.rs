//! The devices and namespaces that it crossed.

use super::{PacketColumn, Signs, Story, text_order};
use crate::{
    track::{DeviceId, NetnsId, Verdict},
    view::{escape, journey::Words},
};

pub(super) struct Way;

impl PacketColumn for Way {
    fn name(&self) -> &'static str {
        "way"
    }

    fn title(&self) -> &'static str {
        "WAY"
    }

    fn help(&self) -> &'static str {
        "devices that it crossed, with the namespace where that is another one"
    }

    fn width(&self) -> (u16, u16) {
        (16, 44)
    }

    fn rank(&self) -> u8 {
        2
    }

    fn write(&self, story: &Story<'_>, signs: &Signs, out: &mut String) {
        let mut last: Option<(NetnsId, DeviceId)> = None;
        for place in story.journey.crossed() {
            if place.1 == DeviceId(0) || last == Some(place) {
                continue;
            }
            if last.is_some() {
                out.push(' ');
                out.push_str(signs.way);
                out.push(' ');
            }
            write_place(story, place, last.map(|(netns, _)| netns), out);
            last = Some(place);
        }
        if last.is_none()
            && let Some(hop) = story.journey.hops.first()
        {
            Words { tables: story.tables, context: story.context }.netns(hop.netns, out);
        }
        if matches!(story.journey.verdict(), Verdict::Dropped { .. }) {
            out.push(' ');
            out.push_str(signs.stop);
        }
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        let mut text = String::new();
        self.write(story, &Signs::ASCII, &mut text);
        text_order(&text)
    }

    fn keeps_end(&self) -> bool {
        true
    }
}

/// `web/eth0` where the namespace has a name and is not that of the place before, else `eth0`.
fn write_place(story: &Story<'_>, (netns, device): (NetnsId, DeviceId), before: Option<NetnsId>, out: &mut String) {
    let name = story.tables.netns_of(netns).and_then(|inode| story.context.namespaces.get(&inode));
    if let Some(name) = name.filter(|_| before != Some(netns)) {
        escape(name.as_bytes(), out);
        out.push('/');
    }
    match story.tables.device_of(device) {
        Some(device) if !device.name.is_empty() => escape(device.name.bytes(), out),
        _ => Words { tables: story.tables, context: story.context }.device(device, out),
    }
}
