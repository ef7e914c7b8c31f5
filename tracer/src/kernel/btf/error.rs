//! What can go wrong with BTF.

use std::{io, path::PathBuf};

use super::Kind;

/// Why a question to BTF has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read; without it nothing can be traced.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is cut short or contradicts itself.
    #[error("malformed BTF: {0}")]
    Malformed(&'static str),
    /// A kind that this reader does not know, without a layout for it.
    #[error("malformed BTF: type {id} is of the unknown kind {kind}")]
    UnknownKind {
        /// Number of the type.
        id: u32,
        /// Number of the kind.
        kind: u8,
    },
    /// There is no type of that name.
    #[error("this kernel has no {} `{name}`", kind.noun())]
    NoType {
        /// Kind asked for.
        kind: Kind,
        /// Name asked for.
        name: String,
    },
    /// A struct or union has no member of that name.
    #[error("`{parent}` has no member `{member}`{}", hint(nearest.as_deref()))]
    NoMember {
        /// The struct, as the kernel's source names it.
        parent: String,
        /// What was asked for.
        member: String,
        /// A member of nearly that name.
        nearest: Option<String>,
    },
    /// A member chain that does not fit the types on its way.
    #[error("in `{chain}`: {problem}")]
    Chain {
        /// The whole chain.
        chain: String,
        /// What does not fit.
        problem: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}
