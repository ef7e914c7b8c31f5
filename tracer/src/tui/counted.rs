//! What tabs share that count something over all packets: how far they have got, what they have counted, and the rows made of it.

use std::time::Instant;

use ratatui::layout::Position;

use super::{
    action::Action,
    engine::Packet,
    state::{Mode, Of, State},
    store::Seq,
    tabs::{Outcome, outcome},
    walk::Walk,
    widget::{Column, Line, Pace, Sheet},
};

/// Counts, and rows made of them.
pub(super) struct Counted<T> {
    /// What was counted.
    pub(super) tally: T,
    /// The rows.
    pub(super) sheet: Sheet,
    walk: Walk,
    pace: Pace,
    /// Rows change by time alone so long after the last packet, nanoseconds.
    moves: u64,
}

/// What was clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clicked {
    /// No row.
    Nothing,
    /// A row, which is at hand now.
    Row,
    /// The row that was at hand already.
    Again,
}

impl<T> Counted<T> {
    /// Nothing was counted yet. Rows change by time alone for `moves` nanoseconds after the last packet.
    pub(super) fn new(tally: T, columns: Vec<Column>, moves: u64) -> Self {
        let (walk, pace, sheet) = (Walk::default(), Pace::default(), Sheet::new(columns));
        Self { tally, sheet, walk, pace, moves }
    }

    /// How far it has got.
    pub(super) fn walk(&self) -> &Walk {
        &self.walk
    }

    /// Where other packets are shown now than were counted, `begin` makes an empty tally; true then.
    pub(super) fn begin(&mut self, of: Of, state: &State<'_>, begin: impl FnOnce() -> T) -> bool {
        let anew = self.walk.begins_anew(of, state);
        if anew {
            self.tally = begin();
            self.pace.at_once();
        }
        anew
    }

    /// Counts packets as far as there is time until `deadline`: whether these were all, and whether rows are due.
    pub(super) fn count(
        &mut self,
        state: &State<'_>,
        deadline: Instant,
        mut add: impl FnMut(&mut T, Seq, &Packet),
    ) -> (bool, bool) {
        let (mut packets, tally) = (0_u64, &mut self.tally);
        let done = self.walk.go(state, deadline, &mut |seq, packet| {
            packets += 1;
            add(tally, seq, packet);
        });
        if packets > 0 || (is_live(state) && self.moves > 0) {
            self.pace.stale();
        }
        (done, self.pace.is_due(state.now, is_live(state) || !done))
    }

    /// Rows are to be made anew without waiting.
    pub(super) fn at_once(&mut self) {
        self.pace.at_once();
    }

    /// Other rows.
    pub(super) fn set(&mut self, lines: Vec<Line>) {
        self.sheet.set(lines);
    }

    /// When rows change by themselves, if they do.
    pub(super) fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        self.pace.next(is_live(state) && self.walk.now(state) - self.walk.times().1 < self.moves)
    }

    /// The row at hand, by the key that its maker gave it.
    pub(super) fn at_hand(&self) -> Option<usize> {
        self.sheet.selected().map(|line| line.key as usize)
    }

    /// Does what a key means to all rows.
    pub(super) fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        outcome(self.sheet.act(action, &state.search), state)
    }

    /// Something was clicked, with the rows so many lines below the top.
    pub(super) fn click(&mut self, place: Position, again: bool, above: u16) -> Clicked {
        let Some(y) = place.y.checked_sub(above) else { return Clicked::Nothing };
        match self.sheet.click(Position { y, ..place }) {
            true if again => Clicked::Again,
            true => Clicked::Row,
            false => Clicked::Nothing,
        }
    }
}

pub(super) fn is_live(state: &State<'_>) -> bool {
    matches!(state.mode, Mode::Live { .. })
}
