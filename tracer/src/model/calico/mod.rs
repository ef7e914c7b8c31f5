//! Rows of the maps of Calico's eBPF dataplane. What the bytes mean is worked out in `inspect::maps::decode::calico`.

mod conntrack;
mod interface;
mod nat;
mod node;

pub use conntrack::{Connection, ConnectionKey, ConnectionKind, ConnectionState, Leg, Track};
pub use interface::{Counters, Hook, Interface, Policies, Profile, Rate, RuleHits};
pub use nat::{Affinity, Backend, Frontend, MaglevSlot, Reversal};
pub use node::{Failsafe, Member, Neighbour, Route};
