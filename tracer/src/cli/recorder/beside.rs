//! A recorder beside whatever else takes a run's records, or none.

use super::Recorder;
use crate::{
    cli::progress::Progress,
    collect::Session,
    feed::Names,
    model::{Probe, Record},
};

/// The recorder of a run, if it has one, with what names the numbers in its records.
pub(crate) struct Beside<'a> {
    recorder: Option<Recorder>,
    names: &'a Names,
}

impl<'a> Beside<'a> {
    pub(crate) fn new(recorder: Option<Recorder>, names: &'a Names) -> Self {
        Self { recorder, names }
    }

    /// Takes a record. It is written by [`Beside::write`].
    pub(crate) fn add(&mut self, record: &Record, probes: &[Probe]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.add(record, &self.names.naming(probes));
        }
    }

    /// There is enough to be worth writing.
    pub(crate) fn is_full(&self) -> bool {
        self.recorder.as_ref().is_some_and(Recorder::is_full)
    }

    /// The recording has all that was asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.recorder.as_ref().is_some_and(Recorder::is_done)
    }

    /// Writes what there is, if it is time.
    pub(crate) fn write(&mut self, session: &Session, progress: &Progress) -> anyhow::Result<()> {
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        recorder.write(&self.names.naming(session.probes()), || session.counts().ok(), progress)
    }

    /// Brings the recording to its end; with what could not be written, of it or of the `unshown` hits of what it is beside.
    pub(crate) fn close(&mut self, session: &Session, unshown: u64) -> (anyhow::Result<()>, u64) {
        let Some(recorder) = &mut self.recorder else { return (Ok(()), unshown) };
        let naming = self.names.naming(session.probes());
        let closed =
            session.counts().map_err(Into::into).and_then(|counts| recorder.finish(&naming, &counts.without(unshown)));
        recorder.report();
        (closed, unshown.max(recorder.unwritten()))
    }
}
