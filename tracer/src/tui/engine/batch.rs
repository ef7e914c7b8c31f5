//! What the engine tells the drawing thread.

use std::mem;

use super::Sight;
use crate::{
    collect::counts::Counts,
    model::Probe,
    track::{Growth, Hop, Journey, Look, Strand, Tally},
};

/// A journey that has come out of the tracker, with what is kept beside it.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The journey.
    pub journey: Journey,
    /// Its headers where they were new, and what else was read there; in the order of time.
    pub sights: Box<[Sight]>,
}

impl Packet {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        // What the allocator adds to each piece.
        const PIECE: usize = 16;
        let journey = &self.journey;
        let details: usize = self.sights.iter().map(Sight::bytes).sum();
        size_of::<Self>()
            + 4 * PIECE
            + size_of_val::<[Hop]>(&journey.hops)
            + size_of_val::<[Look]>(&journey.looks)
            + size_of_val::<[Strand]>(&journey.strands)
            + details
    }

    /// Kernel time of its last hop.
    pub fn last(&self) -> u64 {
        self.journey.hops.last().map_or(0, |hop| hop.time)
    }
}

/// Where the source stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Counts of a running trace.
    pub counts: Option<Counts>,
    /// Hits and packets so far.
    pub hits: u64,
    /// Packets that were handed out.
    pub packets: u64,
    /// Packets on their way.
    pub open: usize,
    /// What the tracker had no room for.
    pub tally: Tally,
    /// Functions and tracepoints attached.
    pub attached: usize,
    /// Functions that the kernel refused, with the reason.
    pub refused: Vec<String>,
    /// BPF programs that are traced.
    pub programs: usize,
    /// Single kprobes attached so far, of so many, while that goes on.
    pub attaching: Option<(usize, usize)>,
    /// Hits per second, and packets per second, at present.
    pub rates: (u64, u64),
    /// Share of the machine's CPUs that the programs take, where that is measured.
    pub cost: Option<f64>,
    /// The recording that is being made.
    pub tape: Option<String>,
    /// Of a recording that is read: how far.
    pub progress: Progress,
    /// It has ended by itself, with a sentence that says why.
    pub ended: Option<String>,
}

/// How far a recording was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// It is no recording.
    #[default]
    None,
    /// There is more to read.
    Reading,
    /// There is more to read than there is room for.
    Full,
    /// All that was asked for was read.
    Done,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Another filter is in force: its text.
    Filter(String),
    /// A recording has begun, in this file.
    Recording(String),
    /// It has ended: a sentence.
    Recorded(String),
    /// An order could not be carried out: a sentence.
    Refused(String),
}

/// What has happened since the last batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// All that came before is to be forgotten: a recording is read anew.
    pub anew: bool,
    /// Journeys that have ended.
    pub packets: Vec<Packet>,
    /// What has joined the tracker's tables.
    pub growth: Vec<Growth>,
    /// Probes that have joined the table.
    pub probes: Vec<Probe>,
    /// Packets and hops that were left out since the other side was too slow.
    pub left_out: (u64, u64),
    /// Where the source stands, if that has changed.
    pub status: Option<Status>,
    /// What became of orders.
    pub answers: Vec<Answer>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Hops in `packets`.
    hops: usize,
}

impl Batch {
    /// Where the source stands, and what the user should know of it; no packets.
    pub fn news(status: Option<Status>, notes: Vec<String>) -> Self {
        Self { status, notes, ..Self::default() }
    }

    /// Adds a packet. Beyond `most` hops the oldest ones are left out.
    pub fn add(&mut self, packet: Packet, most: usize) {
        self.hops += packet.journey.hops.len();
        self.packets.push(packet);
        if self.hops > most {
            self.leave_out(most / 2);
        }
    }

    /// Nothing has happened.
    pub fn is_empty(&self) -> bool {
        let Self { anew, packets, growth, probes, left_out, status, answers, notes, .. } = self;
        let lists = packets.is_empty() && growth.is_empty() && probes.is_empty();
        lists && answers.is_empty() && notes.is_empty() && !anew && left_out.0 == 0 && status.is_none()
    }

    /// Hops that wait in it.
    pub fn hops(&self) -> usize {
        self.hops
    }

    /// Takes all that has happened.
    #[must_use]
    pub fn take(&mut self) -> Self {
        mem::take(self)
    }

    /// Forgets what is to be shown of a recording that is read anew.
    pub fn begin_anew(&mut self) {
        self.packets.clear();
        self.growth.clear();
        self.probes.clear();
        self.hops = 0;
        self.anew = true;
    }

    fn leave_out(&mut self, keep: usize) {
        let mut gone = 0;
        for packet in &self.packets {
            if self.hops <= keep {
                break;
            }
            gone += 1;
            self.hops -= packet.journey.hops.len();
            self.left_out.1 += packet.journey.hops.len() as u64;
        }
        self.packets.drain(..gone);
        self.left_out.0 += gone as u64;
    }
}
