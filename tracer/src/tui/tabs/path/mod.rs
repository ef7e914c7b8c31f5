//! The path of one packet: where it went, how long that took, what changed, and where it ended and why.

mod bytes;
mod drawn;
mod dropped;
mod lines;
mod pieces;

use std::collections::HashSet;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use self::lines::{Line, Shape, What};
use super::{Kind, Outcome, Tab, packets::verdict_role};
use crate::{
    track::{Identity, Verdict},
    tui::{
        action::Action,
        engine::Packet,
        export::{self, Format},
        state::{Of, State},
        store::Seq,
        theme::Role,
        widget::{
            List,
            text::{fit, put, put_right, width},
        },
    },
    view::{Style, duration, journey, packets, phrase::append},
};

/// Lines above the path.
const TITLE: u16 = 3;
/// Least height with which the bytes are shown unasked.
const TALL: u16 = 30;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Path::default())
}

/// Whose packet it is, its number, and the packet itself.
type Shown = ((Of, Seq), Packet);

#[derive(Default)]
struct Path {
    /// The packet that is shown. It stays even if it has to make room in the store.
    shown: Option<Shown>,
    lines: Vec<Line>,
    /// What the lines were made for.
    made_for: Option<((Of, Seq), Shape, Vec<String>)>,
    list: Option<List>,
    /// First hops of the groups that are unfolded, or all.
    unfolded: HashSet<usize>,
    all: bool,
    stack: bool,
    programs: bool,
    /// Whether the bytes are shown, where the user has said.
    bytes: Option<bool>,
}

impl Tab for Path {
    fn title(&self) -> &'static str {
        "Path"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Back, A::Open, A::Fold, A::Bytes, A::Stack, A::Programs, A::Right, A::NextDrop, A::Copy, A::Export]
    }

    fn word(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Open => Some("unfold"),
            Action::Fold => Some(if self.all { "fold all" } else { "unfold all" }),
            Action::Right => Some("next packet"),
            _ => None,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        self.open(state);
        let Some(((of, _), packet)) = &self.shown else {
            let text = "No packet is open: choose one in Packets and press Enter.";
            put(frame.buffer_mut(), area, 1, 2, text, state.theme.style(Role::Faint));
            return;
        };
        title(frame, Rect { height: TITLE, ..area }, *of, packet, state);
        let with_bytes = self.bytes.unwrap_or(area.height >= TALL);
        let below = if with_bytes { bytes::height(area) } else { 0 };
        let body = Rect { y: area.y + TITLE, height: area.height.saturating_sub(TITLE + below), ..area };
        self.make(area.width, state);
        let mut list = self.list.unwrap_or_else(|| first_position(&self.lines, usize::from(body.height)));
        let window = list.window(self.lines.len(), usize::from(body.height));
        self.list = Some(list);
        let longest = self.lines.iter().filter_map(|line| line.took).max().unwrap_or(0);
        for (row, number) in window.enumerate() {
            let selected = number == list.selected();
            drawn::draw(frame.buffer_mut(), body, row as u16, &self.lines[number], longest, selected, &state.theme);
        }
        if let (true, Some(((of, _), packet))) = (with_bytes, &self.shown) {
            let hop = self.lines.get(list.selected()).and_then(|line| line.hop);
            bytes::draw(frame, Rect { y: body.bottom(), height: below, ..area }, (*of, packet), hop, state);
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        if let Some(list) = &mut self.list
            && list.act(action, self.lines.len())
        {
            return Outcome::Done;
        }
        match action {
            Action::Back if self.of() == Of::Drops => return Outcome::Go(Kind::Drops),
            Action::Back => return Outcome::Go(Kind::Packets),
            Action::Open => self.toggle(),
            Action::Fold => {
                self.all = !self.all;
                self.unfolded.clear();
                self.made_for = None;
            }
            Action::Bytes => self.bytes = Some(!self.bytes.unwrap_or(true)),
            Action::Stack => self.stack = !self.stack,
            Action::Programs => self.programs = !self.programs,
            Action::Left | Action::Right if self.of() == Of::Drops => {
                state.say("the drops beside it are in the list", Role::Faint);
            }
            Action::Left => step(state, false),
            Action::Right => step(state, true),
            Action::NextDrop | Action::PreviousDrop => {
                super::packets::next_drop(state, action == Action::NextDrop);
                state.opened = state.selected().map(|seq| (Of::Trace, seq)).or(state.opened);
            }
            Action::Copy => return self.copy(state),
            _ => return Outcome::Ignored,
        }
        Outcome::Done
    }

    fn export(&self, format: Format, state: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        let ((of, _), packet) = self.shown.as_ref()?;
        Some((format!("packet-{}", packet.journey.number()), export::packet(state, *of, packet, format)))
    }

    fn click(&mut self, place: Position, again: bool, _: &mut State<'_>) -> Outcome {
        let (Some(list), Some(line)) = (&mut self.list, place.y.checked_sub(TITLE)) else { return Outcome::Ignored };
        if list.click(usize::from(line), self.lines.len()) && again {
            self.toggle();
        }
        Outcome::Done
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        if let Some(list) = &mut self.list {
            list.scroll(rows, self.lines.len());
        }
    }
}

