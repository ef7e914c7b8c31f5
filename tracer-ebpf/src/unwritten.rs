//! What the socket of an outgoing packet knows of headers that are not written yet, or not as a whole.

use tracer_common::{
    event::SocketTuple,
    looks::{IPV6_BYTES, late},
    predicate::{UNKNOWN, base},
};

use crate::{
    maps::FOUND,
    packet::{ETH_P_IP, ETH_P_IPV6, Packet},
    read::{is_kernel_pointer, member, peek},
};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// Socket states without the rest of `struct sock` behind `sock_common` (`TCP_TIME_WAIT`, `TCP_NEW_SYN_RECV`).
const MINI_SOCKETS: [u8; 2] = [6, 12];
const IPPROTO_TCP: u16 = 6;
/// TCP, DCCP and SCTP, which write their header before IP does.
const WRITE_FIRST: [u16; 3] = [IPPROTO_TCP, 33, 132];
/// Those, UDP and UDP-Lite, which have their ports at the same place.
const WITH_PORTS: [u16; 5] = [IPPROTO_TCP, 17, 33, 132, 136];
/// UDP and UDP-Lite.
const UDP: [u8; 2] = [17, 136];
/// The longest packet whose length an IP header can tell.
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
        let (source_port, destination_port): (u16, u16) = match written(skb, sock) {
            // A socket that is being closed has given its port back.
            Some(header) => (u16::from_be(peek(header)), peek(header + 2)),
            None => (member!(sock, sock_source_port), member!(sock, sock_destination_port)),
        };
        (*tuple).source_port = source_port;
        (*tuple).destination_port = u16::from_be(destination_port);
        (*tuple).family = family;
        (*tuple).protocol = transport_protocol(sock);
    }
    true
}

/// The EtherType of the header to come (as a field), or the big-endian word at `offset` of it, of which `width` bytes count;
/// [`UNKNOWN`] for all else.
///
/// Of a packet that is being made nothing is said: it may be a piece of one.
#[inline(never)]
pub fn ask(packet: &Packet, base: u8, offset: u32, width: u64) -> u64 {
    let has_place: u16 = member!(packet.skb, skb_network_header);
    if has_place != 0 {
        return UNKNOWN;
    }
    let Some((sock, family)) = socket(packet.skb) else { return UNKNOWN };
    if base == base::FIELD {
        return if family == AF_INET { ETH_P_IP } else { ETH_P_IPV6 };
    }
    if base == base::TRANSPORT {
        return transport(packet, sock, offset, width);
    }
    if family == AF_INET { network4(sock, offset, width) } else { network6(sock, offset, width) }
}

/// Until the transport header is written, the socket knows the ports.
#[inline(always)]
fn transport(packet: &Packet, sock: u64, offset: u32, width: u64) -> u64 {
    match written(packet.skb, sock) {
        Some(header) => packet.linear_word(header + u64::from(offset), width),
        None => ports(sock, offset, width),
    }
}

/// Address of the transport header where it is written before that of IP, as TCP and its kin do.
#[inline(always)]
fn written(skb: u64, sock: u64) -> Option<u64> {
    let (head, data): (u64, u64) = (member!(skb, skb_head), member!(skb, skb_data));
    let header: u16 = member!(skb, skb_transport_header);
    let is_set = header != 0 && header != u16::MAX && head + u64::from(header) == data;
    (is_set && WRITE_FIRST.contains(&transport_protocol(sock))).then_some(data)
}

#[inline(always)]
fn ports(sock: u64, offset: u32, width: u64) -> u64 {
    let destination: u16 = member!(sock, sock_destination_port);
    word_of_ports(source_port(sock), u16::from_be(destination), offset, width)
}

/// What a socket sends from; 0 where it has no port yet. What a raw socket has there is its protocol's number.
#[inline(always)]
fn source_port(sock: u64) -> u16 {
    if WITH_PORTS.contains(&transport_protocol(sock)) { member!(sock, sock_source_port) } else { 0 }
}

#[inline(always)]
fn word_of_ports(source: u16, destination: u16, offset: u32, width: u64) -> u64 {
    match (offset, width) {
        (0, 1..=2) if source != 0 => u64::from(source) << 16,
        (0, 1..=4) if source != 0 && destination != 0 => u64::from(source) << 16 | u64::from(destination),
        (2, 1..=2) if destination != 0 => u64::from(destination) << 16,
        _ => UNKNOWN,
    }
}

/// The same of a packet that `udp_send_skb` or its like of IPv6 is about to finish: its destination is in the flow, the
/// argument behind the `sk_buff`.
#[inline(never)]
pub fn coming(packet: &Packet, offset: u32, width: u64) -> u64 {
    let Some((source, destination)) = coming_ports(packet) else { return UNKNOWN };
    word_of_ports(source, destination, offset, width)
}

/// Both ports that such a packet will have; none where anything stands between its network header and that of UDP.
#[inline(always)]
pub fn coming_ports(packet: &Packet) -> Option<(u16, u16)> {
    let is_four = packet.protocol == ETH_P_IP;
    let carried: u8 = peek(packet.network + if is_four { 9 } else { 6 });
    if !UDP.contains(&carried) {
        return None;
    }
    let sock: u64 = member!(packet.skb, skb_sk);
    let flow = FOUND.get(0)?.argument;
    let destination: u16 = if is_four { member!(flow, flow4_destination) } else { member!(flow, flow6_destination) };
    Some((source_port(sock), u16::from_be(destination)))
}

/// Puts into `word`, which touches [`late`] bytes of a network header, what these will be: while the packet begins with that
/// header and was not given one of the link layer, its length is that of the `sk_buff`, or 0 where the field has no room. A
/// checksum is not foretold.
#[inline(never)]
pub fn complete(packet: &Packet, offset: u32, width: u32, word: u64) -> u64 {
    let is_four = packet.protocol == ETH_P_IP;
    let touched = if is_four { late::IPV4 } else { late::IPV6 };
    if !late::touches(touched, offset, width) || !is_late(packet) {
        return word;
    }
    if is_four && late::touches(late::CHECKSUM_4, offset, width) {
        return UNKNOWN;
    }
    // From where the length stands in a word at offset 0, with room to the right, to where it does in this one.
    let right = if is_four { 16 } else { 32 };
    let placed = |half: u64| (half << 16 << ((8 * offset) & 63) >> right) & u64::from(u32::MAX);
    word & !placed(0xffff) | placed(length(packet, is_four))
}

/// Whether the length in the IP header may be still to come: the packet has a route, and no link-layer header yet.
#[inline(always)]
pub fn is_late(packet: &Packet) -> bool {
    let (data, link): (u64, u16) = (member!(packet.skb, skb_data), member!(packet.skb, skb_mac_header));
    let route: u64 = member!(packet.skb, skb_dst);
    let is_ip = packet.protocol == ETH_P_IP || packet.protocol == ETH_P_IPV6;
    is_ip && packet.network == data && packet.head + u64::from(link) > data && route != 0
}

/// What an IP header will say of the packet's length.
#[inline(always)]
pub fn length(packet: &Packet, is_four: bool) -> u64 {
    let all: u32 = member!(packet.skb, skb_len);
    let length = if is_four { all } else { all.saturating_sub(IPV6_BYTES) };
    if length > LONGEST { 0 } else { u64::from(length) }
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
