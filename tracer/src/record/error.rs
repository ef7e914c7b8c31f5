//! Why a file cannot be read as a recording.

use std::io;

use super::format::VERSION;

/// Why a file cannot be read as a recording.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading failed.
    #[error("failed to read it")]
    Read(#[from] io::Error),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is a pipe or a device.
    #[error("it is no regular file; a recording is read from where it lies, not from a pipe")]
    NotAFile,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is compressed as a whole.
    #[error("it is compressed; unpack it first (`{0}`)")]
    Compressed(&'static str),
    /// It is neither pcapng nor anything else that is known.
    #[error("it is no recording of skbtrail: it does not begin as a pcapng file")]
    Foreign,
    /// It is pcapng (or pcap), but none of ours.
    #[error("it is a capture without skbtrail's hops in it")]
    Capture,
    /// It is a capture that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] super::capture::Error),
    /// A newer skbtrail has written it.
    #[error("it has format version {0}, and this skbtrail knows those up to {VERSION}; read it with a newer skbtrail")]
    Newer(u16),
}
