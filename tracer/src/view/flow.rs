//! Flows and ARP packets as text.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use super::number;
use crate::model::{Arp, Flow, Transport};

/// Appends `10.0.0.1:37026->10.0.0.2:8080(tcp:SYN)` or `10.0.0.1->10.0.0.2(icmp echo id 7 seq 1)`.
pub(crate) fn write_flow(flow: &Flow, with_tcp_flags: bool, out: &mut String) {
    write_source(flow, out);
    out.push_str("->");
    write_destination(flow, out);
    out.push('(');
    write_protocol(flow.protocol, out);
    match flow.transport {
        Transport::Ports { tcp_flags: Some(flags), .. } if with_tcp_flags => {
            out.push(':');
            write_tcp_flags(flags, out);
        }
        Transport::Icmp { kind, code, echo } => write_icmp(flow.protocol, kind, code, echo, out),
        _ => {}
    }
    out.push(')');
}

/// Appends the source as it stands in a flow.
pub(crate) fn write_source(flow: &Flow, out: &mut String) {
    let port = match flow.transport {
        Transport::Ports { source, .. } => Some(source),
        _ => None,
    };
    write_end(flow.source, port, out);
}

/// Appends the destination as it stands in a flow.
pub(crate) fn write_destination(flow: &Flow, out: &mut String) {
    let port = match flow.transport {
        Transport::Ports { destination, .. } => Some(destination),
        _ => None,
    };
    write_end(flow.destination, port, out);
}

/// Appends an address, with a port if there is one.
pub(super) fn write_end(address: IpAddr, port: Option<u16>, out: &mut String) {
    let brackets = address.is_ipv6() && port.is_some();
    if brackets {
        out.push('[');
    }
    write_address(address, out);
    if brackets {
        out.push(']');
    }
    if let Some(port) = port {
        out.push(':');
        number::decimal(port, out);
    }
}

/// Appends an address.
pub(crate) fn write_address(address: IpAddr, out: &mut String) {
    match address {
        IpAddr::V4(address) => write_v4(address, out),
        // Writing to a string cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

fn write_v4(address: Ipv4Addr, out: &mut String) {
    for (index, byte) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        number::decimal(byte, out);
    }
}

/// Appends the name of an IP protocol, or its number.
pub(crate) fn write_protocol(protocol: u8, out: &mut String) {
    let name = match protocol {
        1 => "icmp",
        2 => "igmp",
        4 => "ipip",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        41 => "ipv6",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmp6",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        136 => "udplite",
        _ => return number::decimal(protocol, out),
    };
    out.push_str(name);
}

/// Appends `SYN|ACK`; nothing where no flag is set.
pub(crate) fn write_tcp_flags(flags: u8, out: &mut String) {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = names.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    for (index, (_, name)) in set.enumerate() {
        if index > 0 {
            out.push('|');
        }
        out.push_str(name);
    }
}

fn write_icmp(protocol: u8, kind: u8, code: u8, echo: Option<(u16, u16)>, out: &mut String) {
    out.push(' ');
    let name = icmp_name(protocol, kind);
    match name {
        Some(name) => out.push_str(name),
        None => write_labelled("type ", kind, out),
    }
    if code != 0 || name.is_none() {
        write_labelled(" code ", code, out);
    }
    if let Some((id, sequence)) = echo {
        write_labelled(" id ", id, out);
        write_labelled(" seq ", sequence, out);
    }
}

fn icmp_name(protocol: u8, kind: u8) -> Option<&'static str> {
    Some(match (protocol, kind) {
        (1, 0) | (58, 129) => "echo-reply",
        (1, 3) | (58, 1) => "unreachable",
        (1, 5) | (58, 137) => "redirect",
        (1, 8) | (58, 128) => "echo",
        (1, 11) | (58, 3) => "time-exceeded",
        (58, 2) => "too-big",
        (58, 133) => "router-solicit",
        (58, 134) => "router-advert",
        (58, 135) => "neighbor-solicit",
        (58, 136) => "neighbor-advert",
        (58, 143) => "mld-report",
        _ => return None,
    })
}