impl Path {
    /// Whose packet is shown.
    fn of(&self) -> Of {
        self.shown.as_ref().map_or(Of::Trace, |((of, _), _)| *of)
    }

    /// Takes the packet that is to be shown, if it is another one.
    fn open(&mut self, state: &State<'_>) {
        let known = self.shown.as_ref().map(|(opened, _)| *opened);
        if state.opened == known {
            return;
        }
        let packet = state.opened.and_then(|opened| {
            let (of, seq) = opened;
            Some((opened, state.store_of(of).get(seq)?.clone()))
        });
        *self = Self {
            shown: packet,
            all: self.all,
            stack: self.stack,
            programs: self.programs,
            bytes: self.bytes,
            ..Self::default()
        };
    }

    fn make(&mut self, width: u16, state: &State<'_>) {
        let Some((opened, packet)) = &self.shown else { return };
        let shape = Shape { width, stack: self.stack, programs: self.programs, watched: is_watched(packet, state) };
        let ends = lines::ends(packet, state);
        if self.made_for.as_ref().is_some_and(|made| (made.0, made.1) == (*opened, shape) && made.2 == ends) {
            return;
        }
        let known_before = |made: &(_, Shape, _)| made.0 == *opened && made.1.watched;
        let comes_late = shape.watched && !self.made_for.as_ref().is_some_and(known_before);
        let unfolded = |first: usize| self.all != self.unfolded.contains(&first);
        let lines = lines::make((opened.0, packet), &ends, shape, &unfolded, state);
        // The hop at hand stays so, however many lines there are now.
        let hop = |list: &List| self.lines.get(list.selected()).and_then(|line| line.hop);
        if let Some((list, hop)) = self.list.as_mut().and_then(|list| hop(list).map(|hop| (list, hop)))
            && let Some(line) =
                lines.iter().rposition(|line| line.hop == Some(hop) && !matches!(line.what, What::Change))
        {
            list.select(line);
        }
        let at_hand = self.list.and_then(|list| lines.get(list.selected()));
        if comes_late && at_hand.is_some_and(|line| line.what == What::Drop) {
            // What stands below the drop has grown: it is to be seen as if it had been there from the start.
            self.list = None;
        }
        (self.lines, self.made_for) = (lines, Some((*opened, shape, ends)));
    }

    /// Unfolds or folds the group at hand.
    fn toggle(&mut self) {
        let line = self.list.and_then(|list| self.lines.get(list.selected()));
        if let Some(What::Group { first, .. }) = line.map(|line| &line.what) {
            if !self.unfolded.remove(first) {
                self.unfolded.insert(*first);
            }
            self.made_for = None;
        }
    }

