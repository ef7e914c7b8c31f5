//! One file of a replay, with its numbers brought to those of all.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use super::{Error, Stretch, input::Input};
use crate::{
    collect::counts::Counts,
    feed::Names,
    model::{Branch, JourneyId, Probe, ProbeId, Record},
    record::{
        Reader, Start,
        format::index::Span,
        reader::{RecordedSymbols, Wanted},
    },
};

/// Journeys of different runs are told apart by the bits from here on.
const RUN_SHIFT: u32 = 48;
/// Numbers of drop reasons that the first run does not have are given from here on: no kernel's are so large.
const FOREIGN_REASONS: u32 = 0xf000_0000;

/// A file of a replay.
pub(super) struct Part {
    pub(super) path: PathBuf,
    input: Input,
    /// Real time of its first record, nanoseconds.
    begins: u64,
    /// What makes its times those of the first run.
    shift: i64,
    /// Its probes in the table of all; empty where they are the same.
    probes: Vec<u32>,
    /// Its drop reasons in the table of all, where they differ.
    reasons: HashMap<u32, u32>,
    run: u64,
    /// Its next record, with the real time.
    next: Option<Record>,
}

impl Part {
    /// Opens a recording or a foreign capture.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error { path: path.to_owned(), source };
        let mut input = Input::open(path).map_err(failed)?;
        let first = input.first_time().map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            begins: first.saturating_add_signed(input.start().clock_offset),
            input,
            shift: 0,
            probes: Vec::new(),
            reasons: HashMap::new(),
            run: 0,
            next: None,
        })
    }

    pub(super) fn start(&self) -> &Start {
        self.input.start()
    }

    /// Which run it is of, and the counts of that so far, if they were recorded.
    pub(super) fn counts(&self) -> (u64, Option<&Counts>) {
        (self.run, self.input.counts())
    }

    /// Real time of its first record, nanoseconds.
    pub(super) fn begins(&self) -> u64 {
        self.begins
    }

    /// Where its records lie in the time of the first run; `None` where it has no index.
    pub(super) fn stretches(&self) -> Option<impl Iterator<Item = Stretch>> {
        let shift = self.shift;
        let stretch = move |span: &Span| Stretch {
            first: span.first_time.saturating_add_signed(shift),
            last: span.last_time.saturating_add_signed(shift),
            records: span.count,
        };
        Some(self.input.spans()?.iter().map(stretch))
    }

    /// Puts its tables into those of all and notes how its numbers differ from them; returns its symbols.
    pub(super) fn adapt(
        &mut self,
        run: usize,
        clock_offset: i64,
        probes: &mut Vec<Probe>,
        names: &mut Names,
    ) -> RecordedSymbols {
        let tables = self.input.take_tables();
        self.run = run as u64;
        self.shift = self.start().clock_offset.saturating_sub(clock_offset);
        self.probes = join_probes(tables.probes, probes);
        self.reasons = join_reasons(tables.reasons, &mut names.reasons);
        for (inode, name) in tables.namespaces {
            names.namespaces.entry(inode).or_insert(name);
        }
        tables.symbols
    }

    pub(super) fn seek(&mut self, wanted: Wanted) -> Result<(), Error> {
        let own = |time: u64| time.saturating_add_signed(self.shift.saturating_neg());
        // A journey of another run is none of this one's.
        let journey = wanted
            .journey
            .map(|journey| if journey >> RUN_SHIFT == self.run { journey & ((1 << RUN_SHIFT) - 1) } else { u64::MAX });
        self.next = None;
        let wanted = Wanted { from: wanted.from.map(own), to: wanted.to.map(own), journey, ..wanted };
        self.input.seek(wanted).map_err(|source| Error { path: self.path.clone(), source })
    }

    /// Reads its next record; its real time, or `None` at its end.
    pub(super) fn advance(&mut self) -> io::Result<Option<u64>> {
        self.next = self.input.next_record()?.map(|record| self.adapted(record));
        let offset = self.start().clock_offset.saturating_sub(self.shift);
        Ok(self.next.as_ref().map(|record| record.time().saturating_add_signed(offset)))
    }

    /// Its reader, where its records need no adapting to be those of the first run.
    pub(super) fn first_run(&mut self) -> Option<&mut Reader> {
        let alike = self.run == 0 && self.shift == 0 && self.probes.is_empty() && self.reasons.is_empty();
        if alike { self.input.recording() } else { None }
    }

    pub(super) fn take(&mut self) -> Option<Record> {
        self.next.take()
    }

    fn adapted(&self, mut record: Record) -> Record {
        match &mut record {
            Record::Change(change) => {
                change.time = change.time.saturating_add_signed(self.shift);
                self.adapt_branch(&mut change.branch);
            }
            Record::Hit(event) => {
                event.time = event.time.saturating_add_signed(self.shift);
                if let Some(branch) = &mut event.branch {
                    self.adapt_branch(branch);
                }
                if let Some(probe) = self.probes.get(event.probe.0 as usize) {
                    event.probe = ProbeId(*probe);
                }
                if !self.reasons.is_empty() {
                    event.reason = event.reason.map(|reason| self.reasons.get(&reason).copied().unwrap_or(reason));
                }
            }
        }
        record
    }

    fn adapt_branch(&self, branch: &mut Branch) {
        if self.run > 0 {
            branch.journey = JourneyId(branch.journey.0 | self.run << RUN_SHIFT);
        }
    }

    /// What could not be read of it, as a sentence.
    pub(super) fn warning(&self) -> Option<String> {
        let faults = self.input.faults();
        (!faults.is_empty()).then(|| format!("`{}`: {}", self.path.display(), faults.join("; ")))
    }
}

