//! IPv4 with options, IPv6 with extension headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Flow, Transport, ethertype, transport};

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
/// Most extension headers that are walked; real packets have one or two, and the kernel counts too many as an attack.
const MOST_EXTENSIONS: usize = 8;

/// IPv6 extension headers that are walked.
mod extension {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
}

/// The EtherType of bytes that nothing else describes: the version must be one of the two, and the header must hold
/// together; 20 arbitrary bytes hardly ever do.
pub(super) fn guess(bytes: &[u8]) -> Option<u16> {
    if let Some((header_len, header)) = v4(bytes) {
        let total_len = transport::word(header, 2)? as usize;
        let (source, destination) = addresses_v4(header)?;
        // 0 while the header is being built, as below.
        let sane =
            (total_len == 0 || total_len >= header_len) && !source.is_multicast() && !destination.is_unspecified();
        return sane.then_some(ethertype::IPV4);
    }
    let (source, destination) = addresses_v6(v6(bytes)?)?;
    (!source.is_multicast() && !destination.is_unspecified()).then_some(ethertype::IPV6)
}

/// Reads an IPv4 packet.
pub(super) fn flow_v4(bytes: &[u8]) -> Option<Flow> {
    let (header_len, header) = v4(bytes)?;
    let (source, destination) = addresses_v4(header)?;
    let protocol = header[9];
    let fragment_offset = transport::word(header, 6)? & 0x1fff;
    // 0 while the header is being built, and in packets beyond 64 KiB.
    let end = match transport::word(header, 2)? {
        0 => bytes.len(),
        total_len => bytes.len().min(total_len as usize),
    };
    let transport = match bytes.get(header_len..end) {
        Some(payload) if fragment_offset == 0 => transport::parse(protocol, payload),
        _ => Transport::Opaque,
    };
    Some(Flow { source: source.into(), destination: destination.into(), protocol, transport })
}

/// Length of an IPv4 header by its own account, and its fixed part.
fn v4(bytes: &[u8]) -> Option<(usize, &[u8; V4_HEADER])> {
    let header: &[u8; V4_HEADER] = bytes.first_chunk()?;
    let header_len = 4 * (header[0] & 15) as usize;
    (header[0] >> 4 == 4 && header_len >= V4_HEADER).then_some((header_len, header))
}

fn addresses_v4(header: &[u8; V4_HEADER]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (source, destination) = header[12..].split_first_chunk::<4>()?;
    Some(((*source).into(), (*destination.first_chunk::<4>()?).into()))
}

/// Reads an IPv6 packet.
pub(super) fn flow_v6(bytes: &[u8]) -> Option<Flow> {
    let header = v6(bytes)?;
    let (source, destination) = addresses_v6(header)?;
    // 0 while the header is being built, and in jumbograms.
    let end = match transport::word(header, 4)? {
        0 => bytes.len(),
        payload_len => bytes.len().min(V6_HEADER + payload_len as usize),
    };
    let (protocol, payload) = skip_extensions(header[6], bytes.get(V6_HEADER..end)?);
    let transport = payload.map_or(Transport::Opaque, |payload| transport::parse(protocol, payload));
    Some(Flow { source: source.into(), destination: destination.into(), protocol, transport })
}

fn v6(bytes: &[u8]) -> Option<&[u8; V6_HEADER]> {
    bytes.first_chunk().filter(|header: &&[u8; V6_HEADER]| header[0] >> 4 == 6)
}

fn addresses_v6(header: &[u8; V6_HEADER]) -> Option<(Ipv6Addr, Ipv6Addr)> {
    let (source, destination) = header[8..].split_first_chunk::<16>()?;
    Some(((*source).into(), (*destination.first_chunk::<16>()?).into()))
}

