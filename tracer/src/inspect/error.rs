//! Why something in the kernel cannot be looked at; each a sentence for the one who asked.

use std::{io, path::PathBuf};

use crate::model::MapKind;

/// A failure to look at something in the kernel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This process may not ask.
    #[error("{what} needs {capability}, which this process does not have; run it as root, for instance with sudo")]
    NotPermitted {
        /// What was tried, as "opening maps".
        what: &'static str,
        /// The capability.
        capability: &'static str,
    },
    /// Nothing of that kind has the id.
    #[error("there is no {what} with the id {id} (any more)")]
    Gone {
        /// `map`, `program`, `link`.
        what: &'static str,
        /// As given.
        id: u32,
    },
    /// The file cannot be opened.
    #[error("failed to open `{}`", path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{}` is no {what}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
    },
    /// No map has the name.
    #[error("no map is called `{name}`{}", hint(nearest.as_deref()))]
    Name {
        /// As given.
        name: String,
        /// One that exists.
        nearest: Option<String>,
    },
    /// The name does not say which.
    #[error("{} maps are called `{name}`: choose one by its id ({})", ids.len(), numbers(ids))]
    Several {
        /// As given.
        name: String,
        /// Those that have it.
        ids: Vec<u32>,
    },
    /// A map of this kind has nothing that can be listed.
    #[error("the kernel does not list the entries of a {} map", kind.name().unwrap_or("foreign"))]
    Unlistable {
        /// Its kind.
        kind: MapKind,
    },
    /// One value would not fit into memory that we are willing to give.
    #[error("the values of map {id} are too large to be read: {bytes} bytes each")]
    TooLarge {
        /// The map.
        id: u32,
        /// Of a value, for all CPUs.
        bytes: u64,
    },
    /// More than is held at a time.
    #[error(
        "map {id} has more than {most} entries, too many to be sorted; `skbtrail maps dump {id}` lists them as they come"
    )]
    TooMany {
        /// The map.
        id: u32,
        /// The limit.
        most: usize,
    },
    /// A map could not be read, or not to its end.
    #[error("failed to read map {id}")]
    Read {
        /// The map.
        id: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a question.
    #[error("{what} failed")]
    Ask {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A namespace cannot be found or entered.
    #[error(transparent)]
    Netns(#[from] crate::kernel::netns::Error),
}

impl Error {
    /// What was typed names something that is not there: bad usage rather than a failed run.
    pub fn is_usage(&self) -> bool {
        use crate::kernel::netns;
        match self {
            Self::Gone { .. } | Self::Other { .. } | Self::Name { .. } | Self::Several { .. } => true,
            Self::Pin { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Netns(error) => !matches!(error, netns::Error::Enter { .. } | netns::Error::Lookup { .. }),
            _ => false,
        }
    }

    /// What the kernel said when `what` was tried, which takes `capability`.
    pub(super) fn asking(what: &'static str, capability: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPERM) => Self::NotPermitted { what, capability },
            _ => Self::Ask { what, source },
        }
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// Most numbers that a message names.
const MOST_NUMBERS: usize = 8;

fn numbers(ids: &[u32]) -> String {
    let mut text: Vec<String> = ids.iter().take(MOST_NUMBERS).map(ToString::to_string).collect();
    if ids.len() > MOST_NUMBERS {
        text.push("…".to_owned());
    }
    text.join(", ")
}
