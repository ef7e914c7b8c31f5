//! Why a command ends without success, and the exit code that says so.

use std::{io, process::ExitCode};

use super::say::{say, say_bare};
use crate::{collect, feed, inspect, probe};

/// How a command failed.
#[derive(Debug)]
pub enum Failure {
    /// What was typed cannot be meant: exit code 2.
    Usage(anyhow::Error),
    /// It was meant, but did not work: exit code 1.
    Run(anyhow::Error),
}

impl Failure {
    /// Marks an error as bad usage.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// Says what went wrong, with its causes, in one line on stderr (a filter's caret takes more).
    pub(crate) fn print(&self, verbose: bool) {
        let (Self::Usage(error) | Self::Run(error)) = self;
        let mut text = String::new();
        for cause in error.chain() {
            let cause = cause.to_string();
            // A cause that its successor already spells out would only say it twice.
            if !text.contains(&cause) {
                if !text.is_empty() {
                    text.push_str(": ");
                }
                text.push_str(&cause);
            }
        }
        say(text);
        let log = error.chain().find_map(|cause| refusal(cause)?.verifier_log());
        match log {
            Some(log) if verbose => say_bare(log),
            Some(_) => say("`--verbose` shows the verifier's whole log"),
            None => {}
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::from(1),
        }
    }
}

/// The error of the layer that talks to the kernel; an error of `feed` passes it on without being its cause.
fn refusal<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a collect::Error> {
    match cause.downcast_ref::<feed::live::Error>() {
        Some(feed::live::Error::Collect(error)) => Some(error),
        _ => cause.downcast_ref(),
    }
}

/// Whether the kernel refused something to this process.
pub(crate) fn is_refusal(error: &anyhow::Error) -> bool {
    let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::PermissionDenied;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(refused))
}

/// Some of what is typed is only found wrong when the kernel's facts are at hand: those errors are known by their type.
fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let live = cause.downcast_ref::<feed::live::Error>().is_some_and(feed::live::Error::is_usage);
        let inspected = cause.downcast_ref::<inspect::Error>().is_some_and(inspect::Error::is_usage);
        live || inspected || cause.is::<probe::Error>() || cause.is::<regex::Error>()
    })
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        if is_usage(&error) { Self::Usage(error) } else { Self::Run(error) }
    }
}
