//! The drops of one kind, one by one, where there is no more of their packets: the newest first.

use super::words::flow;
use crate::{
    model::EventKind,
    track::{Hop, Kind},
    tui::{
        engine::Packet,
        state::{Of, State},
        store::{Only, Seq},
        theme::Role,
        widget::{Cell, Column, Field, Line, Sheet},
    },
    view::journey::Words,
};

/// Drops that are shown.
const MOST: usize = 500;

/// The rows.
pub(super) struct Recent {
    pub(super) kind: Kind,
    pub(super) sheet: Sheet,
    /// Number of the drop behind the newest that was looked at.
    until: Seq,
}

impl Recent {
    /// Those that are here.
    pub(super) fn new(kind: Kind, state: &State<'_>) -> Self {
        let mut recent = Self { kind, sheet: Sheet::new(columns()), until: 0 };
        recent.update(state);
        recent
    }

    /// Takes those that have come.
    pub(super) fn update(&mut self, state: &State<'_>) {
        let Some(watched) = &state.watched else { return };
        let (seqs, end) = (watched.store.seqs(), watched.end());
        if self.until == end {
            return;
        }
        self.until = end;
        let only = Only::Drops(self.kind);
        let wanted = (seqs.start..end).rev().filter_map(|seq| Some((seq, watched.store.get(seq)?)));
        let wanted = wanted.filter(|(_, packet)| only.holds(packet, watched.store.tables()));
        self.sheet.set(wanted.take(MOST).map(|(seq, packet)| line(state, seq, packet)).collect());
    }

    /// The drop at hand.
    pub(super) fn at_hand(&self) -> Option<Seq> {
        self.sheet.selected().map(|line| line.key)
    }
}

fn columns() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("TIME", (12, 15), 1, false),
        column("FLOW", (24, 50), 0, false),
        column("LENGTH", (6, 6), 4, true),
        column("CURRENT PROCESS", (14, 22), 3, false),
        column("CALLED FROM", (16, 50), 2, false),
    ]
}

fn line(state: &State<'_>, seq: Seq, packet: &Packet) -> Line {
    let mut texts = [const { String::new() }; 3];
    let [time, process, caller] = &mut texts;
    let hop = packet.journey.hops.iter().find(|hop| hop.kind == EventKind::Drop);
    if let Some(hop) = hop {
        state.known.clock.time(hop.time, time);
        let context = state.context_of(Of::Drops);
        Words { tables: state.store_of(Of::Drops).tables(), context: &context }.task(hop.task, hop.pid, process);
        caller.push_str(&called_from(state, packet, hop));
    }
    let [time, process, caller] = texts;
    let length = hop.map_or(0, |hop| hop.len);
    Line {
        key: seq,
        fields: vec![
            Cell::new(time, Role::Faint).into(),
            Cell::plain(flow(state, Of::Drops, seq)).into(),
            Field::number(Cell::plain(length.to_string()), f64::from(length)),
            Cell::new(process, Role::Faint).into(),
            Cell::new(caller, Role::Faint).into(),
        ],
    }
}

/// The functions above the place of the drop.
fn called_from(state: &State<'_>, packet: &Packet, hop: &Hop) -> String {
    let sight = packet.sights.iter().find(|sight| sight.time == hop.time);
    let details = sight.and_then(|sight| sight.details.as_ref());
    let Some(Ok(frames)) = details.and_then(|details| details.stack.as_ref()) else { return String::new() };
    let place = hop.drop_place();
    let above = frames.iter().skip_while(|frame| Some(**frame) != place).skip(1);
    let names = above.take(3).map(|frame| {
        let text = state.known.symbols.text(*frame);
        text.place().split('+').next().unwrap_or_default().to_owned()
    });
    names.collect::<Vec<_>>().join(if state.theme.is_ascii() { " < " } else { " ← " })
}
