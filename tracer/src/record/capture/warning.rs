//! How much of a capture could not be read, and why.

use std::{fmt, io::Read};

use super::input::Input;

/// A part of the file that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Packets whose blocks contradict themselves, are too large, or name an interface that the file does not describe.
    Skipped {
        /// How many.
        packets: u64,
    },
    /// The file ends inside a block.
    Cut {
        /// Where that block begins, bytes from the start of the file.
        at: u64,
        /// Bytes of it that are there.
        bytes: u64,
    },
    /// What begins there is no block, so that nothing behind it can be found.
    Damaged {
        /// Where it begins, bytes from the start of the file.
        at: u64,
        /// Bytes from there to the end; none if what is read has no known end (a pipe).
        bytes: Option<u64>,
    },
}

impl Warning {
    /// The file ends in the block that begins at `at`.
    pub(super) fn cut<R: Read>(at: u64, input: &Input<R>) -> Self {
        Self::Cut { at, bytes: input.position() - at }
    }

    /// What begins at `at` cannot be read.
    pub(super) fn damaged<R: Read>(at: u64, input: &Input<R>) -> Self {
        Self::Damaged { at, bytes: input.size().map(|size| size.saturating_sub(at)) }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { packets: 1 } => write!(out, "1 packet is damaged or too large and was left out"),
            Self::Skipped { packets } => write!(out, "{packets} packets are damaged or too large and were left out"),
            Self::Cut { at, bytes } => {
                write!(out, "the file is cut short: its last {bytes} bytes, from byte {at} on, are no whole packet")
            }
            Self::Damaged { at, bytes: Some(bytes) } => {
                write!(out, "the file is damaged at byte {at}: the {bytes} bytes from there on were not read")
            }
            Self::Damaged { at, bytes: None } => {
                write!(out, "the data are damaged at byte {at}: what follows was not read")
            }
        }
    }
}
