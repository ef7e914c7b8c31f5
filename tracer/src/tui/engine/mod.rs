//! The thread that has the source: it tracks, and hands what it found to the drawing thread in batches.
//!
//! Capture is never slowed by drawing: a batch that the other side has no room for grows until it has, and what is beyond its bound is
//! left out and counted. Nothing here knows of a terminal, keys or colours.

mod batch;
mod gather;
mod live;
mod order;
mod outbox;
mod rates;
mod recorded;
mod sights;
mod tape;
mod watch;

pub use batch::{Answer, Batch, Packet, Progress, Status};
pub use gather::Gather;
pub use live::{Engine as LiveEngine, Running};
pub use order::Order;
pub use outbox::{Closed, Outbox, Sink};
pub use recorded::{Engine as ReplayEngine, Loading};
pub use sights::Sight;
pub use tape::{Tape, TapeMaker};
pub use watch::Watch;
