//! Drops, counted by what they have in common.

use std::collections::HashMap;

use crate::{
    track::{Kind, Tables, Verdict},
    tui::{
        engine::Packet,
        store::{Scale, Seq, Series, drops},
    },
};

/// Kinds of drops that are told apart; others are counted.
const MOST: usize = 4096;

/// What was counted.
#[derive(Default)]
pub(super) struct Tally {
    places: HashMap<Kind, usize>,
    /// In the order in which they first came: their places never change.
    pub(super) kinds: Vec<(Kind, Row)>,
    pub(super) packets: u64,
    pub(super) drops: u64,
    /// Drops for whose kind there was no room.
    pub(super) others: u64,
}

#[derive(Default)]
pub(super) struct Row {
    pub(super) drops: u64,
    /// Those whose packet came to its end by it. Others had been delivered before, or it was a copy that was dropped.
    pub(super) fatal: u64,
    /// The last packet.
    pub(super) last: Seq,
    pub(super) series: Series,
}

impl Tally {
    /// Counts the drops of a packet.
    pub(super) fn add(&mut self, seq: Seq, packet: &Packet, tables: &Tables) {
        self.packets += 1;
        let fatal = matches!(packet.journey.verdict(), Verdict::Dropped { .. });
        for (hop, kind) in drops(packet, tables) {
            self.drops += 1;
            let (room, next) = (self.kinds.len() < MOST, self.kinds.len());
            let place = match self.places.get(&kind) {
                Some(place) => *place,
                None if room => {
                    self.places.insert(kind, next);
                    self.kinds.push((kind, Row::default()));
                    next
                }
                None => {
                    self.others += 1;
                    continue;
                }
            };
            if let Some((_, row)) = self.kinds.get_mut(place) {
                row.drops += 1;
                row.fatal += u64::from(fatal);
                row.last = seq;
                row.series.add(Scale::moving().stretch(hop.time));
            }
        }
    }
}
