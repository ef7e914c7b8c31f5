//! Recordings that are begun and ended while the view runs.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::bail;

use crate::{
    cli::{
        caller::Caller,
        progress::Progress,
        recorder::{Plan, Recorder, Rotation},
    },
    collect::counts::Counts,
    model::Record,
    record::{Naming, Settings, Start},
    tui::engine::{Tape, TapeMaker},
};

/// Opens recordings of one run.
pub(super) struct Tapes {
    pub(super) caller: Caller,
    pub(super) start: Start,
    pub(super) settings: Settings,
}

impl TapeMaker for Tapes {
    fn open(&mut self, path: &Path, filter: &str, naming: &Naming<'_>) -> anyhow::Result<Box<dyn Tape>> {
        if path.as_os_str() == "-" {
            bail!("stdout is the terminal; name a file");
        }
        if path.exists() {
            bail!("`{}` exists already; name another file", path.display());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = Start { filter: filter.to_owned(), run: now.as_nanos() as u64, ..self.start.clone() };
        let plan =
            Plan { path: path.to_owned(), rotation: Rotation::default(), flight: None, settings: self.settings, start };
        let recorder = Recorder::start(plan, self.caller, naming)?;
        Ok(Box::new(Recording { recorder, hits: 0, before: None }))
    }
}

/// A recording in the making.
struct Recording {
    recorder: Recorder,
    hits: u64,
    /// Counts when it began: what was lost before is none of it.
    before: Option<Counts>,
}

impl Tape for Recording {
    fn add(&mut self, record: &Record, naming: &Naming<'_>) {
        self.hits += u64::from(matches!(record, Record::Hit(_)));
        self.recorder.add(record, naming);
    }

    fn write(&mut self, naming: &Naming<'_>, counts: &dyn Fn() -> Option<Counts>) -> anyhow::Result<()> {
        let hits = self.hits;
        if self.before.is_none() {
            self.before = counts().map(|now| before(&now, hits));
        }
        let began = self.before.as_ref();
        let own = || Some(since(began?, &counts()?, hits));
        self.recorder.write(naming, own, &Progress::hidden())
    }

    fn finish(&mut self, naming: &Naming<'_>, counts: &Counts) -> anyhow::Result<String> {
        let began = self.before.take().unwrap_or_else(|| before(counts, self.hits));
        let own = since(&began, counts, self.hits);
        self.recorder.finish(naming, &own)?;
        self.recorder.report();
        Ok(format!("{} hits recorded, lost {}", self.hits, own.lost()))
    }
}

/// The counts when a recording of `hits` hits began.
fn before(now: &Counts, hits: u64) -> Counts {
    Counts { shown: now.shown - hits.min(now.shown), ..now.clone() }
}

/// Those of the recording, whose hits are all shown.
fn since(before: &Counts, now: &Counts, hits: u64) -> Counts {
    let ring_full = now.ring_full.saturating_sub(before.ring_full);
    let undecodable = now.undecodable.saturating_sub(before.undecodable);
    Counts {
        seen: hits + ring_full + undecodable,
        shown: hits,
        ring_full,
        undecodable,
        not_read: 0,
        not_written: 0,
        missed: now.missed.zip(before.missed).map(|(now, before)| now.saturating_sub(before)),
        undecidable: now.undecidable.saturating_sub(before.undecidable),
        own: now.own.saturating_sub(before.own),
        sampled_out: now.sampled_out.saturating_sub(before.sampled_out),
        beyond_limit: now.beyond_limit.saturating_sub(before.beyond_limit),
        not_followed: now.not_followed.saturating_sub(before.not_followed),
        changes_lost: now.changes_lost.saturating_sub(before.changes_lost),
        evicted: now.evicted.saturating_sub(before.evicted),
    }
}
