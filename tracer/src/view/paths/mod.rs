//! Paths as text, JSON and folded stacks.
//!
//! ```text
//! 157 packets on 2 paths
//!
//! 120 packets  76.4 %  p50 82.1 µs  p99 140 µs
//!   delivered: to a TCP socket
//!        p50        p99
//!   netns host, va:3
//!          -          -  ip_rcv
//!    1.25 µs    3.44 µs  nf_hook_slow
//! ```

mod folded;
mod json;
mod names;
mod text;

#[cfg(test)]
pub(super) mod tests;

use super::{Context, journey::Words};
use crate::track::{Paths, Tables};
pub use folded::{Weight, folded};
pub use json::json;
pub use names::{end, one_side, percent, side, way};
pub use text::{hops, text};

/// Paths with what names the numbers in them.
#[derive(Clone, Copy)]
pub struct Profile<'a> {
    /// The paths.
    pub paths: &'a Paths,
    /// Tables of the tracker that made their journeys.
    pub tables: &'a Tables,
    /// What is known of the run.
    pub context: &'a Context<'a>,
}

impl<'a> Profile<'a> {
    fn words(&self) -> Words<'a> {
        Words { tables: self.tables, context: self.context }
    }

    /// Part of all packets, 0 to 1.
    pub fn share(&self, packets: u64) -> f64 {
        packets as f64 / self.paths.packets().max(1) as f64
    }
}
