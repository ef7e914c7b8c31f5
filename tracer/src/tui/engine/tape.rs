//! A recording that is made while the view runs. Who makes one is handed in: files are opened above this layer.

use std::path::Path;

use crate::{collect::counts::Counts, model::Record, record::Naming};

/// A recording in the making.
pub trait Tape: Send {
    /// Takes a record.
    fn add(&mut self, record: &Record, naming: &Naming<'_>);

    /// Writes what is worth it by now.
    fn write(&mut self, naming: &Naming<'_>, counts: &dyn Fn() -> Option<Counts>) -> anyhow::Result<()>;

    /// Brings it to its end; a sentence on what was recorded.
    fn finish(&mut self, naming: &Naming<'_>, counts: &Counts) -> anyhow::Result<String>;
}

/// Opens recordings.
pub trait TapeMaker: Send {
    /// Begins one in a new file.
    fn open(&mut self, path: &Path, filter: &str, naming: &Naming<'_>) -> anyhow::Result<Box<dyn Tape>>;
}
