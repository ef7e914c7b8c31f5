//! Drives a running trace or a recording into a tracker until a signal, a limit of time or packets, its end or whoever takes the
//! journeys ends it.

use std::{
    ops::ControlFlow,
    thread,
    time::{Duration, Instant},
};

use super::{judge::Judge, packets::PacketLimit, progress::Progress, recorder::Beside, signals::Stop, stream::Start};
use crate::{
    collect::Session,
    feed::{Poll, Replay, Source},
    model::{Probe, Record},
    track::{Journey, Tables, Tracker},
};

/// Records handled before signals and attaching are looked at.
const BATCH: usize = 4096;
/// Pause after the ring was found empty; it doubles up to the longest while nothing happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Takes journeys, as they end.
pub(crate) trait Taker {
    /// A journey with what its numbers refer to. After a break no more are taken.
    fn take(&mut self, journey: &Journey, tables: &Tables, probes: &[Probe]) -> ControlFlow<()>;

    /// A batch is through: what was gathered may be written.
    fn flush(&mut self, progress: &Progress) -> anyhow::Result<()>;
}

/// A tracker between a source and a taker.
pub(crate) struct Gather<'a> {
    pub(crate) tracker: Tracker,
    pub(crate) taker: &'a mut dyn Taker,
    packets: PacketLimit,
    done: bool,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(tracker: Tracker, taker: &'a mut dyn Taker) -> Self {
        Self { tracker, taker, packets: PacketLimit::new(None), done: false }
    }

    /// The same for a run in which only so many packets are followed: it ends when these are through.
    pub(crate) fn limited(self, most_packets: Option<u32>) -> Self {
        Self { packets: PacketLimit::new(most_packets), ..self }
    }

    /// Follows the trace to its end, with a recorder beside it; `duration` counts from the moment at which everything is attached.
    pub(crate) fn run(
        &mut self,
        session: &mut Session,
        start: &mut Start,
        recording: &mut Beside<'_>,
        stop: &Stop,
        duration: Option<Duration>,
    ) -> anyhow::Result<()> {
        let followed = self.follow(session, start, recording, stop, duration);
        start.progress.close();
        followed?;
        session.stop()?;
        while !self.done && self.poll(session, recording) > 0 {
            self.write(session, recording, &start.progress)?;
        }
        self.tracker.finish();
        self.hand_on(session.probes());
        self.taker.flush(&start.progress)
    }

    /// Reads recordings to their end, as far as they are wanted.
    pub(crate) fn replay(&mut self, replay: &mut Replay, judge: &mut Judge) -> anyhow::Result<()> {
        let progress = Progress::waiting();
        let all = judge.wants_all() && replay.is_one_run();
        while !self.done {
            let more = if all { replay.track(&mut self.tracker)? } else { self.judged(replay, judge) };
            self.hand_on(replay.probes());
            self.taker.flush(&progress)?;
            if !more {
                break;
            }
        }
        self.tracker.finish();
        self.hand_on(replay.probes());
        self.taker.flush(&progress)
    }

    /// Handles a batch of records of which some may be wanted; false at the end.
    fn judged(&mut self, replay: &mut Replay, judge: &mut Judge) -> bool {
        let tracker = &mut self.tracker;
        let mut take = |mut record: Record, probes: &[Probe]| {
            if judge.wants(&mut record, probes) {
                tracker.record(&record, probes);
            } else {
                // Time goes on for those that are on their way.
                tracker.tick(record.time());
            }
        };
        replay.poll(BATCH, &mut take) != Poll::End
    }

    fn follow(
        &mut self,
        session: &mut Session,
        start: &mut Start,
        recording: &mut Beside<'_>,
        stop: &Stop,
        duration: Option<Duration>,
    ) -> anyhow::Result<()> {
        let mut pause = SHORTEST_PAUSE;
        let mut deadline = None;
        while !self.done && !self.packets.is_reached() && !stop.requested() {
            start.update(session)?;
            if start.is_done() && deadline.is_none() {
                deadline = duration.and_then(|duration| Instant::now().checked_add(duration));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
            let taken = self.poll(session, recording);
            self.write(session, recording, &start.progress)?;
            pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            if taken < BATCH {
                session.check()?;
                thread::sleep(pause);
            }
        }
        Ok(())
    }

    /// Handles a batch of the records that wait; returns how many these were.
    fn poll(&mut self, session: &mut Session, recording: &mut Beside<'_>) -> usize {
        let now = session.now();
        let Self { tracker, packets, .. } = self;
        let taken = session.poll(BATCH, |record, probes| {
            recording.add(&record, probes);
            packets.record(&record);
            tracker.record(&record, probes);
        });
        packets.heard(taken);
        // Read before the ring was: what comes later is younger.
        if let Some(now) = now.filter(|_| taken == 0) {
            self.tracker.tick(now);
        }
        self.hand_on(session.probes());
        taken
    }

    /// Writes what was gathered and recorded.
    fn write(&mut self, session: &Session, recording: &mut Beside<'_>, progress: &Progress) -> anyhow::Result<()> {
        recording.write(session, progress)?;
        self.taker.flush(progress)
    }

    fn hand_on(&mut self, probes: &[Probe]) {
        while !self.done
            && let Some(journey) = self.tracker.next_finished()
        {
            self.done = self.taker.take(&journey, self.tracker.tables(), probes).is_break();
            self.tracker.recycle(journey);
        }
    }
}
