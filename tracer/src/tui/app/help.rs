//! The help: the table of keys, as it is in force.

use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Block, Clear, Widget as _},
};

use super::footer::pretty;
use crate::tui::{
    action::{BINDINGS, Place},
    state::State,
    theme::Role,
    widget::text::put,
};

const WIDTH: u16 = 76;
const KEYS: u16 = 24;

/// Draws it over the middle of the screen, from line `top` on, which is brought into its bounds.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, top: &mut u16, state: &State<'_>) {
    let lines = lines(state);
    let width = WIDTH.min(area.width.saturating_sub(2));
    let height = (lines.len() as u16 + 2).min(area.height.saturating_sub(2));
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let inside = Rect { x: place.x + 2, y: place.y + 1, width: width.saturating_sub(4), height: height - 2 };
    *top = (*top).min((lines.len() as u16).saturating_sub(inside.height));
    let buffer = frame.buffer_mut();
    Clear.render(place, buffer);
    let block = Block::bordered().title(" Keys ").title_bottom(" Esc closes, arrows scroll ");
    let block = if state.theme.is_ascii() { block.border_set(ASCII) } else { block };
    block.border_style(state.theme.style(Role::Frame)).render(place, buffer);
    for (row, (keys, text)) in lines.iter().skip(usize::from(*top)).take(usize::from(inside.height)).enumerate() {
        let row = row as u16;
        let role = if text.is_empty() { Role::Title } else { Role::Key };
        put(buffer, inside, row, 0, keys, state.theme.style(role));
        put(buffer, inside, row, KEYS, text, state.theme.style(Role::Plain));
    }
}

const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const PLACES: [(Place, &str); 5] = [
    (Place::Everywhere, "Everywhere"),
    (Place::Lists, "In lists"),
    (Place::Path, "In the path of a packet"),
    (Place::Live, "In a running trace"),
    (Place::Replay, "In a recording"),
];

fn lines(state: &State<'_>) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (place, title) in PLACES {
        if !lines.is_empty() {
            lines.push((String::new(), String::new()));
        }
        lines.push((title.to_owned(), String::new()));
        for binding in BINDINGS.iter().filter(|binding| binding.place == place) {
            let keys: Vec<String> = state.keymap.keys(binding.action).iter().map(|key| pretty(key)).collect();
            let keys = if keys.is_empty() { "no key".to_owned() } else { keys.join("  ") };
            lines.push((format!("  {keys}"), binding.help.to_owned()));
        }
    }
    lines
}
