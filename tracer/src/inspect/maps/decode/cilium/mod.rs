//! Cilium's maps, releases 1.12 to 1.19 (and what is known of 1.20).
//!
//! Layouts are those of each release's `bpf_alignchecker.c`; texts are those of its `cilium-dbg bpf … list`. Where releases
//! differ in nothing that the kernel shows, [`Subject::release`] decides, and without it the newest that fits.

pub mod affinity;
pub mod auth;
pub mod backends;
pub mod conntrack;
pub mod egress;
pub mod endpoint;
pub mod fragments;
pub mod ipcache;
pub mod maglev;
pub mod metrics;
pub mod nat;
pub mod node;
pub mod policy;
pub mod policystats;
pub mod ranges;
pub mod reverse;
pub mod services;
pub mod srv6;
pub mod tunnel;
pub mod vtep;
mod words;

pub use words::Releases;

use super::{Decoder, Subject, versions::in_globals as version};

/// Cilium's decoders.
pub const DECODERS: &[&dyn Decoder] = &[
    &ipcache::Map,
    &endpoint::Map,
    &metrics::Map,
    &conntrack::MAP,
    &nat::MAP,
    &services::Map,
    &backends::Map,
    &reverse::MAP,
    &ranges::MAP,
    &affinity::CLIENTS,
    &affinity::MATCHES,
    &maglev::SERVICES,
    &maglev::Table,
    &policy::Map,
    &policystats::Map,
    &node::Map,
    &tunnel::Map,
    &auth::Map,
    &egress::Map,
    &fragments::MAP,
    &vtep::MAP,
    &srv6::ROUTES,
    &srv6::POLICIES,
    &srv6::SEGMENTS,
];

/// The oldest release whose layouts are known.
pub const OLDEST: u16 = 12;
/// The newest release whose layouts are known.
pub const NEWEST: u16 = 19;

/// Minor number of the map's release (the major one is 1), the newest where it is not known.
fn minor(map: &Subject<'_>) -> u16 {
    minor_of(map.release)
}

fn minor_of(release: Option<(u16, u16)>) -> u16 {
    release.map_or(NEWEST, |(_, minor)| minor)
}
