//! The drops of the whole machine, as a trace of their own sees them, whatever the filter of the other one.

use super::{
    engine::{Batch, Status},
    store::{Bounds, Seq, Store},
};
use crate::track::Hop;

/// Room for them. Each is a packet of one hop, with its stack.
const BOUNDS: Bounds = Bounds { hops: 1 << 14, bytes: 24 << 20 };
/// Two programs at one tracepoint see the same drop within this time, nanoseconds: microseconds on most machines, milliseconds on
/// an emulated one that is busy.
const TOGETHER: u64 = 20_000_000;
/// Drops among which the same one is looked for.
const AMONG: usize = 4096;

/// The drops of the whole machine.
#[derive(Debug)]
pub struct Watched {
    /// The newest ones.
    pub store: Store,
    /// Where their trace stands.
    pub status: Status,
    /// Drops from here on are not shown yet: the view is held.
    pub held: Option<Seq>,
}

impl Default for Watched {
    fn default() -> Self {
        Self { store: Store::new(BOUNDS), status: Status::default(), held: None }
    }
}

impl Watched {
    /// Takes what its engine sent.
    pub(super) fn take(&mut self, mut batch: Batch) {
        self.store.take(&mut batch);
        if let Some(status) = batch.status {
            self.status = status;
        }
    }

    /// It counts; otherwise it has not begun, or cannot.
    pub fn counts(&self) -> bool {
        self.status.attached > 0 && self.status.ended.is_none()
    }

    /// Drops from here on are not shown.
    pub fn end(&self) -> Seq {
        self.held.unwrap_or(u64::MAX).min(self.store.seqs().end)
    }

    /// Drops that were lost, or had no room on the way here.
    pub fn lost(&self) -> u64 {
        let counts = self.status.counts.as_ref();
        counts.map_or(0, |counts| counts.ring_full + counts.undecodable) + self.store.gone().left_out_hops
    }

    /// The stack of a drop that the other trace has seen, if this one has seen it too: on the same CPU at the same place for the
    /// same reason, of as many bytes and in the same process, nearest in time.
    pub fn stack(&self, drop: &Hop) -> Option<&[u64]> {
        let (from, to) = (drop.time.saturating_sub(TOGETHER + 1), drop.time + TOGETHER);
        let begin = self.store.after(from);
        let packets = (begin..self.store.seqs().end).take(AMONG).filter_map(|seq| self.store.get(seq));
        let same = |hop: &Hop| {
            let alike = [hop, drop].map(|hop| (hop.cpu, hop.pid, hop.len, hop.reason(), hop.drop_place()));
            alike[0] == alike[1] && (from..=to).contains(&hop.time)
        };
        let found = packets.filter_map(|packet| Some((packet.journey.hops.iter().find(|hop| same(hop))?, packet)));
        let (hop, packet) = found.min_by_key(|(hop, _)| hop.time.abs_diff(drop.time))?;
        let sight = packet.sights.iter().find(|sight| sight.time == hop.time)?;
        sight.details.as_ref()?.stack.as_ref()?.as_deref().ok()
    }
}
