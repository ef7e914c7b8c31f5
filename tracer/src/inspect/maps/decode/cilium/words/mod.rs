//! Words and structs that several of Cilium's maps share. No map is recognised here.

mod files;
mod reasons;
mod release;
mod tuple;

pub(super) use files::file;
pub(super) use reasons::{is_drop, reason};
pub use release::Releases;
pub(super) use tuple::Tuple;

use std::net::IpAddr;

use crate::inspect::maps::decode::Bytes;

/// A transport protocol as `pkg/u8proto` of the release names it. Those from 1.19 on know more.
pub(super) fn protocol(number: u8, minor: u16) -> String {
    let name = match number {
        0 => "ANY",
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        58 => "ICMPv6",
        132 if minor >= 13 => "SCTP",
        2 if minor >= 19 => "IGMP",
        4 if minor >= 19 => "IPIP",
        41 if minor >= 19 => "IPv6",
        47 if minor >= 19 => "GRE",
        50 if minor >= 19 => "ESP",
        51 if minor >= 19 => "AH",
        112 if minor >= 19 => "VRRP",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// An address with its port, IPv6 in brackets.
pub(super) fn with_port(address: IpAddr, port: impl Into<u16>) -> String {
    std::net::SocketAddr::new(address, port.into()).to_string()
}

/// An address with its cluster, if that is another one than this.
pub(super) fn with_cluster(address: IpAddr, cluster: u16) -> String {
    if cluster == 0 { address.to_string() } else { format!("{address}@{cluster}") }
}

/// How peers prove who they are (`AuthType`).
pub(super) fn authentication(kind: u8) -> String {
    match kind {
        0 => "disabled".to_owned(),
        1 => "spire".to_owned(),
        2 => "test-always-fail".to_owned(),
        other => format!("Unknown-auth-type-{other}"),
    }
}

/// The names of the bits that are set.
pub(super) fn names<'a>(flags: u16, table: &'a [(u16, &'static str)]) -> impl Iterator<Item = &'static str> + use<'a> {
    table.iter().filter(move |(bit, _)| flags & bit != 0).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_named_as_the_release_knows_them() {
        let cases =
            [(6, 12, "TCP"), (132, 12, "132"), (132, 13, "SCTP"), (47, 18, "47"), (47, 19, "GRE"), (99, 19, "99")];
        for (number, minor, expected) in cases {
            assert_eq!(protocol(number, minor), expected);
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(with_port("fd00::1".parse().unwrap(), 80_u16), "[fd00::1]:80");
        assert_eq!(with_cluster("10.0.0.1".parse().unwrap(), 7), "10.0.0.1@7");
        assert_eq!(authentication(9), "Unknown-auth-type-9");
    }
}
