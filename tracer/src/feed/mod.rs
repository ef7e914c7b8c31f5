//! One stream of events with all that is needed to name what is in them, whatever they come from.
//!
//! That is a running kernel ([`live`]) or recordings ([`replay`]); both are a [`Source`]. Nothing behind this module needs
//! privileges.

pub mod environment;
pub mod judge;
pub mod live;
pub mod names;
pub mod replay;
pub mod source;

pub use environment::{Recorded, System};
pub use judge::Judge;
pub use live::{Live, Options, Plan, Planned};
pub use names::Names;
pub use replay::Replay;
pub use source::{Poll, Source};
