//! Records to packets of a batch, whatever they come from.

use super::{Batch, Packet, sights::Sights};
use crate::{
    model::{Probe, Record},
    track::{Limits, Mark, Tracker},
};

/// A tracker, and how much of what it knows was handed on.
#[derive(Debug)]
pub struct Gather {
    tracker: Tracker,
    sights: Sights,
    /// What the other side has of the tables and of the probes.
    sent: Mark,
    probes: usize,
    /// Most hops that wait in a batch.
    most: usize,
    /// Hits so far.
    pub hits: u64,
}

impl Gather {
    /// An empty one.
    pub fn new(limits: Limits, most: usize) -> Self {
        Self {
            tracker: Tracker::new(limits),
            sights: Sights::default(),
            sent: Mark::default(),
            probes: 0,
            most,
            hits: 0,
        }
    }

    /// Takes a record.
    pub fn record(&mut self, record: &Record, probes: &[Probe]) {
        if let Record::Hit(event) = record {
            self.hits += 1;
            self.sights.add(event);
        }
        self.tracker.record(record, probes);
    }

    /// Kernel time has got this far.
    pub fn tick(&mut self, time: u64) {
        self.tracker.tick(time);
    }

    /// There will be no more records.
    pub fn finish(&mut self) {
        self.tracker.finish();
    }

    /// The tracker.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Puts what is new into a batch.
    pub fn drain(&mut self, probes: &[Probe], batch: &mut Batch) {
        while let Some(mut journey) = self.tracker.next_finished() {
            journey.hops.shrink_to_fit();
            journey.looks.shrink_to_fit();
            journey.strands.shrink_to_fit();
            let sights = self.sights.take(&journey);
            batch.add(Packet { journey, sights }, self.most);
        }
        let mark = self.tracker.tables().mark();
        if mark != self.sent {
            batch.growth.push(self.tracker.tables().since(self.sent));
            self.sent = mark;
        }
        if let Some(new) = probes.get(self.probes..).filter(|new| !new.is_empty()) {
            batch.probes.extend_from_slice(new);
            self.probes = probes.len();
        }
    }
}