/// The protocol behind the extension headers and its bytes: none in a later fragment. Where the walk ends early, the
/// protocol is that of the header it ended at.
fn skip_extensions(first: u8, mut bytes: &[u8]) -> (u8, Option<&[u8]>) {
    let mut protocol = first;
    for _ in 0..MOST_EXTENSIONS {
        let Some(&[next, length]) = bytes.first_chunk() else {
            return (protocol, None);
        };
        let length = length as usize;
        let skipped = match protocol {
            extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION => 8 * (length + 1),
            extension::AUTHENTICATION => 4 * (length + 2),
            extension::FRAGMENT => 8,
            _ => return (protocol, Some(bytes)),
        };
        let later_fragment =
            protocol == extension::FRAGMENT && transport::word(bytes, 2).is_some_and(|offset| offset & !7 != 0);
        let Some(rest) = bytes.get(skipped..) else {
            return (protocol, None);
        };
        protocol = next;
        if later_fragment {
            return (protocol, None);
        }
        bytes = rest;
    }
    (protocol, None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    const TCP: &str = "1f900050 00000000 00000000 5012ffff 00000000";

    fn show(flow: Option<Flow>) -> String {
        let Some(flow) = flow else {
            return "none".to_owned();
        };
        let transport = match flow.transport {
            Transport::Ports { source, destination, tcp_flags } => format!("{source}-{destination} {tcp_flags:x?}"),
            Transport::Icmp { kind, code, echo } => format!("{kind}/{code} {echo:?}"),
            Transport::Opaque => "opaque".to_owned(),
        };
        format!("{} {} {} {transport}", flow.source, flow.destination, flow.protocol)
    }

    #[test]
    fn v4_packets() {
        let cases = [
            (format!("45000028 00000000 40060000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 6 8080-80 Some(12)"),
            // Options; a first and a later fragment; a length that is not filled in yet; padding behind the end.
            (
                format!("4600002c 00000000 40060000 0a000001 0a000002 94040000 {TCP}"),
                "10.0.0.1 10.0.0.2 6 8080-80 Some(12)",
            ),
            (format!("45000028 00002000 40110000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 17 8080-80 None"),
            (format!("45000028 00000001 40110000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 17 opaque"),
            (format!("45000000 00000000 40060000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 6 8080-80 Some(12)"),
            (format!("45000014 00000000 40060000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 6 opaque"),
            (format!("45000008 00000000 40060000 0a000001 0a000002 {TCP}"), "10.0.0.1 10.0.0.2 6 opaque"),
            // Cut before the transport header, inside the addresses; an impossible header length.
            ("45000028 00000000 40060000 0a000001 0a000002".to_owned(), "10.0.0.1 10.0.0.2 6 opaque"),
            ("4f000028 00000000 40060000 0a000001 0a000002".to_owned(), "10.0.0.1 10.0.0.2 6 opaque"),
            ("45000028 00000000 40060000 0a000001 0a0000".to_owned(), "none"),
            (format!("44000028 00000000 40060000 0a000001 0a000002 {TCP}"), "none"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(show(flow_v4(&hex(&bytes))), expected, "{bytes}");
        }
    }

    #[test]
    fn v6_extension_headers() {
        let addresses = "fd770000000000000000000000000001 fd770000000000000000000000000002";
        let cases = [
            (format!("06 40 {addresses} {TCP}"), "6 8080-80 Some(12)"),
            (format!("00 40 {addresses} 0600000000000000 {TCP}"), "6 8080-80 Some(12)"),
            (format!("2b 40 {addresses} 0600000000000000 {TCP}"), "6 8080-80 Some(12)"),
            (format!("3c 40 {addresses} 0601000000000000 0000000000000000 {TCP}"), "6 8080-80 Some(12)"),
            (format!("33 40 {addresses} 0601000000000000 00000000 {TCP}"), "6 8080-80 Some(12)"),
            (format!("00 40 {addresses} 2c00000000000000 1100000100000000 {TCP}"), "17 8080-80 None"),
            (format!("2c 40 {addresses} 1100000800000000 {TCP}"), "17 opaque"),
            (format!("3a 40 {addresses} 80000000 00070001"), "58 128/0 Some((7, 1))"),
            (format!("3b 40 {addresses}"), "59 opaque"),
            // A header that is cut, one that says to be longer than all there is, and more than are walked.
            (format!("00 40 {addresses} 0600"), "0 opaque"),
            (format!("3c 40 {addresses} 06ff000000000000 {TCP}"), "60 opaque"),
            (format!("2c 40 {addresses} {}", "2c00000000000000".repeat(9)), "44 opaque"),
        ];
        for (rest, expected) in cases {
            let found = show(flow_v6(&hex(&format!("60000000 0000 {rest}"))));
            assert_eq!(found, format!("fd77::1 fd77::2 {expected}"), "{rest}");
        }
        assert_eq!(
            show(flow_v6(&hex(&format!("60000000 0004 06 40 {addresses} {TCP}")))),
            "fd77::1 fd77::2 6 8080-80 None"
        );
        assert_eq!(show(flow_v6(&hex(&format!("50000000 0004 06 40 {addresses} {TCP}")))), "none");
    }
}
