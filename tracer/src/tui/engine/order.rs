//! What the drawing thread wants of the engine.

use std::path::PathBuf;

use crate::filter::Compiled;

/// Something to do. Filters of a running trace take the way of [`crate::feed::live::control`].
#[derive(Debug)]
pub enum Order {
    /// Put another filter in force.
    Filter(Box<Compiled>),
    /// Record into this file.
    Record(PathBuf),
    /// End the recording.
    EndRecording,
    /// Read a recording again, from this time on, until the store is full; or all of it, of which the store keeps the end.
    ReadFrom(Option<u64>),
    /// End.
    Quit,
}
