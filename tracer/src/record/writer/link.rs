//! The bytes of a packet as other tools want them: with the link type that fits what was read of it.

use crate::{
    model::{Event, Headers, Origin},
    record::format::pcapng::LinkType,
};

/// Bytes of an Ethernet header, and of a VLAN tag in it.
const ETHERNET: usize = 14;
const TAG: usize = 4;
/// Length of the fixed IPv6 header.
const IPV6: u32 = 40;
/// Bytes that have to agree before two readings are taken for the same packet.
const ENOUGH: usize = 8;
/// `ARPHRD_VOID`: nothing is known of the link (include/uapi/linux/if_arp.h).
const UNKNOWN_HARDWARE: u16 = 0xffff;

mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const ARP: u16 = 0x0806;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const IPV6: u16 = 0x86dd;
    pub(super) const QINQ: u16 = 0x88a8;
}

/// What is written of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How the bytes begin.
    pub(super) link: LinkType,
    /// Bytes of the whole packet in this form.
    pub(super) original_len: u32,
}

/// Puts the packet's bytes into `out`, which is emptied before; `None` where none were read.
pub(super) fn bytes(event: &Event, out: &mut Vec<u8>) -> Option<Shape> {
    out.clear();
    let headers = from_network(&event.headers);
    let whole = event.details.as_ref().map_or(&[][..], |details| &details.packet);
    if !whole.is_empty() && is_ethernet(whole, headers) {
        out.extend_from_slice(whole);
        let inner = whole.get(ETHERNET..).unwrap_or_default();
        let len = ip_len(inner).map_or(event.len, |len| len.saturating_add(ETHERNET as u32));
        return Some(Shape { link: LinkType::Ethernet, original_len: len });
    }
    // What is neither Ethernet nor begins as the headers do has a link header that is not known.
    let network = if whole.len() > headers.len() && agree(whole, headers) { whole } else { headers };
    if network.is_empty() {
        return None;
    }
    let original_len = ip_len(network).unwrap_or(event.len);
    if is_ip(event.headers.protocol, network) {
        out.extend_from_slice(network);
        return Some(Shape { link: LinkType::RawIp, original_len });
    }
    cooked(event, out);
    let head = out.len() as u32;
    out.extend_from_slice(network);
    Some(Shape { link: LinkType::Cooked, original_len: original_len.saturating_add(head) })
}

/// What a drop is shown with of which no bytes were read.
pub(super) const NOTHING: LinkType = LinkType::RawIp;

/// The packet's own bytes, from the network header on.
fn from_network(headers: &Headers) -> &[u8] {
    match headers.origin {
        Origin::Packet => &headers.bytes[..headers.bytes.len().min(headers.len as usize)],
        Origin::Socket | Origin::Unknown => &[],
    }
}

/// Whether bytes from the outermost header on begin with an Ethernet header: the network header must follow it.
fn is_ethernet(whole: &[u8], headers: &[u8]) -> bool {
    let Some(kind) = whole.get(12..ETHERNET).map(|kind| u16::from_be_bytes([kind[0], kind[1]])) else { return false };
    if headers.len() >= ENOUGH {
        let tags = [0, TAG, 2 * TAG];
        return tags.iter().any(|tags| whole.get(ETHERNET + tags..).is_some_and(|inner| agree(inner, headers)));
    }
    [ethertype::IPV4, ethertype::ARP, ethertype::VLAN, ethertype::IPV6, ethertype::QINQ].contains(&kind)
}

/// Equal as far as both go, and far enough to mean something.
fn agree(a: &[u8], b: &[u8]) -> bool {
    let common = a.len().min(b.len());
    common >= ENOUGH && a[..common] == b[..common]
}

/// An IP version that the protocol does not contradict.
fn is_ip(protocol: u16, bytes: &[u8]) -> bool {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => [0, ethertype::IPV4].contains(&protocol),
        Some(6) => [0, ethertype::IPV6].contains(&protocol),
        _ => false,
    }
}

/// Length of an IP packet by its own account; `None` where it does not say.
fn ip_len(bytes: &[u8]) -> Option<u32> {
    let word = |at: usize| Some(u32::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    match bytes.first()? >> 4 {
        4 => word(2).filter(|len| *len >= 20),
        6 => word(4).filter(|len| *len > 0).map(|len| len + IPV6),
        _ => None,
    }
}

/// The header of LINKTYPE_LINUX_SLL2: 20 bytes.
fn cooked(event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.headers.protocol.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&event.ifindex.unwrap_or_default().to_be_bytes());
    out.extend_from_slice(&UNKNOWN_HARDWARE.to_be_bytes());
    out.push(event.packet_type);
    out.extend_from_slice(&[0; 9]);
}
