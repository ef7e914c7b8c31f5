//! What the socket of an outgoing packet knows of headers that are not written yet, or not as a whole.

use tracer_common::{
    event::SocketTuple,
    predicate::{UNKNOWN, base},
};

use crate::{
    packet::{ETH_P_IP, ETH_P_IPV6, Packet},
    read::{is_kernel_pointer, member, peek},
};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// Socket states without the rest of `struct sock` behind `sock_common` (`TCP_TIME_WAIT`, `TCP_NEW_SYN_RECV`).
const MINI_SOCKETS: [u8; 2] = [6, 12];
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u8 = 17;
/// The longest packet whose length an IPv4 header can tell.
const LONGEST: u32 = 0xffff;
/// The third word of an IPv6 address that stands for an IPv4 one (`::ffff:a.b.c.d`).
const MAPPED: u32 = 0xffff;

/// Socket of a packet, if it is one of the internet's: its address and family. A socket of IPv6 that talks to an IPv4 address
/// counts as one of IPv4.
#[inline(always)]
fn socket(skb: u64) -> Option<(u64, u16)> {
    let sock: u64 = member!(skb, skb_sk);
    if !is_kernel_pointer(sock) {
        return None;
    }
    let family: u16 = member!(sock, sock_family);
    if family == AF_INET6 {
        let start: u64 = member!(sock, sock_destination6);
        let third: u32 = member!(sock + 8, sock_destination6);
        let mapped = start == 0 && u32::from_be(third) == MAPPED;
        return Some((sock, if mapped { AF_INET } else { AF_INET6 }));
    }
    (family == AF_INET).then_some((sock, AF_INET))
}

#[inline(always)]
fn transport_protocol(sock: u64) -> u16 {
    let state: u8 = member!(sock, sock_state);
    let protocol: u16 = member!(sock, sock_protocol);
    if MINI_SOCKETS.contains(&state) { IPPROTO_TCP } else { protocol }
}

/// The flow as the socket knows it; false where there is none.
///
/// # Safety
///
/// `tuple` is memory for one [`SocketTuple`].
#[inline(always)]
pub unsafe fn tuple(tuple: *mut SocketTuple, skb: u64) -> bool {
    let Some((sock, family)) = socket(skb) else { return false };
    // SAFETY: the caller hands memory for the tuple.
    unsafe {
        let (source, destination): ([u64; 2], [u64; 2]) = if family == AF_INET {
            let source: u32 = member!(sock, sock_source);
            let destination: u32 = member!(sock, sock_destination);
            ([u64::from(source), 0], [u64::from(destination), 0])
        } else {
            (
                [member!(sock, sock_source6), member!(sock + 8, sock_source6)],
                [member!(sock, sock_destination6), member!(sock + 8, sock_destination6)],
            )
        };
        (*tuple).source = core::mem::transmute::<[u64; 2], [u8; 16]>(source);
        (*tuple).destination = core::mem::transmute::<[u64; 2], [u8; 16]>(destination);
        (*tuple).source_port = member!(sock, sock_source_port);
        let port: u16 = member!(sock, sock_destination_port);
        (*tuple).destination_port = u16::from_be(port);
        (*tuple).family = family;
        (*tuple).protocol = transport_protocol(sock);
    }
    true
}

/// The EtherType of the header to come (as a field), or the big-endian word at `offset` of it, of which `width` bytes count;
/// [`UNKNOWN`] for all else.
#[inline(never)]
pub fn ask(packet: &Packet, base: u8, offset: u32, width: u64) -> u64 {
    let Some((sock, family)) = socket(packet.skb) else { return UNKNOWN };
    if base == base::FIELD {
        return if family == AF_INET { ETH_P_IP } else { ETH_P_IPV6 };
    }
    if base == base::TRANSPORT {
        return transport(packet, sock, offset, width);
    }
    if family == AF_INET { network4(sock, offset, width) } else { network6(sock, offset, width) }
}

