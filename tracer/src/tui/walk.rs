//! Goes through the packets that are shown, each once, for whoever counts something over all of them.

use std::time::Instant;

use super::store::{DisplayFilter, Listing, Seq, Store};
use crate::tui::{
    engine::Packet,
    state::{Mode, Of, State},
    watched::Watched,
};

/// Packets handled before the clock is looked at.
const CHUNK: u64 = 32;

/// How far somebody has got.
#[derive(Debug, Default)]
pub struct Walk {
    /// Whose packets these are.
    of: Of,
    next: Seq,
    /// Which packets these were: another one of either, and all begins anew.
    generation: Option<u64>,
    version: u64,
    filter: Option<DisplayFilter>,
    /// Packets that had made room before they were looked at.
    missed: u64,
    /// Earliest and latest time seen.
    times: (u64, u64),
    /// When the latest was seen.
    heard: Option<Instant>,
}

impl Walk {
    /// To be asked before packets are: true where all that was counted so far is to be forgotten, since other packets are
    /// shown now, or some that were no longer are.
    pub fn begins_anew(&mut self, of: Of, state: &State<'_>) -> bool {
        let store = state.store_of(of);
        // What is asked of a trace is none of the machine's drops.
        let listing = if of == Of::Trace { Some(&state.listing) } else { None };
        let (generation, version) = (Some(store.generation()), listing.map_or(0, Listing::version));
        let first = store.seqs().start;
        let same = (self.of, self.generation, self.version) == (of, generation, version);
        if same && self.next <= end(of, state).max(first) {
            return false;
        }
        let (filter, missed) = (listing.and_then(Listing::filter).cloned(), store.gone().packets);
        *self = Self { of, next: first, generation, version, filter, missed, ..Self::default() };
        true
    }

    /// Hands out packets as far as there is time until `deadline`; false if there are more.
    pub fn go(&mut self, state: &State<'_>, deadline: Instant, each: &mut dyn FnMut(Seq, &Packet)) -> bool {
        let (store, end) = (state.store_of(self.of), end(self.of, state));
        let first = store.seqs().start;
        self.missed += first.saturating_sub(self.next);
        self.next = self.next.max(first);
        while self.next < end {
            let seq = self.next;
            self.next += 1;
            let wanted = store.get(seq).filter(|packet| self.is_wanted(packet, store));
            if let Some(packet) = wanted {
                self.note_times(packet, state.now);
                each(seq, packet);
            }
            if self.next.is_multiple_of(CHUNK) && Instant::now() >= deadline {
                break;
            }
        }
        self.next >= end
    }

    /// Packets that had made room before they were looked at.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Kernel time of the first and the last hop seen; zero before any.
    pub fn times(&self) -> (u64, u64) {
        self.times
    }

    /// Kernel time at present, as far as packets have told; of a recording that of the last packet shown.
    pub fn now(&self, state: &State<'_>) -> u64 {
        let live = matches!(state.mode, Mode::Live { .. });
        let since =
            self.heard.filter(|_| live).map_or(0, |heard| state.now.saturating_duration_since(heard).as_nanos());
        self.times.1.saturating_add(since as u64)
    }

    fn is_wanted(&mut self, packet: &Packet, store: &Store) -> bool {
        self.filter.as_mut().is_none_or(|filter| filter.matches(packet, store.tables(), store.probes()))
    }

    fn note_times(&mut self, packet: &Packet, now: Instant) {
        let (earliest, latest) = self.times;
        let start = packet.journey.start();
        self.times.0 = if latest == 0 { start } else { earliest.min(start) };
        if packet.last() > latest {
            (self.times.1, self.heard) = (packet.last(), Some(now));
        }
    }
}

/// Packets from here on are not shown.
fn end(of: Of, state: &State<'_>) -> Seq {
    match of {
        Of::Trace => state.end(),
        Of::Drops => state.watched.as_ref().map_or(0, Watched::end),
    }
}
