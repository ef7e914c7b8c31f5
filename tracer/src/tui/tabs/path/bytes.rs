//! Headers and bytes of the packet as it was at a hop.

use ratatui::{Frame, layout::Rect};

use crate::{
    model::Origin,
    tui::{
        engine::{Packet, Sight},
        state::{Of, State},
        store::sight,
        theme::Role,
        widget::text::put,
    },
    view::{headers, journey::Words},
};

/// Letters of a line of bytes.
const HEX: u16 = 73;
/// Lines that headers and bytes take one above the other, and beside each other.
const HIGH: u16 = 10;
const WIDE: u16 = 7;

/// Lines that are needed.
pub(super) fn height(area: Rect) -> u16 {
    let wanted = if area.width >= 2 * HEX { WIDE } else { HIGH };
    wanted.min(area.height / 2)
}

/// Draws them, as they were at this hop, or at the first one.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    (of, packet): (Of, &Packet),
    hop: Option<usize>,
    state: &State<'_>,
) {
    let buffer = frame.buffer_mut();
    let theme = &state.theme;
    let line = theme.strokes.across.repeat(usize::from(area.width));
    put(buffer, area, 0, 0, &line, theme.style(Role::Frame));
    let Some(hop) = packet.journey.hops.get(hop.unwrap_or(0)) else { return };
    let mut label = String::from(" as it was in ");
    Words { tables: state.store_of(of).tables(), context: &state.context_of(of) }.func(hop, &mut label);
    label.push(' ');
    put(buffer, area, 0, 2, &label, theme.style(Role::Frame));
    let Some(sight) = sight(packet, hop) else {
        put(buffer, area, 1, 1, "its headers were not kept", theme.style(Role::Faint));
        return;
    };
    let (what, bytes) = bytes(sight);
    let mut words = headers::lines(&sight.headers);
    if bytes.is_empty() {
        words.push("no bytes".to_owned());
    }
    let beside = area.width >= 2 * HEX;
    for (row, text) in words.iter().enumerate() {
        put(buffer, area, 1 + row as u16, 1, text, theme.style(Role::Plain));
    }
    let (top, left) = if beside { (1, area.width - HEX - 1) } else { (1 + words.len() as u16, 1) };
    for (row, text) in headers::hex(bytes).iter().enumerate() {
        put(buffer, area, top + row as u16, left, text, theme.style(Role::Faint));
    }
    let end = area.width.saturating_sub(what.len() as u16 + 3);
    put(buffer, area, 0, end, &format!(" {what} "), theme.style(Role::Frame));
}

/// The packet's bytes if they were read, or the headers that every hit has.
fn bytes(sight: &Sight) -> (&'static str, &[u8]) {
    match &sight.details {
        Some(details) if !details.packet.is_empty() => ("from the outermost header on", &details.packet),
        _ if sight.headers.origin == Origin::Packet => {
            let length = usize::from(sight.headers.len);
            ("from the network header on", sight.headers.bytes.get(..length).unwrap_or_default())
        }
        _ => ("", &[]),
    }
}
