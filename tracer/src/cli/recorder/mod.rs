//! Writes a recording while a trace runs: to a file, to files that take turns, to a pipe, or to memory until something happens.

mod beside;
mod circumstances;
mod file;
mod flight;
mod names;
mod status;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

pub(crate) use self::{
    beside::Beside,
    circumstances::{settings, start},
};
use self::{file::Target, flight::Flight, names::Series, status::Status};
use super::{caller::Caller, judge::Judge, progress::Progress, say::say};
use crate::{
    collect::counts::Counts,
    model::Record,
    record::{Naming, Settings, Start, Writer},
};

/// A frame is closed after so long, full or not: whoever kills the recorder costs it no more.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// Between two notes of the counts in the recording.
const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// Bytes gathered before they are written.
const GATHERED: usize = 1 << 20;

/// What to record, and where to.
pub(crate) struct Plan {
    /// The file as typed; `-` for stdout.
    pub(crate) path: PathBuf,
    /// When to begin another file.
    pub(crate) rotation: Rotation,
    /// Keep the past in memory and write it when something happens.
    pub(crate) flight: Option<FlightPlan>,
    /// How to record.
    pub(crate) settings: Settings,
    /// The circumstances.
    pub(crate) start: Start,
}

/// When to begin another file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rotation {
    /// At this size, bytes.
    pub(crate) bytes: Option<u64>,
    /// After this time.
    pub(crate) time: Option<Duration>,
    /// So many files are kept.
    pub(crate) files: Option<u64>,
}

/// What a flight recorder waits for, and what it keeps.
pub(crate) struct FlightPlan {
    /// A drop will do.
    pub(crate) on_drop: bool,
    /// So will a hit that matches.
    pub(crate) on: Option<Judge>,
    /// The past that is kept.
    pub(crate) past: Duration,
    /// Most memory for it, bytes.
    pub(crate) bytes: usize,
    /// How long it goes on after that.
    pub(crate) future: Duration,
}

/// A recording in the making.
pub(crate) struct Recorder {
    plan: Plan,
    caller: Caller,
    writer: Writer,
    target: Target,
    series: Series,
    flight: Option<Flight>,
    status: Status,
    /// Blocks that are not written.
    buffer: Vec<u8>,
    /// Hits taken since the last write that worked.
    unwritten: u64,
    /// When the oldest record of the open frame came.
    waiting_since: Option<Instant>,
    file_since: Instant,
    counted_at: Instant,
    done: bool,
    /// Hits and changes in files before this one.
    recorded: u64,
    /// The file is at its end, and the one of this number begins with the next record.
    next: Option<u64>,
    /// Why that could not begin.
    trouble: Option<anyhow::Error>,
}

impl Recorder {
    /// Opens the file and writes what stands before the first hop.
    pub(crate) fn start(mut plan: Plan, caller: Caller, naming: &Naming<'_>) -> anyhow::Result<Self> {
        let series = Series::new(&plan.path, plan.rotation);
        let target = Target::open(caller, &series.path(0)?)?;
        let writer = Writer::new(plan.settings, plan.start.clone());
        let now = Instant::now();
        let mut recorder = Self {
            flight: plan.flight.take().map(Flight::new),
            plan,
            caller,
            writer,
            target,
            series,
            status: Status::new(),
            buffer: Vec::new(),
            unwritten: 0,
            waiting_since: None,
            file_since: now,
            counted_at: now,
            done: false,
            recorded: 0,
            next: None,
            trouble: None,
        };
        recorder.begin(naming);
        Ok(recorder)
    }

    fn begin(&mut self, naming: &Naming<'_>) {
        match &mut self.flight {
            Some(flight) => self.writer.first_tables(naming, &mut flight.tables),
            None => self.writer.begin(naming, &mut self.buffer),
        }
    }

    /// Takes a record. It is written by [`Recorder::write`].
    pub(crate) fn add(&mut self, record: &Record, naming: &Naming<'_>) {
        if let Some(part) = self.next.take() {
            self.trouble = self.open(part, naming).err();
        }
        if let Record::Hit(event) = record {
            self.unwritten += 1;
            self.status.hits += 1;
            if let Some(flight) = &mut self.flight {
                flight.look_at(event, naming.probes);
            }
        }
        if self.writer.add(record, naming) {
            self.flush(naming);
        }
    }

    fn flush(&mut self, naming: &Naming<'_>) {
        self.waiting_since = None;
        if let Some(flight) = &mut self.flight {
            self.unwritten -= flight.keep(&mut self.writer, naming).min(self.unwritten);
        } else {
            self.writer.flush(naming, &mut self.buffer);
        }
    }

