//! The packets: a line for each journey, newest last.

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use super::{Kind, Outcome, Tab};
use crate::{
    track::Verdict,
    tui::{
        action::Action,
        engine::Packet,
        export::{self, Format},
        hunt::{self, Hunt},
        prompt::Question,
        state::{Of, State},
        store::{Order, Seq},
        theme::Role,
        widget::{Cell, Column, Table, text::put},
    },
    view::{Story, packets::PacketColumn},
};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Packets)
}

struct Packets;

impl Tab for Packets {
    fn title(&self) -> &'static str {
        "Packets"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[
            A::Open,
            A::Filter,
            A::DisplayFilter,
            A::NextDrop,
            A::Pause,
            A::StepOn,
            A::Record,
            A::Sort,
            A::NextMatch,
            A::Export,
        ]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let columns: Vec<Column> = state.columns.iter().map(|column| shape(*column)).collect();
        let sorted = state.listing.order().and_then(|order| {
            let place = state.columns.iter().position(|column| column.name() == order.column.name())?;
            Some((place, order.descending))
        });
        let table = Table { columns: &columns, theme: &state.theme, order: sorted };
        let mut list = state.list;
        let len = state.listing.len();
        table.draw(frame.buffer_mut(), area, &mut list, len, |row, shown| {
            let packet = state.listing.get(row).and_then(|seq| state.store.get(seq));
            packet.map(|packet| cells(state, packet, shown)).unwrap_or_default()
        });
        state.list = list;
        if len == 0 {
            put(frame.buffer_mut(), area, 2, 2, &empty(state), state.theme.style(Role::Faint));
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        let len = state.listing.len();
        if state.list.act(action, len) {
            // Whoever goes elsewhere no longer looks for anything.
            state.hunt = None;
            return Outcome::Done;
        }
        match action {
            Action::Open => return open(state),
            Action::NextDrop | Action::PreviousDrop => next_drop(state, action == Action::NextDrop),
            Action::NextMatch | Action::PreviousMatch if state.search.is_empty() => {
                return Outcome::Ask(Question::Search);
            }
            Action::NextMatch | Action::PreviousMatch => {
                state.hunt = Some(Hunt::new(action == Action::NextMatch, state));
            }
            Action::Sort => sort(state),
            Action::Invert => {
                let order = state.listing.order().map(Order::inverted);
                state.listing.set_order(order);
            }
            Action::Copy => return copy(state),
            _ => return Outcome::Ignored,
        }
        Outcome::Done
    }

    fn export(&self, format: Format, state: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        let packet = state.selected().and_then(|seq| state.store.get(seq))?;
        Some((format!("packet-{}", packet.journey.number()), export::packet(state, Of::Trace, packet, format)))
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        let len = state.listing.len();
        // The first line has the titles.
        let Some(line) = place.y.checked_sub(1) else { return Outcome::Ignored };
        match state.list.click(usize::from(line), len) {
            true if again => open(state),
            true => Outcome::Done,
            false => Outcome::Ignored,
        }
    }

    fn wheel(&mut self, rows: isize, state: &mut State<'_>) {
        state.list.scroll(rows, state.listing.len());
    }

    fn update(&mut self, state: &mut State<'_>, deadline: Instant) -> bool {
        state.update_listing(Some(deadline)) & hunt::go_on(state, deadline)
    }
}

fn shape(column: &dyn PacketColumn) -> Column {
    let (least, best) = column.width();
    Column {
        title: column.title().to_owned(),
        least,
        best,
        rank: column.rank(),
        right: column.is_number(),
        keeps_end: column.keeps_end(),
    }
}

fn cells(state: &State<'_>, packet: &Packet, shown: &[usize]) -> Vec<Cell> {
    state.story(packet, |story| {
        let cell = |number: &usize| {
            let column = state.columns.get(*number)?;
            let mut text = String::new();
            column.write(story, &state.theme.signs, &mut text);
            Some(Cell::new(text, role(*column, story)))
        };
        shown.iter().filter_map(cell).collect()
    })
}

fn role(column: &dyn PacketColumn, story: &Story<'_>) -> Role {
    match (column.name(), story.journey.verdict()) {
        ("verdict", verdict) => verdict_role(verdict),
        ("way", Verdict::Dropped { .. }) => Role::Bad,
        ("time" | "packet" | "hops" | "took" | "length", _) => Role::Faint,
        _ => Role::Plain,
    }
}

/// How a verdict is coloured; it says so in words too.
pub(super) fn verdict_role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Dropped { .. } => Role::Bad,
        Verdict::Delivered { .. } | Verdict::Sent { .. } => Role::Good,
        Verdict::LastSeen { .. } | Verdict::Unknown => Role::Warn,
        Verdict::Consumed { .. } | Verdict::Merged { .. } => Role::Faint,
    }
}

fn empty(state: &State<'_>) -> String {
    let nothing = state.store.seqs().is_empty();
    if let (true, Some((done, all))) = (nothing, state.status.attaching) {
        return format!("{done} of {all} attached; what comes shows as soon as it does.");
    }
    let text = match (nothing, state.listing.filter().is_some()) {
        (false, true) => "No packet here matches what is to be shown: `f` changes that.",
        (false, false) => "Nothing up to here: play on, or go to the end.",
        (true, _) if state.known.files.is_empty() => "No packet has come yet that matches; `/` changes the filter.",
        (true, _) => "There is no packet in this recording that matches.",
    };
    text.to_owned()
}

fn open(state: &mut State<'_>) -> Outcome {
    match state.selected() {
        Some(seq) => {
            state.opened = Some((Of::Trace, seq));
            Outcome::Go(Kind::Path)
        }
        None => Outcome::Ignored,
    }
}

fn is_drop(state: &State<'_>, seq: Seq) -> bool {
    matches!(state.store.verdict(seq), Some(Verdict::Dropped { .. }))
}

/// Selects the next packet that was dropped.
pub(super) fn next_drop(state: &mut State<'_>, forward: bool) {
    let (now, len) = (state.list.selected(), state.listing.len());
    let fits = |row: &usize| state.listing.get(*row).is_some_and(|seq| is_drop(state, seq));
    let found = if forward { (now + 1..len).find(fits) } else { (0..now.min(len)).rev().find(fits) };
    match found {
        Some(row) => state.list.select(row),
        None if forward => state.say("no packet was dropped behind this one", Role::Warn),
        None => state.say("no packet was dropped before this one", Role::Warn),
    }
}

/// Sorts by the next column, and behind the last one not at all.
fn sort(state: &mut State<'_>) {
    let next = match state.listing.order() {
        None => 0,
        Some(order) => {
            let place = state.columns.iter().position(|column| column.name() == order.column.name());
            place.map_or(0, |place| place + 1)
        }
    };
    let order = state.columns.get(next).map(|column| Order { column: *column, descending: false });
    state.listing.set_order(order);
}

fn copy(state: &State<'_>) -> Outcome {
    let Some(packet) = state.selected().and_then(|seq| state.store.get(seq)) else { return Outcome::Ignored };
    let all: Vec<usize> = (0..state.columns.len()).collect();
    let texts: Vec<String> = cells(state, packet, &all).into_iter().map(|cell| cell.text).collect();
    Outcome::Copy(texts.join("  "))
}
