//! The headers of a packet and what they say. Bytes are foreign: every access is checked, and what contradicts itself
//! says nothing. It must not allocate: half a million hits a run come through here.

mod arp;
mod ip;
mod socket;
mod transport;

use std::net::IpAddr;

/// Where [`Headers`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The packet's own bytes, network header first.
    Packet,
    /// The socket that sends it: the headers are not written yet.
    Socket,
    /// Neither could be read.
    Unknown,
}

/// First bytes of a packet, from the network header on.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    /// Where they come from.
    pub origin: Origin,
    /// The bytes; for [`Origin::Socket`] a `tracer_common::event::SocketTuple`.
    pub bytes: [u8; tracer_common::event::HEADER_BYTES],
    /// Bytes in use.
    pub len: u16,
    /// `skb->protocol`: decides how the bytes are read; 0 if not set.
    pub protocol: u16,
}

/// EtherTypes that [`Headers::protocol`] is compared with.
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const ARP: u16 = 0x0806;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const IPV6: u16 = 0x86dd;
    pub(super) const QINQ: u16 = 0x88a8;
}

impl Headers {
    /// Addresses and ports; `None` where the bytes are no IP packet, or not the kind that `protocol` says.
    pub fn flow(&self) -> Option<Flow> {
        match self.origin {
            Origin::Socket => socket::flow(self.used()),
            Origin::Unknown => None,
            Origin::Packet => match self.network()? {
                (ethertype::IPV4, bytes) => ip::flow_v4(bytes),
                (ethertype::IPV6, bytes) => ip::flow_v6(bytes),
                _ => None,
            },
        }
    }

    /// The ARP packet, if it is one.
    pub fn arp(&self) -> Option<Arp> {
        match (self.origin, self.network()?) {
            (Origin::Packet, (ethertype::ARP, bytes)) => arp::parse(bytes),
            _ => None,
        }
    }

    fn used(&self) -> &[u8] {
        &self.bytes[..self.bytes.len().min(self.len as usize)]
    }

    /// What the network header is, and its bytes.
    ///
    /// A protocol of 0 is common on the way out, before `__ip_local_out` sets it: then the header speaks for itself.
    /// A VLAN protocol stands either before its tag (received, `skb_vlan_untag` still to come: the tag is where the
    /// network header should be) or before IP (sent with the tag in the Ethernet header).
    fn network(&self) -> Option<(u16, &[u8])> {
        let bytes = self.used();
        match self.protocol {
            0 => Some((ip::guess(bytes)?, bytes)),
            ethertype::VLAN | ethertype::QINQ => behind_tag(bytes).or_else(|| Some((ip::guess(bytes)?, bytes))),
            protocol => Some((protocol, bytes)),
        }
    }
}

/// Skips a tag, or two, when what follows is what the tag says.
fn behind_tag(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (protocol, rest) = untag(bytes)?;
    let (protocol, rest) = if protocol == ethertype::VLAN { untag(rest)? } else { (protocol, rest) };
    let fits = match protocol {
        ethertype::IPV4 | ethertype::IPV6 => ip::guess(rest) == Some(protocol),
        ethertype::ARP => arp::parse(rest).is_some(),
        _ => false,
    };
    fits.then_some((protocol, rest))
}

fn untag(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (tag, rest) = bytes.split_first_chunk::<4>()?;
    Some((u16::from_be_bytes([tag[2], tag[3]]), rest))
}

/// Transport part of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, UDP, SCTP, …: has ports. `tcp_flags` only for TCP.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// The flags byte of a TCP header.
        tcp_flags: Option<u8>,
    },
    /// ICMP and ICMPv6.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Identifier and sequence number of an echo.
        echo: Option<(u16, u16)>,
    },
    /// Anything else, a later fragment, or a header cut short.
    Opaque,
}