/// The transport header is written first; until then the socket knows the ports.
#[inline(always)]
fn transport(packet: &Packet, sock: u64, offset: u32, width: u64) -> u64 {
    let data: u64 = member!(packet.skb, skb_data);
    let header: u16 = member!(packet.skb, skb_transport_header);
    if header != 0 && header != u16::MAX && packet.head + u64::from(header) == data {
        return packet.linear_word(data + u64::from(offset), width);
    }
    ports(sock, offset, width)
}

#[inline(always)]
fn ports(sock: u64, offset: u32, width: u64) -> u64 {
    let source: u16 = member!(sock, sock_source_port);
    let destination: u16 = member!(sock, sock_destination_port);
    let ports = u64::from(source) << 16 | u64::from(u16::from_be(destination));
    if source == 0 || destination == 0 {
        return UNKNOWN;
    }
    match (offset, width) {
        (0, 1..=4) => ports,
        (2, 1..=2) => ports << 16 & u64::from(u32::MAX),
        _ => UNKNOWN,
    }
}

/// A word of a header that is there may be still to come: ports, or the length of an IPv4 packet.
#[inline(always)]
pub fn may_be(base: u8, offset: u32, word: u64) -> bool {
    (offset == 2 && word >> 16 == 0) || (offset == 0 && base == base::TRANSPORT && word == 0)
}

/// What such a `word` will be; itself where it is none of these. IP writes its header before UDP writes its own, and its
/// length last (`udp_send_skb`, `__ip_local_out`).
#[inline(never)]
pub fn complete(packet: &Packet, base: u8, offset: u32, width: u64, word: u64) -> u64 {
    if base == base::NETWORK {
        let (data, length): (u64, u32) = (member!(packet.skb, skb_data), member!(packet.skb, skb_len));
        let unwritten = packet.protocol == ETH_P_IP && packet.network == data && length <= LONGEST;
        return if unwritten { u64::from(length) << 16 | word } else { word };
    }
    let (length, protocol) = if packet.protocol == ETH_P_IP { (2, 9) } else { (4, 6) };
    let (length, protocol): (u16, u8) = (peek(packet.network + length), peek(packet.network + protocol));
    // A header that has its length is another one's: what the memory held before, of a fragment that is being made.
    match socket(packet.skb) {
        Some((sock, _)) if protocol == IPPROTO_UDP && length == 0 => ports(sock, offset, width),
        _ => word,
    }
}

/// Protocol, addresses, and that it is no fragment.
#[inline(always)]
fn network4(sock: u64, offset: u32, width: u64) -> u64 {
    let address: u32 = match (offset, width) {
        (6, 2) => return 0,
        (9, 1) => return u64::from(transport_protocol(sock)) << 24,
        (12, 4) => member!(sock, sock_source),
        (16, 4) => member!(sock, sock_destination),
        _ => return UNKNOWN,
    };
    if address == 0 { UNKNOWN } else { u64::from(u32::from_be(address)) }
}

/// Next header and addresses.
#[inline(always)]
fn network6(sock: u64, offset: u32, width: u64) -> u64 {
    if offset == 6 && width == 1 {
        return u64::from(transport_protocol(sock)) << 24;
    }
    if width != 4 || !offset.is_multiple_of(4) {
        return UNKNOWN;
    }
    let (address, word): (u64, u32) = match offset {
        8..24 => {
            let within = sock + u64::from(offset - 8);
            (member!(sock + 8, sock_source6), member!(within, sock_source6))
        }
        24..40 => {
            let within = sock + u64::from(offset - 24);
            (member!(sock + 8, sock_destination6), member!(within, sock_destination6))
        }
        _ => return UNKNOWN,
    };
    // An address that is not chosen yet ends with zeros, which none of a host does.
    if address == 0 { UNKNOWN } else { u64::from(u32::from_be(word)) }
}
