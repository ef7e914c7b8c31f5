//! The maps of Merbridge 0.5 to 0.8 (OSM Edge 1.2 ships 0.7.1) and of OSM Edge's interceptor (1.3), which has the same
//! structures under other names.
//!
//! The size of a key decides which layout it is: addresses of 4 bytes up to 0.7.1, of 16 (IPv4 as `::ffff:a.b.c.d`) later. No
//! tool of theirs prints these maps, so the words are ours.

pub mod pods;
pub mod redirects;

use std::net::{IpAddr, Ipv4Addr};

use super::{Bytes, Decoder, versions::Version};

/// Merbridge's decoders.
pub const DECODERS: &[&dyn Decoder] = &[
    &redirects::COOKIES,
    &redirects::PAIRS,
    &redirects::SOCKETS,
    &pods::PODS,
    &pods::PROCESSES,
    &pods::MARKS,
    &pods::CGROUPS,
    &pods::SETTINGS,
];

/// A layout; `ipv6` says that addresses have 16 bytes.
macro_rules! version {
    ($pin:literal, $kind:ident, $key:literal, $value:literal, $wide:literal) => {
        $crate::inspect::maps::decode::versions::Version::pinned(
            $pin,
            $crate::inspect::maps::decode::kind::$kind,
            $key,
            $value,
            $wide,
        )
    };
}
use version;

/// An address of 4 bytes, or one of 16, of which those of IPv4 are shown as such.
fn address(bytes: Bytes<'_>, at: usize, is_wide: bool) -> IpAddr {
    match bytes.address(at, is_wide) {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        address @ IpAddr::V4(_) => address,
    }
}

/// The network in which Merbridge gives each connection of an application an address of its own to its sidecar
/// (127.128.0.0/12), where it does not know the pod's.
pub fn is_made_up(address: IpAddr) -> bool {
    const FIRST: Ipv4Addr = Ipv4Addr::new(127, 128, 0, 0);
    matches!(address, IpAddr::V4(address) if u32::from(address) >> 20 == u32::from(FIRST) >> 20)
}

#[cfg(test)]
mod tests;
