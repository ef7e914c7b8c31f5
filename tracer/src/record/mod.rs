//! Recordings: a pcapng file that other tools open, with every hop in it.
//!
//! [`format`] says how a recording is laid out (`assets/recording.md` says it to people), [`writer`] makes blocks of records and
//! [`reader`] makes records of blocks. Whoever writes decides where the bytes go: nothing here opens a file to write, reads a
//! clock or knows of the kernel. A file that is read is foreign: each length is checked before it is believed, and memory is
//! bounded by constants.

pub mod capture;
mod error;
pub mod format;
pub mod reader;
pub mod writer;

pub use error::Error;
pub use format::start::Start;
pub use reader::Reader;
pub use writer::{Naming, Settings, Writer};

#[cfg(test)]
pub(crate) mod tests;