fn write_labelled(label: &str, value: impl Into<u64>, out: &mut String) {
    out.push_str(label);
    number::decimal(value, out);
}

/// Appends `ARP who-has 10.0.0.2 tell 10.0.0.1` or `ARP 10.0.0.2 is-at 02:00:00:00:00:02`.
pub(crate) fn write_arp(arp: &Arp, out: &mut String) {
    out.push_str("ARP ");
    match arp.operation {
        1 => {
            out.push_str("who-has ");
            write_v4(arp.target, out);
            out.push_str(" tell ");
            write_v4(arp.sender, out);
        }
        2 => {
            write_v4(arp.sender, out);
            out.push_str(" is-at ");
            write_mac(arp.sender_mac, out);
        }
        operation => {
            write_labelled("op ", operation, out);
            out.push(' ');
            write_v4(arp.sender, out);
            out.push_str("->");
            write_v4(arp.target, out);
        }
    }
}

/// Appends a hardware address.
pub(crate) fn write_mac(address: [u8; 6], out: &mut String) {
    for (index, byte) in address.into_iter().enumerate() {
        if index > 0 {
            out.push(':');
        }
        number::hex(byte as u64, 2, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows() {
        let ports = |tcp_flags| Transport::Ports { source: 37026, destination: 8080, tcp_flags };
        let icmp = |kind, code, echo| Transport::Icmp { kind, code, echo };
        let cases = [
            (6, ports(Some(0x12)), "10.0.0.1:37026->10.0.0.2:8080(tcp:SYN|ACK)"),
            (6, ports(Some(0)), "10.0.0.1:37026->10.0.0.2:8080(tcp:)"),
            (6, ports(None), "10.0.0.1:37026->10.0.0.2:8080(tcp)"),
            (1, icmp(8, 0, Some((7, 1))), "10.0.0.1->10.0.0.2(icmp echo id 7 seq 1)"),
            (1, icmp(3, 3, None), "10.0.0.1->10.0.0.2(icmp unreachable code 3)"),
            (1, icmp(42, 0, None), "10.0.0.1->10.0.0.2(icmp type 42 code 0)"),
            (47, Transport::Opaque, "10.0.0.1->10.0.0.2(gre)"),
            (253, Transport::Opaque, "10.0.0.1->10.0.0.2(253)"),
        ];
        for (protocol, transport, expected) in cases {
            let (source, destination) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
            let mut out = String::new();
            write_flow(&Flow { source, destination, protocol, transport }, true, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn v6_has_brackets_only_before_a_port() {
        let (source, destination) = ("fd77::1".parse().unwrap(), "::1".parse().unwrap());
        let ports = Transport::Ports { source: 1, destination: 2, tcp_flags: Some(2) };
        let echo = Transport::Icmp { kind: 129, code: 0, echo: Some((1, 2)) };
        for (protocol, transport, expected) in
            [(6, ports, "[fd77::1]:1->[::1]:2(tcp)"), (58, echo, "fd77::1->::1(icmp6 echo-reply id 1 seq 2)")]
        {
            let mut out = String::new();
            write_flow(&Flow { source, destination, protocol, transport }, false, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn arp_packets() {
        let arp = Arp {
            operation: 1,
            sender_mac: [2, 0, 0, 0, 0, 0xfe],
            sender: [10, 0, 0, 1].into(),
            target_mac: [0; 6],
            target: [10, 0, 0, 2].into(),
        };
        let cases = [
            (1, "ARP who-has 10.0.0.2 tell 10.0.0.1"),
            (2, "ARP 10.0.0.1 is-at 02:00:00:00:00:fe"),
            (9, "ARP op 9 10.0.0.1->10.0.0.2"),
        ];
        for (operation, expected) in cases {
            let mut out = String::new();
            write_arp(&Arp { operation, ..arp }, &mut out);
            assert_eq!(out, expected);
        }
    }
}
