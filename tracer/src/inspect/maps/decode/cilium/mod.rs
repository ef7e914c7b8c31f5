//! Cilium's maps, releases 1.12 to 1.19 (and what is known of 1.20).
//!
//! Layouts are those of each release's `bpf_alignchecker.c`; texts are those of its `cilium-dbg bpf … list`. Where releases
//! differ in nothing that the kernel shows, [`Subject::release`] decides, and without it the newest that fits.

pub mod auth;
pub mod backends;
pub mod conntrack;
pub mod egress;
pub mod endpoint;
pub mod ipcache;
pub mod metrics;
pub mod nat;
pub mod node;
pub mod policy;
pub mod policystats;
pub mod ranges;
pub mod reverse;
pub mod services;
pub mod tunnel;
mod words;

pub use words::Releases;

use super::{Decoder, Subject};

/// Cilium's decoders.
pub const DECODERS: &[&dyn Decoder] = &[
    &ipcache::Map,
    &endpoint::Map,
    &metrics::Map,
    &conntrack::Map,
    &nat::Map,
    &services::Map,
    &backends::Map,
    &reverse::Map,
    &ranges::Map,
    &policy::Map,
    &policystats::Map,
    &node::Map,
    &tunnel::Map,
    &auth::Map,
    &egress::Map,
];

/// The oldest release whose layouts are known.
pub const OLDEST: u16 = 12;
/// The newest release whose layouts are known.
pub const NEWEST: u16 = 19;

/// Minor number of the map's release (the major one is 1), the newest where it is not known.
fn minor(map: &Subject<'_>) -> u16 {
    map.release.map_or(NEWEST, |(_, minor)| minor)
}
