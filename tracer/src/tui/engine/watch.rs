//! The engine of a trace of drops alone, which runs beside the other one: every drop of the machine, whatever the filter, with
//! the stack that led there. It costs nothing where nothing is dropped.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use super::{Gather, Outbox, Sink, Status, rates::Rates};
use crate::{
    collect::Session,
    feed::Source as _,
    model::{Branch, Change, ChangeKind, Event, JourneyId, Probe, Record},
};

/// Records handled before it is looked whether all is to end.
const BATCH: usize = 4096;
/// Pause after the ring was found empty; it doubles up to the longest while nothing is dropped.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Between two batches.
const BATCH_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at the counts.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// The engine.
pub struct Watch<S> {
    session: Session,
    gather: Gather,
    outbox: Outbox<S>,
    /// It ends when the other side is gone.
    ends: Receiver<()>,
    /// What the programs cost is counted.
    counted: bool,
    status: Status,
    rates: Rates,
    looked: Option<Instant>,
    /// Drops so far.
    drops: u64,
}

impl<S: Sink> Watch<S> {
    /// Takes over a trace of drops; `counted` where the kernel counts what programs cost.
    pub fn new(session: Session, gather: Gather, outbox: Outbox<S>, ends: Receiver<()>, counted: bool) -> Self {
        let (status, rates) = (Status::default(), Rates::new());
        Self { session, gather, outbox, ends, counted, status, rates, looked: None, drops: 0 }
    }

    /// Works until nobody listens any more; then all is detached.
    pub fn run(mut self) {
        let (mut pause, mut sent) = (SHORTEST_PAUSE, Instant::now());
        loop {
            let taken = self.poll();
            self.look();
            if sent.elapsed() >= BATCH_EVERY {
                sent = Instant::now();
                if self.outbox.send().is_err() {
                    break;
                }
            }
            pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let wait = if taken < BATCH { pause } else { Duration::ZERO };
            if self.ends.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
    }

    fn poll(&mut self) -> usize {
        let Self { session, gather, outbox, drops, .. } = self;
        let now = session.now();
        let polled = session.poll(BATCH, |record, probes| {
            if let Record::Hit(event) = record {
                *drops += 1;
                alone(event, *drops, probes, gather);
            }
        });
        // Read before the ring was: what comes later is younger.
        if let (0, Some(now)) = (polled, now) {
            gather.tick(now);
        }
        gather.drain(session.probes(), &mut outbox.batch);
        polled
    }

    /// Looks at the counts from time to time.
    fn look(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < STATUS_EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        let (hits, tally) = (self.gather.hits, self.gather.tracker().tally());
        let run_time = if self.counted { self.session.run_time() } else { None };
        let (rates, cost) = self.rates.next(hits, tally.journeys, run_time);
        let attached = self.session.attached().count;
        let counts = self.session.counts().ok();
        let status =
            Status { counts, hits, packets: tally.journeys, tally, attached, rates, cost, ..Status::default() };
        if status != self.status {
            self.status = status.clone();
            self.outbox.batch.status = Some(status);
        }
    }
}

/// Of each packet its end is all that is seen, so each drop is a packet of its own, whatever had its address before.
fn alone(mut event: Event, number: u64, probes: &[Probe], gather: &mut Gather) {
    let branch = Branch { journey: JourneyId(number), number: 1, parent: None };
    let (time, skb, cpu) = (event.time, event.skb, event.cpu);
    event.branch = Some(branch);
    gather.record(&Record::Hit(event), probes);
    let end = Change { time, kind: ChangeKind::Ended, branch, skb, other: None, cpu };
    gather.record(&Record::Change(end), probes);
}