/// Addresses and ports of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Number of the transport protocol, behind any IPv6 extension headers.
    pub protocol: u8,
    /// What the transport header says.
    pub transport: Transport,
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender's hardware address.
    pub sender_mac: [u8; 6],
    /// Sender's address.
    pub sender: std::net::Ipv4Addr,
    /// Target's hardware address.
    pub target_mac: [u8; 6],
    /// Target's address.
    pub target: std::net::Ipv4Addr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tracer_common::event::HEADER_BYTES;

    /// Headers of the given bytes, cut at what the kernel side sends.
    pub(super) fn headers(origin: Origin, protocol: u16, from: &[u8]) -> Headers {
        let mut bytes = [0; HEADER_BYTES];
        let len = from.len().min(HEADER_BYTES);
        bytes[..len].copy_from_slice(&from[..len]);
        Headers { origin, bytes, len: len as u16, protocol }
    }

    /// Bytes written as hex, spaces allowed.
    pub(super) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    const UDP: &str = "45000020 00000000 40110000 0a4d0001 0a4d0002 9c400035 000c0000 61626364";
    const UDP6: &str = "60000000 000c1140 fd770000000000000000000000000001 fd770000000000000000000000000002 9c400035 000c0000 61626364";
    const ARP: &str = "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002";

    #[test]
    fn the_protocol_decides_and_contradictions_say_nothing() {
        let cases = [
            (0x0800, UDP.to_owned(), "10.77.0.1"),
            (0x0800, UDP6.to_owned(), "-"),
            (0x0806, UDP.to_owned(), "-"),
            (0x86dd, UDP.to_owned(), "-"),
            (0x86dd, UDP6.to_owned(), "fd77::1"),
            (0x8847, UDP.to_owned(), "-"),
            (0x0800, ARP.to_owned(), "-"),
            (0x0806, ARP.to_owned(), "arp"),
            // Not set yet: the header must hold together by itself.
            (0, UDP.to_owned(), "10.77.0.1"),
            (0, UDP6.to_owned(), "fd77::1"),
            (0, UDP.replacen("45000020", "45000008", 1), "-"),
            (0, UDP.replacen("45000020", "43000020", 1), "-"),
            (0, ARP.to_owned(), "-"),
            (0, "00".repeat(80), "-"),
            (0, "ff".repeat(80), "-"),
            // A tag before the header, two tags, the tag elsewhere, and a tag that lies.
            (0x8100, format!("0005 0800 {UDP}"), "10.77.0.1"),
            (0x8100, format!("0005 86dd {UDP6}"), "fd77::1"),
            (0x8100, format!("0005 0806 {ARP}"), "arp"),
            (0x88a8, format!("0005 8100 0006 0800 {UDP}"), "10.77.0.1"),
            (0x8100, UDP.to_owned(), "10.77.0.1"),
            (0x8100, format!("0005 86dd {UDP}"), "-"),
            (0x8100, "0005".to_owned(), "-"),
        ];
        for (protocol, bytes, expected) in cases {
            let headers = headers(Origin::Packet, protocol, &hex(&bytes));
            let found = match (headers.flow(), headers.arp()) {
                (Some(flow), None) => flow.source.to_string(),
                (None, Some(_)) => "arp".to_owned(),
                (None, None) => "-".to_owned(),
                (Some(_), Some(_)) => "both".to_owned(),
            };
            assert_eq!(found, expected, "{protocol:#06x} {bytes}");
        }
    }

    #[test]
    fn nothing_is_read_from_an_unknown_origin_or_beyond_the_length() {
        assert_eq!(headers(Origin::Unknown, 0x0800, &hex(UDP)).flow(), None);
        let mut cut = headers(Origin::Packet, 0x0800, &hex(UDP));
        cut.len = 19;
        assert_eq!(cut.flow(), None);
        cut.len = u16::MAX;
        assert!(cut.flow().is_some());
    }

    fn any_origin() -> impl Strategy<Value = Origin> {
        prop_oneof![Just(Origin::Packet), Just(Origin::Socket), Just(Origin::Unknown)]
    }

    fn any_protocol() -> impl Strategy<Value = u16> {
        prop_oneof![Just(0), Just(0x0800), Just(0x0806), Just(0x86dd), Just(0x8100), Just(0x88a8), any::<u16>()]
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_no_harm(
            origin in any_origin(),
            protocol in any_protocol(),
            len in any::<u16>(),
            first in prop_oneof![Just(0x45_u8), Just(0x4f), Just(0x60), any::<u8>()],
            next in prop_oneof![Just(0_u8), Just(43), Just(44), Just(51), Just(60), any::<u8>()],
            mut bytes in proptest::collection::vec(any::<u8>(), HEADER_BYTES),
        ) {
            (bytes[0], bytes[6]) = (first, next);
            let mut headers = headers(origin, protocol, &bytes);
            headers.len = len;
            prop_assert!(headers.flow().is_none() || headers.arp().is_none());
        }
    }
}