    /// There is enough to be worth writing.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= GATHERED
    }

    /// The recording has all that was asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Hits that are not written.
    pub(crate) fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Writes what there is, if it is time; `counts` gives those so far.
    pub(crate) fn write(
        &mut self,
        naming: &Naming<'_>,
        counts: impl Fn() -> Option<Counts>,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        if let Some(error) = self.trouble.take() {
            return Err(error);
        }
        self.close_frame(naming);
        if self.counted_at.elapsed() >= COUNTS_EVERY {
            self.counted_at = Instant::now();
            if let Some(counts) = counts() {
                self.status.show(&counts, self.target.written(), progress);
                if self.flight.is_none() && self.next.is_none() {
                    self.writer.counts(&counts, &mut self.buffer);
                }
            }
        }
        if let Some(flight) = &mut self.flight {
            let kept = flight.hits();
            if let Some(past) = flight.take_off(&mut self.writer, naming) {
                self.unwritten += kept;
                self.buffer = past;
            }
        }
        self.put()?;
        self.done |= self.flight.as_ref().is_some_and(Flight::has_landed);
        let due = self.series.is_due(self.target.written(), self.file_since.elapsed());
        if due && !self.done && self.next.is_none() {
            self.turn(naming, counts().as_ref())?;
        }
        Ok(())
    }

    /// Closes the open frame when its oldest record has waited long enough.
    fn close_frame(&mut self, naming: &Naming<'_>) {
        if self.writer.waiting() == 0 {
            return;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let due = self.flight.as_ref().is_some_and(Flight::is_triggered);
        if due || since.elapsed() >= LONGEST_WAIT {
            self.flush(naming);
        }
    }

    fn put(&mut self) -> anyhow::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let before = self.target.records();
        let written = self.target.write(&self.buffer);
        self.buffer.clear();
        if let Err(error) = written {
            self.unwritten = self.unwritten.saturating_sub(self.target.records() - before);
            return Err(error);
        }
        // Records of the open frame are not in the buffer.
        self.unwritten = self.unwritten.min(self.writer.waiting() as u64);
        Ok(())
    }

    /// Ends this file. The next by time begins at once, a next by size when there is something to put into it: an empty one would
    /// take the place of the oldest.
    fn turn(&mut self, naming: &Naming<'_>, counts: Option<&Counts>) -> anyhow::Result<()> {
        self.close(naming, counts)?;
        match self.series.next() {
            None => self.done = true,
            Some(part) if self.plan.rotation.time.is_none() => self.next = Some(part),
            Some(part) => self.open(part, naming)?,
        }
        Ok(())
    }

    fn open(&mut self, part: u64, naming: &Naming<'_>) -> anyhow::Result<()> {
        self.recorded += self.target.records();
        self.target = Target::open(self.caller, &self.series.path(part)?)?;
        self.file_since = Instant::now();
        self.plan.start.part = part;
        self.writer = Writer::new(self.plan.settings, self.plan.start.clone());
        self.begin(naming);
        self.put()
    }

    fn close(&mut self, naming: &Naming<'_>, counts: Option<&Counts>) -> anyhow::Result<()> {
        self.writer.flush(naming, &mut self.buffer);
        self.writer.end(counts, &mut self.buffer);
        self.put()?;
        self.target.end()
    }

    /// Writes what is left and ends the file. Later calls do nothing but say how it went.
    pub(crate) fn finish(&mut self, naming: &Naming<'_>, counts: &Counts) -> anyhow::Result<()> {
        self.status.close();
        if self.target.has_failed() || self.target.has_ended() {
            return Ok(());
        }
        if let Some(flight) = &mut self.flight {
            flight.keep(&mut self.writer, naming);
            if !flight.is_triggered() {
                say("what it waits for did not happen, so nothing is recorded");
                flight.forget();
                self.unwritten = 0;
            }
            if let Some(past) = flight.land(&mut self.writer) {
                self.buffer = past;
            }
        }
        self.close(naming, Some(counts))
    }

    /// Says what was recorded.
    pub(crate) fn report(&self) {
        let (path, bytes) = (self.target.name(), self.target.written());
        let files = match self.series.begun() - u64::from(self.next.is_some()) {
            1 => path,
            files => format!("{files} files, of which {path} is the last"),
        };
        let records = self.recorded + self.target.records();
        say(format_args!("recorded {records} hits and changes in {files} ({bytes} bytes)"));
        if let Some(flight) = &self.flight {
            flight.report();
        }
    }
}

#[cfg(test)]
mod tests;
