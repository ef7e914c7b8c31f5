//! Recordings that are open to be read: what is wanted of them, and what names things in them.

use std::{mem, path::PathBuf};

use super::{
    Failure,
    gather::{Gather, Taker},
    group,
    judge::{self, Judge, Question},
    say::say,
};
use crate::{
    collect::session::Backend,
    feed::{Names, Recorded, Replay, Source as _},
    track::{Limits, Tracker},
};

/// Recordings of one question.
pub(crate) struct Opened {
    pub(crate) replay: Replay,
    pub(crate) names: Names,
    pub(crate) judge: Judge,
}

impl Opened {
    /// Opens files. Only the question can be bad usage.
    pub(crate) fn open(files: &[PathBuf], question: &Question<'_>) -> Result<Self, Failure> {
        let mut replay = Replay::open(files)?;
        let names = mem::replace(&mut replay.names, Names::empty());
        let known = Recorded { namespaces: &names.namespaces, reasons: &names.reasons };
        let judge = Judge::recorded(question, &known, replay.probes()).map_err(Failure::usage)?;
        Ok(Self { replay, names, judge })
    }

    /// Hands the journeys to a taker; the tracker that made them.
    pub(crate) fn gather(&mut self, taker: &mut dyn Taker) -> anyhow::Result<Tracker> {
        let limits = self.limits();
        let mut gather = Gather::new(Tracker::new(limits), taker);
        gather.replay(&mut self.replay, &mut self.judge)?;
        let tracker = gather.tracker;
        group::say_tally(tracker.tally(), limits);
        Ok(tracker)
    }

    /// What a tracker of them may hold.
    pub(crate) fn limits(&self) -> Limits {
        let backend = self.replay.start().map_or("", |start| start.backend.as_str());
        let known = Backend::NAMES.iter().find(|(_, name)| *name == backend);
        known.map_or_else(Limits::default, |(backend, _)| group::limits(*backend))
    }

    /// Says what could not be read or judged.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        for warning in self.replay.finish()? {
            say(warning);
        }
        judge::report(&self.judge);
        Ok(())
    }
}
