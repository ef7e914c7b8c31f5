//! The flight recorder: keeps the frames of the last seconds in memory, and gives them out when a packet is dropped, or another
//! chosen hit is seen.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{super::judge, FlightPlan};
use crate::{
    model::{Event, EventKind, Probe},
    record::{Naming, Writer},
};

/// How far the records may lag behind the clock on the wall.
const LONGEST_LAG: Duration = Duration::from_secs(1);

/// What is kept.
pub(super) struct Flight {
    plan: FlightPlan,
    /// Tables that frames kept refer to, even if the frame that brought them is gone.
    pub(super) tables: Vec<u8>,
    frames: VecDeque<Frame>,
    /// Bytes in `frames`.
    bytes: usize,
    /// Records in frames that are gone.
    gone: u64,
    newest: u64,
    state: State,
}

struct Frame {
    blocks: Vec<u8>,
    records: u64,
    /// Time of the newest record when it was made.
    newest: u64,
}

/// How far it has got; times are nanoseconds of the kernel's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has happened yet.
    Waiting,
    /// What is waited for has happened, and nothing is written yet.
    Triggered { until: u64 },
    /// The past is written, what comes is added until then, or for as long since.
    Writing { until: u64, since: Instant },
}

impl Flight {
    pub(super) fn new(plan: FlightPlan) -> Self {
        Self { plan, tables: Vec::new(), frames: VecDeque::new(), bytes: 0, gone: 0, newest: 0, state: State::Waiting }
    }

    /// Looks whether a hit is what is waited for.
    pub(super) fn look_at(&mut self, event: &Event, probes: &[Probe]) {
        if self.state != State::Waiting {
            return;
        }
        let dropped = self.plan.on_drop && event.kind == EventKind::Drop;
        if dropped || self.plan.on.as_mut().is_some_and(|judge| judge.matches(event, probes)) {
            let time = event.time;
            self.newest = self.newest.max(time);
            self.let_go();
            self.state = State::Triggered { until: time.saturating_add(nanoseconds(self.plan.future)) };
        }
    }

    pub(super) fn is_triggered(&self) -> bool {
        self.state != State::Waiting
    }

    /// What was to be recorded after that is.
    pub(super) fn has_landed(&self) -> bool {
        // Where nothing passes any more, the kernel's clock stands still for us; where much does, we may lag behind it.
        let ends = |until, since: Instant| {
            self.newest >= until || since.elapsed() >= self.plan.future.saturating_add(LONGEST_LAG)
        };
        matches!(self.state, State::Writing { until, since } if ends(until, since))
    }

    /// Closes the writer's frame and keeps it; returns the records in it. What is too old or too much goes.
    pub(super) fn keep(&mut self, writer: &mut Writer, naming: &Naming<'_>) -> u64 {
        let records = writer.waiting() as u64;
        if records == 0 {
            return 0;
        }
        writer.flush_tables(naming, &mut self.tables);
        let mut blocks = Vec::new();
        writer.flush_hops(&mut blocks);
        // The frames before may go, and with them the packets that they show.
        writer.forget_shown();
        self.newest = writer.last_time();
        self.bytes += blocks.len();
        self.frames.push_back(Frame { blocks, records, newest: self.newest });
        if self.state == State::Waiting {
            self.let_go();
        }
        records
    }

    fn let_go(&mut self) {
        let oldest = self.newest.saturating_sub(nanoseconds(self.plan.past));
        while let Some(frame) = self.frames.front()
            && (frame.newest < oldest || self.bytes > self.plan.bytes)
        {
            self.bytes -= frame.blocks.len();
            self.gone += frame.records;
            self.frames.pop_front();
        }
    }

    /// Says how many hits could not be judged.
    pub(super) fn report(&self) {
        if let Some(judge) = &self.plan.on {
            judge::report(judge);
        }
    }

    /// Forgets all that is kept.
    pub(super) fn forget(&mut self) {
        self.gone += self.hits();
        self.frames.clear();
        self.bytes = 0;
    }

    /// Records kept.
    pub(super) fn hits(&self) -> u64 {
        self.frames.iter().map(|frame| frame.records).sum()
    }

    /// What is to be written now: nothing as long as nothing has happened.
    pub(super) fn take_off(&mut self, writer: &mut Writer, naming: &Naming<'_>) -> Option<Vec<u8>> {
        if self.state == State::Waiting {
            return None;
        }
        self.keep(writer, naming);
        self.land(writer)
    }

    /// Whatever is kept, whether something has happened or not.
    pub(super) fn land(&mut self, writer: &mut Writer) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match self.state {
            State::Writing { .. } => {}
            State::Waiting | State::Triggered { .. } => writer.section(self.gone, &mut out),
        }
        if let State::Triggered { until } = self.state {
            self.state = State::Writing { until, since: Instant::now() };
        }
        out.append(&mut self.tables);
        for frame in self.frames.drain(..) {
            out.extend_from_slice(&frame.blocks);
        }
        self.bytes = 0;
        (!out.is_empty()).then_some(out)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
