//! The maps of Calico's eBPF dataplane, releases 3.24 to 3.32 and what came after.
//!
//! Texts are those of `calico-node -bpf … dump`. Maps of which only name and sizes are known (`cali_v4_ct_nats`,
//! `cali_qos_conn`) have no decoder: whoever dumps them sees bytes.

pub mod conntrack;
pub mod counters;
pub mod interfaces;
pub mod nat;
pub mod node;

use std::net::IpAddr;

use super::{
    Decoder,
    versions::{Version, in_globals as version},
};

/// Calico's decoders.
pub const DECODERS: &[&dyn Decoder] = &[
    &conntrack::MAP,
    &nat::FRONTENDS,
    &nat::BACKENDS,
    &nat::AFFINITY,
    &nat::MAGLEV,
    &nat::REVERSALS,
    &node::ROUTES,
    &node::IP_SETS,
    &node::NEIGHBOURS,
    &node::FAILSAFES,
    &interfaces::STATES,
    &interfaces::RATES,
    &counters::COUNTERS,
    &counters::OLD_COUNTERS,
    &counters::RULES,
    &counters::PROFILES,
];

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests;
