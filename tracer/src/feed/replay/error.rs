//! Why a recording could not be replayed.

use std::path::PathBuf;

use crate::record;

/// Why a recording could not be replayed.
#[derive(Debug, thiserror::Error)]
#[error("cannot replay `{}`", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub source: record::Error,
}
