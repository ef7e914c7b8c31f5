//! Records to journeys, journeys to paths, and where two sets of paths part.
//!
//! All of it is pure: time comes from the records, names from the layers above. Memory is bounded by [`Limits`], whatever
//! is fed, and what there is no room for is counted. A journey is made of [`Hop`]s of 48 bytes, which an event and a row of
//! a recording become alike.

mod between;
mod diff;
mod drops;
mod hash;
mod histogram;
mod hop;
mod journey;
mod layers;
mod look;
mod outline;
mod paths;
mod rules;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod tracker;
mod traits;
mod verdict;

pub use between::Between;
pub use diff::{Difference, Moved, Next, Side, Stop, Way, diff};
pub use drops::{By, Drops, Group, Kind};
pub use histogram::Histogram;
pub use hop::Hop;
pub use journey::{Identity, Journey, State, Strand};
pub use layers::Layer;
pub use look::{Changed, Look, Said, Sight};
pub use outline::Item;
pub use paths::{Ending, Path, PathLimits, Paths, Place, Step, way};
pub use rules::{RULES, Role, Roles, Taker, xdp};
pub use tables::{Device, DeviceId, Growth, Mark, NetnsId, Tables, TaskId};
pub use tracker::{Limits, Tally, Tracker};
pub use traits::{Differs, Traits, Value};
pub use verdict::{Verdict, judge};
