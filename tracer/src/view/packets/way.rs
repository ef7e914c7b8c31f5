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
        let words = Words { tables: story.tables, context: story.context };
        write(&words, story.journey.crossed(), signs, out);
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

/// `web/eth0 ▸ veth1`; the namespace where there is no device.
pub(in crate::view) fn write(
    words: &Words<'_>,
    places: impl IntoIterator<Item = (NetnsId, DeviceId)>,
    signs: &Signs,
    out: &mut String,
) {
    let (mut first, mut last): (Option<NetnsId>, Option<(NetnsId, DeviceId)>) = (None, None);
    for place in places {
        first.get_or_insert(place.0);
        if place.1 == DeviceId(0) || last == Some(place) {
            continue;
        }
        if last.is_some() {
            out.push(' ');
            out.push_str(signs.way);
            out.push(' ');
        }
        write_place(words, place, last.map(|(netns, _)| netns), out);
        last = Some(place);
    }
    if let Some(netns) = first.filter(|_| last.is_none()) {
        words.netns(netns, out);
    }
}

/// `web/eth0` where the namespace has a name and is not that of the place before, else `eth0`.
fn write_place(words: &Words<'_>, (netns, device): (NetnsId, DeviceId), before: Option<NetnsId>, out: &mut String) {
    let name = words.tables.netns_of(netns).and_then(|inode| words.context.netns_name(inode));
    if let Some(name) = name.filter(|_| before != Some(netns)) {
        escape(name.as_bytes(), out);
        out.push('/');
    }
    match words.tables.device_of(device) {
        Some(device) if !device.name.is_empty() => escape(device.name.bytes(), out),
        _ => words.device(device, out),
    }
}