/// Where the probes are in the table of all; nothing where they are in the same place.
fn join_probes(own: Vec<Probe>, all: &mut Vec<Probe>) -> Vec<u32> {
    if all.is_empty() {
        *all = own;
        return Vec::new();
    }
    let mut places: HashMap<Probe, u32> =
        all.iter().enumerate().map(|(place, probe)| (probe.clone(), place as u32)).collect();
    let mut mapped = Vec::with_capacity(own.len());
    for probe in own {
        let place = *places.entry(probe.clone()).or_insert_with(|| {
            all.push(probe);
            all.len() as u32 - 1
        });
        mapped.push(place);
    }
    if mapped.iter().enumerate().all(|(own, all)| own as u32 == *all) { Vec::new() } else { mapped }
}

/// Kernels number drop reasons as they like: what a number means in this file decides, and the table of all gets another
/// number for it where its own is taken.
fn join_reasons(own: HashMap<u32, String>, all: &mut HashMap<u32, String>) -> HashMap<u32, u32> {
    let mut numbers: HashMap<String, u32> = all.iter().map(|(number, name)| (name.clone(), *number)).collect();
    let mut free = FOREIGN_REASONS.saturating_add(all.len() as u32);
    let mut mapped = HashMap::new();
    for (number, name) in own {
        match all.get(&number) {
            Some(known) if *known == name => {}
            // A name has one number, or a filter that asks for it would miss some.
            None if !numbers.contains_key(&name) => {
                numbers.insert(name.clone(), number);
                all.insert(number, name);
            }
            _ => {
                let other = *numbers.entry(name.clone()).or_insert_with(|| {
                    free = free.saturating_add(1);
                    free
                });
                all.insert(other, name);
                mapped.insert(number, other);
            }
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_names_whatever_their_numbers() {
        let table = |rows: &[(u32, &str)]| -> HashMap<u32, String> {
            rows.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
        };
        let own = table(&[(2, "NO_SOCKET"), (3, "TAP"), (4, "NEW"), (9, "LATE")]);
        let mut all = table(&[(2, "NO_SOCKET"), (3, "OTHER"), (4, "TAP")]);
        let mapped = join_reasons(own.clone(), &mut all);
        for (number, name) in own {
            let number = mapped.get(&number).copied().unwrap_or(number);
            assert_eq!(all[&number], name);
        }
        assert_eq!(all[&3], "OTHER");
        assert_eq!(all.values().filter(|name| *name == "TAP").count(), 1);
        // Also where the number is free.
        assert_eq!(join_reasons(table(&[(77, "TAP")]), &mut all), [(77, 4)].into());
    }

    #[test]
    fn probes_keep_their_names_whatever_their_places() {
        let probe = |name: &str| Probe { name: name.to_owned(), module: None, address: 0, takes_reason: false };
        let mut all = Vec::new();
        assert!(join_probes(vec![probe("a"), probe("b")], &mut all).is_empty());
        assert!(join_probes(vec![probe("a"), probe("b")], &mut all).is_empty());
        assert_eq!(join_probes(vec![probe("c"), probe("a")], &mut all), [2, 0]);
        assert_eq!(all, [probe("a"), probe("b"), probe("c")]);
    }
}
