//! Balancing's maps (elf-io). Texts are those of `inspect showMapData`.
//!
//! Addresses are in network order, ports in the machine's, although their type says otherwise.

pub mod records;
pub mod services;

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Bytes, Decoder, versions::Version};
use crate::model::balancing::NatType;

/// Balancing's decoders.
pub const DECODERS: &[&dyn Decoder] = &[
    &records::AFFINITY,
    &records::NAT_RECORDS,
    &services::SERVICES,
    &services::BACKENDS,
    &services::NODE_ADDRESSES,
    &services::NODE_PROXIES,
    &services::SETTINGS,
    &records::FLOWS,
];

/// A layout of a map that is pinned where Balancing pins all of them.
macro_rules! version {
    ($name:literal, $kind:ident, $key:literal, $value:literal) => {
        $crate::inspect::maps::decode::versions::Version::pinned(
            concat!("balancing/", $name),
            $crate::inspect::maps::decode::kind::$kind,
            $key,
            $value,
            false,
        )
    };
}
use version;

fn ipv4(bytes: Bytes<'_>, at: usize) -> Ipv4Addr {
    Ipv4Addr::from(bytes.array::<4>(at))
}

/// An address, and a port that need not lie behind it.
fn end(bytes: Bytes<'_>, address: usize, port: usize) -> SocketAddrV4 {
    SocketAddrV4::new(ipv4(bytes, address), bytes.u16(port))
}

fn nat_type(number: u8) -> NatType {
    match number {
        0 => NatType::Service,
        1 => NatType::LocalRedirect,
        2 => NatType::Balancing,
        other => NatType::Unknown(other),
    }
}

/// As the tool names it.
pub fn nat_type_name(nat_type: NatType) -> String {
    match nat_type {
        NatType::Service => "service".to_owned(),
        NatType::LocalRedirect => "localRedirect".to_owned(),
        NatType::Balancing => "balancing".to_owned(),
        NatType::Unknown(number) => format!("unknown ({number})"),
    }
}

/// As the tool names it; it says `unknown` of anything else than TCP and UDP, here with its number.
pub fn protocol_name(protocol: u8) -> String {
    match protocol {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        other => format!("unknown ({other})"),
    }
}

#[cfg(test)]
mod tests;
