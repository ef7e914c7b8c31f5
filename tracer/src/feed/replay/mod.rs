//! Records of one recording or several, or of captures of other programs, in the order of their times.

mod capture;
mod error;
mod input;
mod part;
mod timeline;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    io,
    path::PathBuf,
};

use self::part::Part;
use super::{Names, Poll, Source};
use crate::{
    collect::counts::Counts,
    model::{Probe, Record},
    record::{
        Start,
        reader::{RecordedSymbols, Wanted},
    },
    track::Tracker,
};
pub use error::Error;
pub use timeline::Stretch;

/// Recordings that are read as one.
pub struct Replay {
    /// What names things in the records.
    pub names: Names,
    /// Parts by the time of their first record.
    parts: Vec<Part>,
    /// How many of them have been begun.
    begun: usize,
    /// The next record of each part that has been begun and not ended.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    probes: Vec<Probe>,
    clock_offset: i64,
    position: u64,
    failure: Option<(PathBuf, io::Error)>,
}

impl Replay {
    /// Opens recordings. Where they come from several machines, their clocks and numbers are brought to those of the earliest.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut parts = paths.iter().map(|path| Part::open(path)).collect::<Result<Vec<_>, _>>()?;
        parts.sort_by_key(Part::begins);
        let mut replay = Self {
            names: Names::empty(),
            clock_offset: parts.first().map_or(0, |part| part.start().clock_offset),
            parts,
            begun: 0,
            next: BinaryHeap::new(),
            probes: Vec::new(),
            position: 0,
            failure: None,
        };
        replay.join();
        replay.position = replay.begins();
        Ok(replay)
    }

    /// Makes one table of each kind of those of all parts.
    fn join(&mut self) {
        let mut symbols = RecordedSymbols::default();
        let mut runs = Vec::new();
        for part in &mut self.parts {
            let run = (part.start().run, part.start().host.clone());
            let number = runs.iter().position(|known| *known == run).unwrap_or_else(|| {
                runs.push(run);
                runs.len() - 1
            });
            let tables = part.adapt(number, self.clock_offset, &mut self.probes, &mut self.names);
            symbols.merge(tables);
        }
        self.names.symbols = Box::new(symbols);
    }

    /// Begins anew, with what is wanted alone; times are nanoseconds of the clock of the records handed out.
    pub fn seek(&mut self, wanted: Wanted) -> Result<(), Error> {
        for part in &mut self.parts {
            part.seek(wanted)?;
        }
        self.begun = 0;
        self.next.clear();
        self.failure = None;
        self.position = wanted.from.unwrap_or_else(|| self.begins());
        Ok(())
    }

    /// Time of the first record; 0 without one.
    pub fn begins(&self) -> u64 {
        self.parts.first().map_or(0, |part| part.begins().saturating_add_signed(self.clock_offset.saturating_neg()))
    }

    /// Real time minus the time of the records handed out, nanoseconds.
    pub fn clock_offset(&self) -> i64 {
        self.clock_offset
    }

    /// The circumstances of the earliest recording.
    pub fn start(&self) -> Option<&Start> {
        self.parts.first().map(Part::start)
    }

    /// What was seen and lost while it was recorded, of all runs together; `None` where that of one was not recorded. Each file of
    /// a run has the counts from its beginning on, so the last one has them all.
    pub fn counts(&self) -> Option<Counts> {
        let mut runs: BTreeMap<u64, Option<&Counts>> = BTreeMap::new();
        for (run, counts) in self.parts.iter().map(Part::counts) {
            let latest = runs.entry(run).or_insert(counts);
            *latest = counts.or(*latest);
        }
        runs.into_values().try_fold(Counts::default(), |sum, counts| {
            Some(if sum == Counts::default() { counts?.clone() } else { sum.and(counts?) })
        })
    }

    /// Whether [`Replay::track`] can be used: the files are one run's, one after the other.
    pub fn is_one_run(&mut self) -> bool {
        let parts = &mut self.parts;
        let in_turn = parts.is_sorted_by(|one, next| one.start().part < next.start().part);
        in_turn && parts.iter_mut().all(|part| part.first_run().is_some())
    }

    /// Hands a batch of records to a tracker, without events in between; false at the end. To be used from the beginning on,
    /// instead of [`Source::poll`].
    pub fn track(&mut self, tracker: &mut Tracker) -> Result<bool, Error> {
        tracker.learn(&self.probes);
        while let Some(part) = self.parts.get_mut(self.begun) {
            let more = part.first_run().map_or(Ok(false), |reader| reader.track(tracker));
            if more.map_err(|error| Error { path: part.path.clone(), source: error.into() })? {
                return Ok(true);
            }
            self.begun += 1;
        }
        Ok(false)
    }

    /// What could not be read, a sentence for each file; an error where reading has failed.
    pub fn finish(&mut self) -> Result<Vec<String>, Error> {
        match self.failure.take() {
            Some((path, error)) => Err(Error { path, source: error.into() }),
            None => Ok(self.parts.iter().filter_map(Part::warning).collect()),
        }
    }

    /// Begins the parts whose first record is not later than the next one at hand: so no more of them are in memory at a time
    /// than overlap.
    fn begin_parts(&mut self) {
        while let Some(part) = self.parts.get(self.begun) {
            let due = self.next.peek().is_none_or(|Reverse((time, _))| part.begins() <= *time);
            if !due {
                break;
            }
            self.begun += 1;
            self.advance(self.begun - 1);
        }
    }

    /// Has a part read its next record.
    fn advance(&mut self, number: usize) {
        let Some(part) = self.parts.get_mut(number) else { return };
        match part.advance() {
            Ok(Some(time)) => self.next.push(Reverse((time, number))),
            Ok(None) => {}
            Err(error) => self.failure = Some((part.path.clone(), error)),
        }
    }

    fn next_record(&mut self) -> Option<Record> {
        self.begin_parts();
        let Reverse((_, number)) = self.next.pop()?;
        let record = self.parts.get_mut(number).and_then(Part::take);
        self.advance(number);
        record
    }
}

impl Source for Replay {
    fn poll(&mut self, limit: usize, sink: &mut dyn FnMut(Record, &[Probe])) -> Poll {
        let mut taken = 0;
        while taken < limit && self.failure.is_none() {
            let Some(record) = self.next_record() else { break };
            taken += 1;
            self.position = record.time();
            sink(record, &self.probes);
        }
        if taken == 0 && limit > 0 { Poll::End } else { Poll::Taken(taken) }
    }

    fn probes(&self) -> &[Probe] {
        &self.probes
    }

    fn now(&self) -> Option<u64> {
        None
    }
}
