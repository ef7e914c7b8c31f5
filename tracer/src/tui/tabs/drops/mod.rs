//! Where packets are dropped: by reason, place, device and namespace, with what the reason means and what usually helps.
//!
//! While a trace runs these are the drops of the whole machine, which a trace of their own sees whatever the filter; of a recording
//! they are those of its packets.

mod recent;
mod tally;
mod words;

use std::time::Instant;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
};

use self::{
    recent::Recent,
    tally::{Row, Tally},
    words::{HARMLESS, counters, flow, place, reason, unexplained, whereabouts},
};
use super::{Outcome, Tab, functions::per_second, outcome};
use crate::{
    track::Kind,
    tui::{
        action::Action,
        counted::{Clicked, Counted},
        export::{self, Format},
        node::Part,
        state::{Mode, Of, State},
        store::{Only, Scale},
        theme::Role,
        watched::Watched,
        widget::{
            Cell, Column, Field, Line,
            text::{put, wrap},
        },
    },
    view::{
        phrase::{append, plural},
        reasons::Explanation,
    },
};

/// Lines of the explanation, with the line above it.
const EXPLANATION: u16 = 5;
/// Rates change for so long after the last drop, nanoseconds.
const MOVES: u64 = 7_000_000_000;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Drops { counted: Counted::new(Tally::default(), columns(), MOVES), of: Of::Trace, recent: None })
}

struct Drops {
    counted: Counted<Tally>,
    /// Whose drops these are.
    of: Of,
    /// Those of one kind, one by one.
    recent: Option<Recent>,
}

fn columns() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("REASON", (20, 28), 0, false),
        Column { keeps_end: true, ..column("PLACE", (18, 36), 2, false) },
        Column { keeps_end: true, ..column("WHERE", (12, 26), 3, false) },
        column("/S", (6, 7), 4, true),
        column("TOTAL", (6, 8), 1, true),
        column("LAST FLOW", (24, 46), 5, false),
    ]
}

impl Tab for Drops {
    fn title(&self) -> &'static str {
        "Drops"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Open, A::Sort, A::Invert, A::NextMatch, A::Filter, A::DisplayFilter, A::Pause, A::Copy, A::Export]
    }

    fn word(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Open if self.recent.is_some() => Some("the drop"),
            Action::Open => Some("packets"),
            _ => None,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let buffer = frame.buffer_mut();
        put(buffer, area, 0, 1, &self.summary(state), state.theme.style(Role::Faint));
        let below = if area.height > 2 * EXPLANATION { EXPLANATION } else { 0 };
        let counted = if below > 0 { counters(state) } else { None };
        let above = 1 + u16::from(counted.is_some());
        if let Some((text, role)) = &counted {
            put(buffer, area, 1, 1, text, state.theme.style(*role));
        }
        let rows = Rect { y: area.y + above, height: area.height.saturating_sub(above + below), ..area };
        match &mut self.recent {
            Some(recent) => recent.sheet.draw(buffer, rows, &state.theme),
            None => self.counted.sheet.draw(buffer, rows, &state.theme),
        }
        if self.counted.sheet.lines().is_empty() && (self.counted.tally.packets > 0 || self.of == Of::Drops) {
            put(buffer, rows, 2, 2, "No packet was dropped.", state.theme.style(Role::Good));
        }
        if below > 0 {
            self.draw_explanation(buffer, Rect { y: rows.bottom(), height: below, ..area }, state);
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        match (action, &mut self.recent) {
            (Action::Open, _) => self.open(state),
            (Action::Back, Some(_)) => {
                self.recent = None;
                Outcome::Done
            }
            (_, Some(recent)) => outcome(recent.sheet.act(action, &state.search), state),
            (_, None) => self.counted.act(action, state),
        }
    }

    fn export(&self, format: Format, _: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        match &self.recent {
            Some(recent) => Some(("dropped".to_owned(), export::sheet(&recent.sheet, format))),
            None => Some(("drops".to_owned(), export::sheet(&self.counted.sheet, format))),
        }
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        let above = 1 + u16::from(counters(state).is_some());
        let inside = Position { y: place.y.saturating_sub(above), ..place };
        let clicked = match &mut self.recent {
            Some(recent) => match recent.sheet.click(inside) {
                true if again => Clicked::Again,
                true => Clicked::Row,
                false => Clicked::Nothing,
            },
            None => self.counted.click(place, again, above),
        };
        match clicked {
            Clicked::Again => self.open(state),
            Clicked::Row => Outcome::Done,
            Clicked::Nothing => Outcome::Ignored,
        }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        match &mut self.recent {
            Some(recent) => recent.sheet.wheel(rows),
            None => self.counted.sheet.wheel(rows),
        }
    }

    fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        let counters = state.node.as_ref().and_then(|node| node.due(Part::Counters));
        self.counted.next_change(state).into_iter().chain(counters).min()
    }

    fn update(&mut self, state: &mut State<'_>, deadline: Instant) -> bool {
        self.of = state.drops();
        if self.counted.begin(self.of, state, Tally::default) {
            self.recent = None;
        }
        let now = state.now;
        if let Some(node) = &mut state.node {
            node.want(Part::Counters, now);
        }
        let tables = state.store_of(self.of).tables();
        let (done, due) = self.counted.count(state, deadline, |tally, seq, packet| tally.add(seq, packet, tables));
        if due {
            self.counted.set(self.lines(state));
            if let Some(recent) = &mut self.recent {
                recent.update(state);
            }
        }
        done
    }
}

impl Drops {
    fn at_hand(&self) -> Option<&(Kind, Row)> {
        self.counted.tally.kinds.get(self.counted.at_hand()?)
    }

