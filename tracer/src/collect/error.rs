//! What can go wrong between the object file and the first event.

use std::io;

/// A failure to load, attach or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This process may not trace.
    #[error("tracing needs {missing}, which this process does not have; run it as root, for instance with sudo")]
    NotPermitted {
        /// The capabilities.
        missing: String,
    },
    /// A map could not be made or filled.
    #[error("failed to make the BPF map `{name}`")]
    MakeMap {
        /// Name of the map.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A map could not be used.
    #[error("failed to use the BPF map `{name}`")]
    Map {
        /// Name of the map.
        name: &'static str,
        /// What the kernel said.
        source: Box<aya::maps::MapError>,
    },
    /// The notes of the kernel side could not be counted.
    #[error("failed to count the notes on stacks and on packets at XDP")]
    Notes {
        /// What the kernel said.
        source: io::Error,
    },
    /// The filter could not be put in force.
    #[error("failed to put the filter in force")]
    FilterMap {
        /// What the kernel said.
        source: io::Error,
    },
    /// The programs were loaded without what the filter asks for.
    #[error("this run cannot judge packets inside of packets, as it began without a filter that may change")]
    NoLayers,
    /// The embedded object is not as this program expects it.
    #[error("the embedded eBPF object does not fit this program: {0}")]
    Object(String),
    /// The verifier refused a program.
    #[error("the kernel refused the program `{program}`: {}", last_line(.log))]
    Load {
        /// Name of the program.
        program: String,
        /// What the kernel said.
        source: io::Error,
        /// The verifier's log.
        log: String,
    },
    /// A tracepoint that every backend needs could not be attached.
    #[error("failed to attach to `{place}`")]
    Attach {
        /// Function or tracepoint.
        place: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Nothing could be attached at all.
    #[error("none of the {count} functions could be probed; the first refusal: {first}")]
    NothingAttached {
        /// Functions tried.
        count: usize,
        /// Function and cause.
        first: String,
    },
    /// The process that holds the probes could not be started or ended early.
    #[error("failed to run the process that holds the probes")]
    Holder(#[source] io::Error),
    /// The process that holds the probes is gone, and they with it.
    #[error("the process that holds the probes ended ({0}), so nothing is traced any more")]
    HolderEnded(std::process::ExitStatus),
    /// How long programs run cannot be counted.
    #[error("the kernel does not count how long BPF programs run (Linux 5.8, CAP_SYS_ADMIN)")]
    RunTime(#[source] io::Error),
    /// Privileges could not be dropped.
    #[error("failed to drop privileges")]
    Privileges(#[source] caps::errors::CapsError),
}

impl Error {
    pub(crate) fn map(name: &'static str, source: aya::maps::MapError) -> Self {
        Self::Map { name, source: Box::new(source) }
    }

    /// The verifier's whole log, for `--verbose`.
    pub fn verifier_log(&self) -> Option<&str> {
        match self {
            Self::Load { log, .. } if !log.is_empty() => Some(log),
            _ => None,
        }
    }
}

/// The last line of a verifier's log that says something, without the statistics behind it.
fn last_line(log: &str) -> &str {
    log.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("processed ") && !line.starts_with("verification time"))
        .unwrap_or("no reason given")
}
