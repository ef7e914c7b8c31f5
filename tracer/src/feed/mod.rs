//! One stream of events with all that is needed to name what is in them, whatever they come from.
//!
//! Today that is a running kernel ([`live`]); recordings join here. Nothing behind this module needs privileges.

pub mod environment;
pub mod live;
pub mod names;
pub mod source;

pub use environment::{Recorded, System};
pub use live::{Live, Options};
pub use names::Names;
pub use source::{Poll, Source};
