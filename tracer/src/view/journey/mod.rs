//! One packet as a block of text or as a JSON object: its hops in reading order, what changed on the way, where it was,
//! and what became of it.
//!
//! ```text
//! packet 12  10.77.0.1:9->10.77.0.2:53(udp)  84 bytes
//!   began 14:53:21.002003 on cpu 0 in nginx:7
//!   netns client, va:3
//!             0  ip_output
//!      +1.25 µs  dev_hard_start_xmit
//!   dropped after 41.2 µs: NETFILTER_DROP at nft_do_chain+0x1c2
//! ```
//!
//! Nothing is judged here: that is `track`'s.

mod json;
mod text;
mod words;

#[cfg(test)]
mod tests;

use super::Context;
use crate::track::{Journey, Tables};
pub use json::json;
pub use text::text;
pub(crate) use words::{Words, changed, how, word};

/// A journey with what names the numbers in it.
#[derive(Clone, Copy)]
pub struct Story<'a> {
    /// The journey.
    pub journey: &'a Journey,
    /// Tables of the tracker that made it.
    pub tables: &'a Tables,
    /// What is known of the run.
    pub context: &'a Context<'a>,
}
