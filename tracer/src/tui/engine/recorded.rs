//! The engine of a recording: reads it as fast as the other side takes it.

use std::{sync::mpsc::Receiver, time::Duration};

use super::{Answer, Batch, Gather, Order, Outbox, Progress, Sink, Status};
use crate::{
    feed::{Judge, Poll, Replay, Source as _},
    record::reader::Wanted,
    track::Limits,
};

/// Records read before orders are looked at.
const BATCH: usize = 8192;

/// A recording that is read.
pub struct Loading {
    /// The recording.
    pub replay: Replay,
    /// Which of its packets.
    pub judge: Judge,
    /// What the tracker may hold.
    pub limits: Limits,
    /// Hops that the other side has room for.
    pub room: usize,
    /// What the whole recording is narrowed to, if anything.
    pub wanted: Wanted,
    gather: Gather,
    /// Read from a time in the middle: then the beginning is what is wanted, not the end.
    from: bool,
    status: Status,
}

impl Loading {
    /// Begins at the beginning.
    pub fn new(replay: Replay, judge: Judge, limits: Limits, room: usize, wanted: Wanted) -> Self {
        let gather = Gather::new(limits, room);
        let status = Status { progress: Progress::Reading, counts: replay.counts(), ..Status::default() };
        Self { replay, judge, limits, room, wanted, gather, from: false, status }
    }

    /// Reads a batch; false where there is no more, or no more is wanted.
    pub fn step(&mut self, batch: &mut Batch) -> bool {
        if self.status.progress != Progress::Reading {
            return false;
        }
        let Self { replay, judge, gather, from, .. } = self;
        let room = if *from { self.room.saturating_sub(gather.hits as usize).max(1) } else { BATCH };
        let polled = replay.poll(BATCH.min(room), &mut |mut record, probes| {
            if judge.wants(&mut record, probes) {
                gather.record(&record, probes);
            } else {
                // Time goes on for those that are on their way.
                gather.tick(record.time());
            }
        });
        let full = self.from && self.gather.hits >= self.room as u64;
        if polled == Poll::End {
            self.finish(batch);
            self.status.progress = Progress::Done;
        } else if full {
            // What is on its way here is seen whole when the window has moved on.
            self.status.progress = Progress::Full;
        }
        self.gather.drain(self.replay.probes(), batch);
        let tally = self.gather.tracker().tally();
        (self.status.hits, self.status.packets, self.status.tally) = (self.gather.hits, tally.journeys, tally);
        batch.status = Some(self.status.clone());
        self.status.progress == Progress::Reading
    }

    fn finish(&mut self, batch: &mut Batch) {
        self.gather.finish();
        match self.replay.finish() {
            Ok(warnings) => batch.notes.extend(warnings),
            Err(error) => self.status.ended = Some(sentence(&error)),
        }
        match self.judge.undecidable() {
            0 => {}
            hits => batch
                .notes
                .push(format!("{hits} hits could not be judged: what the filter asks for was not recorded with them")),
        }
    }

    /// Reads again, from this time on or all.
    pub fn read_from(&mut self, time: Option<u64>, batch: &mut Batch) {
        let from = self.wanted.from.max(time);
        if let Err(error) = self.replay.seek(Wanted { from, ..self.wanted }) {
            batch.answers.push(Answer::Refused(sentence(&error)));
            return;
        }
        self.gather = Gather::new(self.limits, self.room);
        self.from = time.is_some();
        self.status.progress = Progress::Reading;
        batch.begin_anew();
    }
}

/// The engine.
pub struct Engine<S> {
    loading: Loading,
    outbox: Outbox<S>,
    orders: Receiver<Order>,
}

impl<S: Sink> Engine<S> {
    /// Takes over an open recording.
    pub fn new(loading: Loading, outbox: Outbox<S>, orders: Receiver<Order>) -> Self {
        Self { loading, outbox, orders }
    }

    /// Reads, and waits for orders when all is read.
    pub fn run(mut self) {
        loop {
            // A recording can wait, so nothing of it is left out because the other side is slow.
            let more = self.outbox.batch.hops() > self.loading.room / 8 || self.loading.step(&mut self.outbox.batch);
            if self.outbox.send().is_err() {
                return;
            }
            let waiting = !self.outbox.batch.is_empty();
            let order = match more {
                // The other side has no room yet for what was read.
                _ if waiting => self.orders.recv_timeout(Duration::from_millis(5)).ok(),
                true => self.orders.try_recv().ok(),
                false => match self.orders.recv() {
                    Ok(order) => Some(order),
                    Err(_) => return,
                },
            };
            match order {
                Some(Order::Quit) => return,
                Some(Order::ReadFrom(time)) => self.loading.read_from(time, &mut self.outbox.batch),
                Some(Order::Record(_) | Order::EndRecording) => {
                    let sentence = "a recording is shown already: `e` exports from it".to_owned();
                    self.outbox.batch.answers.push(Answer::Refused(sentence));
                }
                Some(Order::Filter(_)) | None => {}
            }
        }
    }
}

fn sentence(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
