//! What the view has of the packets: the newest ones, in bounded memory, in the order in which they ended.
//!
//! Drawing borrows from it and copies nothing. What had to go to make room is counted. No terminal is known here.

mod judge;
mod listing;
mod series;

use std::{collections::VecDeque, ops::Range};

use super::engine::{Batch, Packet};
use crate::{
    model::Probe,
    track::{Tables, Verdict},
};
pub use judge::{DisplayFilter, Only};
pub(crate) use judge::{drops, event, sight};
pub use listing::{Listing, Order};
pub use series::{Scale, Series};

/// Bounds of the store.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most hops.
    pub hops: usize,
    /// Most bytes, about.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { hops: 1 << 20, bytes: 240 << 20 }
    }
}

/// Number of a packet in the store: they count on as packets come, and are never used twice.
pub type Seq = u64;

/// The packets.
#[derive(Debug, Default)]
pub struct Store {
    bounds: Bounds,
    packets: VecDeque<Kept>,
    /// Number of the first that is still there.
    first: Seq,
    hops: usize,
    bytes: usize,
    /// Latest time of all so far.
    latest: u64,
    tables: Tables,
    probes: Vec<Probe>,
    gone: Gone,
    /// Counts on whenever a recording is read anew, so that whoever counts packets begins again.
    generation: u64,
}

/// A packet with what is asked of it all the time.
#[derive(Debug)]
struct Kept {
    packet: Packet,
    verdict: Verdict,
    /// Latest time of all packets up to this one.
    until: u64,
    bytes: usize,
}

/// What is no longer shown, or never was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Packets that had to make room.
    pub packets: u64,
    /// Their hops.
    pub hops: u64,
    /// Packets that came too fast to be taken.
    pub left_out: u64,
    /// Their hops.
    pub left_out_hops: u64,
}

impl Store {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Takes what is in a batch.
    pub fn take(&mut self, batch: &mut Batch) {
        if batch.anew {
            self.forget();
        }
        for growth in batch.growth.drain(..) {
            self.tables.grow(&growth);
        }
        self.probes.append(&mut batch.probes);
        self.gone.left_out += batch.left_out.0;
        self.gone.left_out_hops += batch.left_out.1;
        for packet in batch.packets.drain(..) {
            self.add(packet);
        }
    }

    /// Numbers of the packets that are there.
    pub fn seqs(&self) -> Range<Seq> {
        self.first..self.first + self.packets.len() as u64
    }

    /// A packet.
    pub fn get(&self, seq: Seq) -> Option<&Packet> {
        self.kept(seq).map(|kept| &kept.packet)
    }

    /// What became of it.
    pub fn verdict(&self, seq: Seq) -> Option<Verdict> {
        self.kept(seq).map(|kept| kept.verdict)
    }

    /// Number of the first packet that ends after a time, counting a packet as ended when all before it have.
    pub fn after(&self, time: u64) -> Seq {
        self.first + self.packets.partition_point(|kept| kept.until <= time) as u64
    }

    /// When a packet had ended, and all before it.
    pub fn until(&self, seq: Seq) -> Option<u64> {
        self.kept(seq).map(|kept| kept.until)
    }

    /// What the numbers in hops refer to.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The table of probes.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// When the first and the last packet of those that are there had ended.
    pub fn span(&self) -> Option<(u64, u64)> {
        Some((self.packets.front()?.until, self.packets.back()?.until))
    }

    /// Packets before the first are missing.
    pub fn is_cut(&self) -> bool {
        self.gone.packets > 0 || self.generation > 0
    }

    /// Hops that are there, and bytes that they take.
    pub fn size(&self) -> (usize, usize) {
        (self.hops, self.bytes)
    }

    /// What it may hold.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What is not there.
    pub fn gone(&self) -> Gone {
        self.gone
    }

    /// Counts on whenever all is begun anew.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn kept(&self, seq: Seq) -> Option<&Kept> {
        self.packets.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    fn add(&mut self, packet: Packet) {
        let bytes = packet.bytes() + size_of::<Kept>() - size_of::<Packet>();
        self.latest = self.latest.max(packet.last());
        self.hops += packet.journey.hops.len();
        self.bytes += bytes;
        self.packets.push_back(Kept { verdict: packet.journey.verdict(), until: self.latest, bytes, packet });
        while (self.hops > self.bounds.hops || self.bytes > self.bounds.bytes) && self.packets.len() > 1 {
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        let Some(oldest) = self.packets.pop_front() else { return };
        let hops = oldest.packet.journey.hops.len();
        self.first += 1;
        self.hops -= hops;
        self.bytes -= oldest.bytes;
        self.gone.packets += 1;
        self.gone.hops += hops as u64;
    }

    /// Numbers go on, so that what others remember of old packets names none of the new ones.
    fn forget(&mut self) {
        *self =
            Self { bounds: self.bounds, first: self.seqs().end, generation: self.generation + 1, ..Self::default() };
    }
}

#[cfg(test)]
mod tests;
