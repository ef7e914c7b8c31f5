//! Where packets are dropped: by reason, place, device and namespace, with what the reason means and what usually helps.

mod tally;
mod words;

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use self::{
    tally::{Row, Tally},
    words::{HARMLESS, counters, flow, place, reason, unexplained, whereabouts},
};
use super::{
    Outcome, Tab,
    functions::{is_live, per_second},
    outcome,
};
use crate::{
    track::Kind,
    tui::{
        action::Action,
        export::{self, Format},
        node::Part,
        state::{Mode, State},
        store::{Only, Scale},
        theme::Role,
        walk::Walk,
        widget::{
            Cell, Column, Field, Line, Pace, Sheet,
            text::{put, wrap},
        },
    },
    view::{
        phrase::{append, plural},
        reasons::{self, Explanation},
    },
};

/// Lines of the explanation, with the line above it.
const EXPLANATION: u16 = 5;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Drops {
        walk: Walk::default(),
        tally: Tally::default(),
        sheet: Sheet::new(columns()),
        pace: Pace::default(),
    })
}

struct Drops {
    walk: Walk,
    tally: Tally,
    sheet: Sheet,
    pace: Pace,
}

fn columns() -> Vec<Column> {
    let column = |title: &str, (least, best), rank, right, keeps_end| Column {
        title: title.to_owned(),
        least,
        best,
        rank,
        right,
        keeps_end,
    };
    vec![
        column("REASON", (20, 28), 0, false, false),
        column("PLACE", (18, 36), 2, false, true),
        column("WHERE", (12, 26), 3, false, true),
        column("/S", (6, 7), 4, true, false),
        column("TOTAL", (6, 8), 1, true, false),
        column("LAST FLOW", (24, 46), 5, false, false),
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
        self.sheet.draw(buffer, rows, &state.theme);
        if self.sheet.lines().is_empty() && self.walk.times().1 > 0 {
            put(buffer, rows, 2, 2, "No packet was dropped.", state.theme.style(Role::Good));
        }
        if below > 0 {
            let rest = Rect { y: rows.bottom(), height: below, ..area };
            let line = state.theme.strokes.across.repeat(usize::from(area.width));
            put(buffer, rest, 0, 0, &line, state.theme.style(Role::Faint));
            for (row, (text, role)) in self.explanation(state, area.width).iter().enumerate() {
                put(buffer, rest, row as u16 + 1, 1, text, state.theme.style(*role));
            }
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        if action == Action::Open {
            return self.open(state);
        }
        outcome(self.sheet.act(action, &state.search), state)
    }

    fn export(&self, format: Format, _: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        Some(("drops".to_owned(), export::sheet(&self.sheet, format)))
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        let above = 1 + u16::from(counters(state).is_some());
        let inside = Position { y: place.y.saturating_sub(above), ..place };
        match self.sheet.click(inside) {
            true if again => self.open(state),
            true => Outcome::Done,
            false => Outcome::Ignored,
        }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        self.sheet.wheel(rows);
    }

    fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        let rates = self.pace.next(is_live(state) && self.walk.now(state) - self.walk.times().1 < 7_000_000_000);
        let counters = state.node.as_ref().and_then(|node| node.due(Part::Counters));
        rates.into_iter().chain(counters).min()
    }

    fn update(&mut self, state: &mut State<'_>, deadline: Instant) -> bool {
        if self.walk.begins_anew(state) {
            self.tally = Tally::default();
            self.pace.at_once();
        }
        let now = state.now;
        if let Some(node) = &mut state.node {
            node.want(Part::Counters, now);
        }
        let (before, tally, tables) = (self.tally.packets, &mut self.tally, state.store.tables());
        let done = self.walk.go(state, deadline, &mut |seq, packet| tally.add(seq, packet, tables));
        if self.tally.packets != before || is_live(state) {
            self.pace.stale();
        }
        if self.pace.is_due(state.now, is_live(state) || !done) {
            let lines = self.lines(state);
            self.sheet.set(lines);
        }
        done
    }
}

impl Drops {
    fn at_hand(&self) -> Option<&(Kind, Row)> {
        self.tally.kinds.get(self.sheet.selected()?.key as usize)
    }

    /// Shows the packets of the row at hand.
    fn open(&self, state: &mut State<'_>) -> Outcome {
        let Some((kind, _)) = self.at_hand() else { return Outcome::Ignored };
        let (reason, place, at) = (reason(state, kind), place(state, kind), whereabouts(state, kind));
        let words = format!("dropped {reason} at {place} on {at}");
        let filter = state.listing.filter().cloned().unwrap_or_default();
        state.listing.set_filter(Some(filter.narrowed(Only::Drops(*kind), words)));
        Outcome::Go(super::Kind::Packets)
    }

    fn summary(&self, state: &State<'_>) -> String {
        let Tally { kinds, packets, drops, others, .. } = &self.tally;
        let mut text = format!(
            "{} of {} {}",
            plural(*drops, "drop"),
            plural(kinds.len() as u64, "kind"),
            if *packets == 0 { String::new() } else { format!("among {}", plural(*packets, "packet")) },
        );
        let dot = state.theme.strokes.dot;
        if *others > 0 {
            append(format_args!(" {dot} {others} not told apart: too many kinds"), &mut text);
        }
        if self.walk.missed() > 0 {
            append(format_args!(" {dot} {} before had made room", plural(self.walk.missed(), "packet")), &mut text);
        }
        text
    }

    /// What the reason at hand means, and what usually helps.
    fn explanation(&self, state: &State<'_>, width: u16) -> Vec<(String, Role)> {
        let Some((kind, row)) = self.at_hand() else { return Vec::new() };
        if row.fatal == 0 {
            return vec![(HARMLESS.to_owned(), Role::Plain)];
        }
        let room = width.saturating_sub(2);
        let names = &state.known.names.reasons;
        let known = kind.reason.and_then(|code| names.get(&code)).and_then(|name| reasons::explain(name));
        let Some(Explanation { usual, meaning, remedy }) = known else {
            return vec![(unexplained(kind).to_owned(), Role::Faint)];
        };
        let usual = if usual { " This is usual." } else { "" };
        let mut lines: Vec<(String, Role)> =
            wrap(&format!("{meaning}{usual}"), room).into_iter().map(|line| (line, Role::Plain)).collect();
        lines.extend(wrap(remedy, room).into_iter().map(|line| (line, Role::Good)));
        lines
    }

    fn lines(&self, state: &State<'_>) -> Vec<Line> {
        let mut rows: Vec<(usize, &(Kind, Row))> = self.tally.kinds.iter().enumerate().collect();
        rows.sort_by_key(|(place, (_, row))| (std::cmp::Reverse((row.fatal, row.drops)), *place));
        let now = self.walk.now(state);
        rows.into_iter().map(|(place, (kind, row))| self.line(state, now, place as u64, kind, row)).collect()
    }

    fn line(&self, state: &State<'_>, now: u64, key: u64, kind: &Kind, row: &Row) -> Line {
        let (earliest, latest) = self.walk.times();
        let rate = match state.mode {
            Mode::Live { .. } => row.series.rate(Scale::moving().stretch(now)),
            Mode::Replay(_) => row.drops as f64 * 1e9 / (latest - earliest).max(1) as f64,
        };
        let names = &state.known.names.reasons;
        let known = kind.reason.and_then(|code| names.get(&code)).and_then(|name| reasons::explain(name));
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
                Cell::new(flow(state, row.last), Role::Faint).into(),
            ],
        }
    }
}