    /// Shows the packets of the row at hand, or where the trace has none of them, the drops themselves.
    fn open(&mut self, state: &mut State<'_>) -> Outcome {
        if let Some(recent) = &self.recent {
            let Some(seq) = recent.at_hand() else { return Outcome::Ignored };
            state.opened = Some((Of::Drops, seq));
            return Outcome::Go(super::Kind::Path);
        }
        let Some(&(kind, _)) = self.at_hand() else { return Outcome::Ignored };
        let only = Only::Drops(kind);
        let mut packets = state.store.seqs().filter_map(|seq| state.store.get(seq));
        if self.of == Of::Drops && !packets.any(|packet| only.holds(packet, state.store.tables())) {
            self.recent = Some(Recent::new(kind, state));
            return Outcome::Done;
        }
        let (reason, place, at) = (reason(state, &kind), place(state, &kind), whereabouts(state, &kind));
        let words = format!("dropped {reason} at {place} on {at}");
        let filter = state.listing.filter().cloned().unwrap_or_default();
        state.listing.set_filter(Some(filter.narrowed(only, words)));
        Outcome::Go(super::Kind::Packets)
    }

    fn summary(&self, state: &State<'_>) -> String {
        let dot = state.theme.strokes.dot;
        if let Some(recent) = &self.recent {
            let (reason, at) = (reason(state, &recent.kind), whereabouts(state, &recent.kind));
            let shown = recent.sheet.lines().len() as u64;
            return format!("{} for {reason} on {at} {dot} not in the trace", plural(shown, "drop"));
        }
        let Tally { kinds, packets, drops, others, .. } = &self.counted.tally;
        let mut text = format!("{} of {}", plural(*drops, "drop"), plural(kinds.len() as u64, "kind"));
        match (self.of, &state.watched) {
            (Of::Drops, _) => append(format_args!(" {dot} all of this machine, whatever the filter"), &mut text),
            (Of::Trace, Some(watched)) => {
                let why = watched.status.ended.as_deref().unwrap_or("all of the machine are about to be counted");
                append(format_args!(" among the packets of this trace {dot} {why}"), &mut text);
            }
            (Of::Trace, None) if *packets > 0 => {
                append(format_args!(" among {}", plural(*packets, "packet")), &mut text);
            }
            (Of::Trace, None) => {}
        }
        let lost = state.watched.as_ref().map_or(0, Watched::lost);
        let rest = [
            (*others, "not told apart: too many kinds"),
            (self.counted.walk().missed(), "before had made room"),
            (if self.of == Of::Drops { lost } else { 0 }, "more lost: too many at a time"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            append(format_args!(" {dot} {count} {what}"), &mut text);
        }
        text
    }

    fn draw_explanation(&self, buffer: &mut Buffer, area: Rect, state: &State<'_>) {
        let line = state.theme.strokes.across.repeat(usize::from(area.width));
        put(buffer, area, 0, 0, &line, state.theme.style(Role::Faint));
        for (row, (text, role)) in self.explanation(state, area.width).iter().enumerate() {
            put(buffer, area, row as u16 + 1, 1, text, state.theme.style(*role));
        }
    }

    /// What the reason at hand means, and what usually helps.
    fn explanation(&self, state: &State<'_>, width: u16) -> Vec<(String, Role)> {
        let Some((kind, row)) = self.at_hand() else { return Vec::new() };
        if row.fatal == 0 && self.of == Of::Trace {
            return vec![(HARMLESS.to_owned(), Role::Plain)];
        }
        let room = width.saturating_sub(2);
        let Some(Explanation { usual, meaning, remedy }) = state.explanation(kind.reason, kind.place) else {
            return vec![(unexplained(kind).to_owned(), Role::Faint)];
        };
        let usual = if usual { " This is usual." } else { "" };
        let mut lines: Vec<(String, Role)> =
            wrap(&format!("{meaning}{usual}"), room).into_iter().map(|line| (line, Role::Plain)).collect();
        lines.extend(wrap(remedy, room).into_iter().map(|line| (line, Role::Good)));
        lines
    }

    fn lines(&self, state: &State<'_>) -> Vec<Line> {
        let mut rows: Vec<(usize, &(Kind, Row))> = self.counted.tally.kinds.iter().enumerate().collect();
        rows.sort_by_key(|(place, (_, row))| (std::cmp::Reverse((row.fatal, row.drops)), *place));
        let now = self.counted.walk().now(state);
        rows.into_iter().map(|(place, (kind, row))| self.line(state, now, place as u64, kind, row)).collect()
    }

    fn line(&self, state: &State<'_>, now: u64, key: u64, kind: &Kind, row: &Row) -> Line {
        let (earliest, latest) = self.counted.walk().times();
        let rate = match state.mode {
            Mode::Live { .. } => row.series.rate(Scale::moving().stretch(now)),
            Mode::Replay(_) => row.drops as f64 * 1e9 / (latest - earliest).max(1) as f64,
        };
        let known = state.explanation(kind.reason, kind.place);
        let nobody_misses_it = row.fatal == 0 || known.is_some_and(|known| known.usual);
        let role = if nobody_misses_it { Role::Faint } else { Role::Bad };
        Line {
            key,
            fields: vec![
                Cell::new(reason(state, kind), role).into(),
                Cell::plain(place(state, kind)).into(),
                Cell::plain(whereabouts(state, kind)).into(),
                Field::number(Cell::plain(per_second(rate)), rate),
                Field::number(Cell::plain(row.drops.to_string()), row.drops as f64),
                Cell::new(flow(state, self.of, row.last), Role::Faint).into(),
            ],
        }
    }
}
