//! What a file of a replay is: a recording or a foreign capture.

use std::{io, path::Path};

use super::capture::Capture;
use crate::{
    collect::counts::Counts,
    model::Record,
    record::{
        Error, Reader, Start,
        format::index::Span,
        reader::{Tables, Wanted},
    },
};

/// A file that records are read from.
pub(super) enum Input {
    Recording(Box<Reader>),
    Capture(Box<Capture>),
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        match Reader::open(path) {
            Err(Error::Capture) => Ok(Self::Capture(Box::new(Capture::open(path)?))),
            recording => Ok(Self::Recording(Box::new(recording?))),
        }
    }

    pub(super) fn start(&self) -> &Start {
        match self {
            Self::Recording(reader) => reader.start(),
            Self::Capture(capture) => capture.start(),
        }
    }

    /// Time of the first record by its own clock; 0 without one.
    pub(super) fn first_time(&mut self) -> Result<u64, Error> {
        match self {
            Self::Recording(reader) => {
                Ok(reader.index().hops.iter().map(|span| span.first_time).min().unwrap_or_default())
            }
            Self::Capture(capture) => {
                let time = capture.next_event()?.map_or(0, |event| event.time);
                capture.seek(Wanted::default())?;
                Ok(time)
            }
        }
    }

    /// The counts of its run so far, if they were recorded.
    pub(super) fn counts(&self) -> Option<&Counts> {
        match self {
            Self::Recording(reader) => reader.counts(),
            Self::Capture(_) => None,
        }
    }

    /// Where its records are, if it has an index.
    pub(super) fn spans(&self) -> Option<&[Span]> {
        match self {
            Self::Recording(reader) => Some(&reader.index().hops),
            Self::Capture(_) => None,
        }
    }

    pub(super) fn take_tables(&mut self) -> Tables {
        match self {
            Self::Recording(reader) => reader.take_tables(),
            Self::Capture(_) => Capture::tables(),
        }
    }

    pub(super) fn seek(&mut self, wanted: Wanted) -> Result<(), Error> {
        match self {
            Self::Recording(reader) => reader.seek(wanted),
            Self::Capture(capture) => capture.seek(wanted)?,
        }
        Ok(())
    }

    pub(super) fn next_record(&mut self) -> io::Result<Option<Record>> {
        match self {
            Self::Recording(reader) => reader.next_record(),
            Self::Capture(capture) => Ok(capture.next_event().map_err(io::Error::other)?.map(Record::Hit)),
        }
    }

    /// The recording, if it is one.
    pub(super) fn recording(&mut self) -> Option<&mut Reader> {
        match self {
            Self::Recording(reader) => Some(reader),
            Self::Capture(_) => None,
        }
    }

    /// What could not be read, a clause each.
    pub(super) fn faults(&self) -> Vec<String> {
        match self {
            Self::Recording(reader) => reader.missing().faults(),
            Self::Capture(capture) => capture.faults(),
        }
    }
}
