//! Where the records of a replay lie in time, for whoever shows a bar of it or jumps about. It comes from the indexes of the
//! files, which are in memory: nothing is read for it, but for [`Replay::begins_of`].
//!
//! Whoever wants the drops as marks on such a bar opens the files once more, in a thread of its own, and has that replay
//! [`Replay::seek`] to [`Wanted::drops`]: recordings know which of their frames hold none.

use super::{Error, Replay};
use crate::record::reader::Wanted;

/// A stretch of time of which records are there. Stretches of one file may overlap, and more than one file may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Time of its first record, nanoseconds of the clock of the records handed out.
    pub first: u64,
    /// Time of its last record.
    pub last: u64,
    /// Hits and changes in it.
    pub records: u64,
}

impl Replay {
    /// Time of the last record. A capture of another program has no index: `None` where there is one among the files.
    pub fn ends(&self) -> Option<u64> {
        let mut last = 0;
        for part in &self.parts {
            last = part.stretches()?.map(|stretch| stretch.last).fold(last, u64::max);
        }
        Some(last)
    }

    /// The stretches of all recordings, a few thousand hits each, or more where there are many; none of captures.
    pub fn stretches(&self) -> Vec<Stretch> {
        self.parts.iter().filter_map(|part| part.stretches()).flatten().collect()
    }

    /// Time of the record handed out last, or that from which on it was asked to read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// When a packet is first seen; `None` where it is not. Afterwards the replay is to [`Replay::seek`].
    pub fn begins_of(&mut self, journey: u64) -> Result<Option<u64>, Error> {
        self.seek(Wanted { journey: Some(journey), ..Wanted::default() })?;
        let first = self.next_record().map(|record| record.time());
        self.finish()?;
        Ok(first)
    }
}
