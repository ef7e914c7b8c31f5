//! Why no trace could be started.

use tracer_common::event::METADATA_VALUES;

use crate::{collect, filter, kernel::btf, probe};

/// Why no trace could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no type information.
    #[error(
        "failed to read the kernel's type information (BTF), without which nothing can be traced; boot a kernel built \
         with CONFIG_DEBUG_INFO_BTF=y"
    )]
    Btf(#[from] btf::Error),
    /// The machine or this process lacks what no backend works without.
    #[error("{why}; remedy: {remedy}")]
    Impossible {
        /// What is missing.
        why: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The functions could not be listed.
    #[error("failed to list the kernel's functions")]
    Probe(#[from] probe::Error),
    /// The kernel lacks what the chosen backend needs.
    #[error(
        "the backend `{backend}` cannot work here: {why}; remedy: {remedy}; or try `--backend {instead}`, or none for \
         the best that works"
    )]
    Backend {
        /// The backend asked for.
        backend: &'static str,
        /// What is missing.
        why: String,
        /// What the user can do.
        remedy: &'static str,
        /// The one that the kernel has.
        instead: &'static str,
    },
    /// Sampling, limits and stacks go by packets, which cannot be told apart here.
    #[error(
        "packets cannot be followed here: {why}; remedy: {remedy}, or leave out --sample, --limit-packets, \
         --filter-non-skb-funcs and --filter-track-skb-by-stackid"
    )]
    Unfollowed {
        /// What is missing.
        why: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The filter asks for functions, of which there are too many.
    #[error(transparent)]
    TooManyProbes(#[from] filter::TooManyProbes),
    /// Functions without a packet could not be chosen.
    #[error(transparent)]
    Others(#[from] probe::others::Error),
    /// No function is left to probe.
    #[error("no traceable function with an sk_buff matches; `skbtrail functions` lists what there is")]
    NoFunction,
    /// A member chain does not fit this kernel.
    #[error("cannot read `{expression}`")]
    Chain {
        /// As typed.
        expression: String,
        /// What is wrong with it.
        source: btf::Error,
    },
    /// More member chains than a record holds.
    #[error("at most {METADATA_VALUES} member chains can be read at once")]
    TooManyChains,
    /// A member that nothing works without.
    #[error("this kernel's `sk_buff` has no `{0}`: skbtrail does not know this kernel")]
    Member(String),
    /// Loading or attaching failed.
    #[error(transparent)]
    Collect(#[from] collect::Error),
}

impl Error {
    /// What was typed is wrong, rather than what was met.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoFunction
                | Self::Others(probe::others::Error::Nothing(_))
                | Self::TooManyProbes(_)
                | Self::Chain { .. }
                | Self::TooManyChains
        )
    }
}
