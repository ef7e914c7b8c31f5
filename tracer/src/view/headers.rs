//! Headers in words, a line each: what people look for when a packet went the wrong way. Bytes are foreign: what is cut short or
//! contradicts itself is shown as far as it goes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{flow, number, phrase::append};
use crate::model::{Headers, Origin};

/// The headers of a packet, outermost first.
pub(crate) fn lines(headers: &Headers) -> Vec<String> {
    let bytes = headers.bytes.get(..usize::from(headers.len)).unwrap_or_default();
    match headers.origin {
        Origin::Unknown => vec!["no headers could be read here".to_owned()],
        Origin::Socket => vec![socket(headers)],
        Origin::Packet => network(headers.protocol, bytes),
    }
}

fn socket(headers: &Headers) -> String {
    let mut text = String::from("not written yet; of the socket: ");
    match headers.flow() {
        Some(flow) => flow::write_flow(&flow, false, &mut text),
        None => text.push_str("nothing"),
    }
    text
}

fn network(protocol: u16, bytes: &[u8]) -> Vec<String> {
    match (protocol, bytes.first().map(|first| first >> 4)) {
        (0x0806, _) => vec![arp(bytes)],
        (_, Some(4)) => version_4(bytes),
        (_, Some(6)) => version_6(bytes),
        _ => vec![format!("protocol {protocol:#06x}, {} bytes", bytes.len())],
    }
}

fn version_4(bytes: &[u8]) -> Vec<String> {
    let Some(head) = bytes.first_chunk::<20>() else { return vec!["IPv4, cut short".to_owned()] };
    let (source, destination) = (address_4(&head[12..16]), address_4(&head[16..20]));
    let fragment = word(&head[6..8]);
    let mut line = format!(
        "IPv4 {source} > {destination}  ttl {}  id {}  length {}",
        head[8],
        word(&head[4..6]),
        word(&head[2..4])
    );
    if fragment & 0x4000 != 0 {
        line.push_str("  DF");
    }
    if fragment & 0x3fff != 0 {
        append(format_args!("  fragment at {}", (fragment & 0x1fff) * 8), &mut line);
        line.push_str(if fragment & 0x2000 != 0 { ", more follow" } else { ", the last" });
    }
    if head[1] != 0 {
        append(format_args!("  tos {:#04x}", head[1]), &mut line);
    }
    let mut lines = vec![line];
    let offset = fragment & 0x1fff;
    if offset == 0 {
        let length = usize::from(head[0] & 15) * 4;
        lines.push(transport(head[9], bytes.get(length..).unwrap_or_default()));
    }
    lines
}

fn version_6(bytes: &[u8]) -> Vec<String> {
    let Some(head) = bytes.first_chunk::<40>() else { return vec!["IPv6, cut short".to_owned()] };
    let (source, destination) = (address_6(&head[8..24]), address_6(&head[24..40]));
    let line = format!("IPv6 {source} > {destination}  hop limit {}  payload {} bytes", head[7], word(&head[4..6]));
    let mut lines = vec![line];
    lines.push(transport(head[6], &bytes[40..]));
    lines
}

fn transport(protocol: u8, bytes: &[u8]) -> String {
    let mut line = String::new();
    let name = {
        let mut name = String::new();
        flow::write_protocol(protocol, &mut name);
        name.to_uppercase()
    };
    let ports = bytes.first_chunk::<4>().map(|ports| (word(&ports[..2]), word(&ports[2..])));
    let Some((source, destination)) = ports else { return format!("{name}, cut short") };
    match (protocol, bytes.len()) {
        (6, 20..) => {
            append(format_args!("TCP {source} > {destination}  "), &mut line);
            flow::write_tcp_flags(bytes[13], &mut line);
            append(format_args!("  seq {}", long(&bytes[4..8])), &mut line);
            if bytes[13] & 0x10 != 0 {
                append(format_args!("  ack {}", long(&bytes[8..12])), &mut line);
            }
            append(format_args!("  window {}", word(&bytes[14..16])), &mut line);
        }
        (17 | 136, 8..) => {
            append(format_args!("{name} {source} > {destination}  length {}", word(&bytes[4..6])), &mut line);
        }
        (1 | 58, _) => append(format_args!("{name} type {} code {}", bytes[0], bytes[1]), &mut line),
        (6 | 17 | 33 | 132 | 136, _) => append(format_args!("{name} {source} > {destination}"), &mut line),
        _ => line.push_str(&name),
    }
    line
}

fn arp(bytes: &[u8]) -> String {
    let headers = Headers {
        origin: Origin::Packet,
        bytes: std::array::from_fn(|place| bytes.get(place).copied().unwrap_or(0)),
        len: bytes.len() as u16,
        protocol: 0x0806,
    };
    let mut line = String::new();
    match headers.arp() {
        Some(arp) => flow::write_arp(&arp, &mut line),
        None => line.push_str("ARP, cut short"),
    }
    line
}

/// Bytes in hexadecimal with letters beside them, sixteen a line.
pub(crate) fn hex(bytes: &[u8]) -> Vec<String> {
    let line = |(number, chunk): (usize, &[u8])| {
        let mut line = String::new();
        number::hex(number as u64 * 16, 4, &mut line);
        line.push(' ');
        for place in 0..16 {
            line.push_str(if place % 8 == 0 { "  " } else { " " });
            match chunk.get(place) {
                Some(byte) => number::hex(u64::from(*byte), 2, &mut line),
                None => line.push_str("  "),
            }
        }
        line.push_str("  ");
        line.extend(chunk.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }));
        line
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

fn word(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

fn long(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn address_4(bytes: &[u8]) -> Ipv4Addr {
    bytes.first_chunk::<4>().map_or(Ipv4Addr::UNSPECIFIED, |bytes| Ipv4Addr::from(*bytes))
}

fn address_6(bytes: &[u8]) -> Ipv6Addr {
    bytes.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(protocol: u16, bytes: &[u8]) -> Headers {
        let mut all = [0; tracer_common::event::HEADER_BYTES];
        all[..bytes.len()].copy_from_slice(bytes);
        Headers { origin: Origin::Packet, bytes: all, len: bytes.len() as u16, protocol }
    }

    #[test]
    fn a_syn() {
        let bytes = [
            0x45, 0, 0, 60, 0x12, 0x67, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0xd6, 0x52, 0, 80, 0, 0, 0, 9,
            0, 0, 0, 0, 0xa0, 2, 0xfa, 0xf0, 0, 0, 0, 0,
        ];
        assert_eq!(
            lines(&headers(0x0800, &bytes)),
            ["IPv4 10.0.0.1 > 10.0.0.2  ttl 64  id 4711  length 60  DF", "TCP 54866 > 80  SYN  seq 9  window 64240"]
        );
        assert_eq!(lines(&headers(0x0800, &bytes[..22]))[1], "TCP, cut short");
        assert_eq!(lines(&headers(0x0800, &bytes[..9])), ["IPv4, cut short"]);
    }

    #[test]
    fn bytes_in_lines() {
        assert_eq!(
            hex(b"0123456789abcdef\x00A"),
            [
                "0000   30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef",
                "0010   00 41                                             .A"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(protocol in prop_oneof![Just(0x0800_u16), Just(0x86dd), Just(0x0806), any::<u16>()],
                              bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!lines(&headers(protocol, &bytes)).is_empty());
        }
    }
}