    fn copy(&self, state: &State<'_>) -> Outcome {
        let Some(((of, _), packet)) = &self.shown else { return Outcome::Ignored };
        let mut text = Vec::new();
        state.story_of(*of, packet, |story| journey::text(story, Style::Plain, &mut text));
        Outcome::Copy(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The stack of its drop is known from whoever watches all drops, who may learn of it later than the trace.
fn is_watched(packet: &Packet, state: &State<'_>) -> bool {
    let Verdict::Dropped { hop, .. } = packet.journey.verdict() else { return false };
    let drop = packet.journey.hops.get(hop);
    state.watched.as_ref().zip(drop).is_some_and(|(watched, drop)| watched.stack(drop).is_some())
}

/// Whoever opens a packet that was dropped wants to see where, and what that means.
fn first_position(lines: &[Line], height: usize) -> List {
    let mut list = List::standing();
    if let Some(drop) = lines.iter().position(|line| matches!(line.what, What::Drop)) {
        let notes = lines[drop + 1..].iter().take_while(|line| matches!(line.what, What::Note)).count();
        list.select(drop + notes);
        list.window(lines.len(), height);
        list.select(drop);
    }
    list
}

/// Opens the packet beside this one in the list.
fn step(state: &mut State<'_>, forward: bool) {
    let row = state.opened.and_then(|(_, seq)| state.listing.row(seq)).unwrap_or(state.list.selected());
    let next = if forward { row + 1 } else { row.wrapping_sub(1) };
    match state.listing.get(next) {
        Some(seq) => {
            state.list.select(next);
            state.opened = Some((Of::Trace, seq));
        }
        None => state.say(if forward { "this is the last packet" } else { "this is the first packet" }, Role::Warn),
    }
}

/// What the packet is, and what became of it.
fn title(frame: &mut Frame<'_>, area: Rect, of: Of, packet: &Packet, state: &State<'_>) {
    let buffer = frame.buffer_mut();
    let verdict = packet.journey.verdict();
    let (mut flow, mut fate) = (String::new(), String::new());
    state.story_of(of, packet, |story| {
        for (name, out) in [("flow", &mut flow), ("verdict", &mut fate)] {
            if let Some(column) = packets::find(name) {
                column.write(story, &state.theme.signs, out);
            }
        }
    });
    fate.push_str(" after ");
    duration::write(packet.journey.decided_after(), &mut fate);
    let room = area.width.saturating_sub(2);
    let fate = fit(&fate, room, state.theme.signs.more, false);
    let word = if of == Of::Drops { "drop" } else { "packet" };
    let left = format!("{word} {}  {flow}", packet.journey.number());
    let both = width(&left) + width(&fate) + 2 <= room;
    let right = Rect { width: area.width.saturating_sub(1), ..area };
    put_right(buffer, right, u16::from(!both), &fate, state.theme.style(verdict_role(verdict)));
    put(buffer, area, 0, 1, &fit(&left, room, state.theme.signs.more, false), state.theme.style(Role::Title));
    let room = if both { room } else { room.saturating_sub(width(&fate) + 1) };
    let began = fit(&began(of, packet, state), room, state.theme.signs.more, false);
    put(buffer, area, 1, 1, &began, state.theme.style(Role::Faint));
    put(buffer, area, 2, 0, &drawn::headings(area.width), state.theme.style(Role::Title));
}

fn began(of: Of, packet: &Packet, state: &State<'_>) -> String {
    let journey = &packet.journey;
    let mut text = String::new();
    state.known.clock.time(journey.start(), &mut text);
    if let Some(first) = journey.hops.first() {
        let longest = journey.hops.iter().map(|hop| hop.len).max().unwrap_or(0);
        append(format_args!("  {longest} bytes  {} hops", journey.hops.len()), &mut text);
        if let Some(mark) = journey.look(first).map(|look| look.mark).filter(|mark| *mark != 0) {
            append(format_args!("  mark {mark:#x}"), &mut text);
        }
    }
    if journey.left_out > 0 {
        append(format_args!("  {} more hops were not kept", journey.left_out), &mut text);
    }
    if journey.is_headless() && of == Of::Trace {
        text.push_str("  its beginning is missing");
    }
    if matches!(journey.identity, Identity::Address { .. }) && of == Of::Trace {
        text.push_str("  told apart by address");
    }
    text
}
