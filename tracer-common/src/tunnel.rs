//! Packets inside of packets: where the headers of the inner one lie ([`crate::predicate::op::LAYER`]).
//!
//! A packet has an inner part where it is one of these, and none otherwise:
//!
//! - a frame with VLAN tags in its bytes: what is behind all of them ([`MOST_TAGS`]), with the same Ethernet addresses. A
//!   tag that the kernel keeps beside the bytes counts for nothing here.
//! - UDP to port 4789 or 8472 (VXLAN): the Ethernet frame behind its 8 bytes.
//! - UDP to port 6081 (Geneve): behind its options the Ethernet frame, or the IP packet, that it says it carries.
//! - GRE version 0 without routing: likewise, behind the checksum, key and sequence number that it has.
//! - IP protocol 4 and 41: the IPv4 or IPv6 packet behind the IP header.
//!
//! IPv4 options are stepped over, and one header of hop-by-hop or destination options of IPv6, since the kernel's own
//! IPv6 tunnels send one (RFC 2473, 4.1.1). Later fragments of IPv4 and all fragments of IPv6 have no inner part.

use crate::predicate::{OUTSIDE, UNKNOWN, base, field};

/// [`Headers::link`] of a packet without a link-layer header.
pub const NO_LINK: u32 = u32::MAX;
/// VLAN tags that are stepped over.
pub const MOST_TAGS: usize = 4;

const IP4: u32 = 0x0800;
const IP6: u32 = 0x86dd;
/// `ETH_P_TEB`: an Ethernet frame.
const ETHERNET: u32 = 0x6558;
const ETHERNET_HEADER: u32 = 14;
const UDP_HEADER: u32 = 8;

/// Reads a packet's bytes.
pub trait Bytes {
    /// The big-endian word at `offset`, of which `width` bytes (1, 2 or 4) must lie inside the packet, or [`OUTSIDE`] or
    /// [`UNKNOWN`].
    fn word(&mut self, offset: u32, width: u32) -> u64;
}

/// Where the headers of one of the packets lie, as offsets that its [`Bytes`] understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The Ethernet header, or [`NO_LINK`].
    pub link: u32,
    /// What follows the EtherType.
    pub network: u32,
    /// EtherType of the network header, as [`field::PROTOCOL`].
    pub protocol: u32,
}

/// The headers of the packet inside of `outer`. An error of 0 where there is none; [`OUTSIDE`] or [`UNKNOWN`] where the
/// bytes that would tell cannot be had.
#[inline(always)]
pub fn inside<B: Bytes>(bytes: &mut B, outer: Headers) -> Result<Headers, u64> {
    if is_tag(outer.protocol) {
        return behind_tags(bytes, outer);
    }
    let (protocol, start) = match outer.protocol {
        IP4 => behind_ip4(bytes, outer.network)?,
        IP6 => behind_ip6(bytes, outer.network)?,
        _ => return Err(0),
    };
    match protocol {
        4 => Ok(ip_packet(start, IP4)),
        41 => Ok(ip_packet(start, IP6)),
        17 => behind_udp(bytes, start),
        47 => behind_gre(bytes, start),
        _ => Err(0),
    }
}

/// The kernel may count the network header from behind the tag, or from before it; the Ethernet header is certain.
#[inline(always)]
fn behind_tags<B: Bytes>(bytes: &mut B, outer: Headers) -> Result<Headers, u64> {
    let mut inner = outer;
    if outer.link != NO_LINK {
        inner.network = outer.link.wrapping_add(ETHERNET_HEADER);
    }
    for _ in 0..MOST_TAGS {
        if !is_tag(inner.protocol) {
            break;
        }
        inner.protocol = number(bytes, inner.network.wrapping_add(2), 2)?;
        inner.network = inner.network.wrapping_add(4);
    }
    Ok(inner)
}

/// Protocol and start of what IPv4 carries.
#[inline(always)]
fn behind_ip4<B: Bytes>(bytes: &mut B, network: u32) -> Result<(u32, u32), u64> {
    let protocol = number(bytes, network.wrapping_add(9), 1)?;
    if !may_carry(protocol) {
        return Err(0);
    }
    let fragment = number(bytes, network.wrapping_add(6), 2)? & 0x1fff;
    let length = (number(bytes, network, 1)? & 15) * 4;
    if fragment != 0 || length < 20 { Err(0) } else { Ok((protocol, network.wrapping_add(length))) }
}

/// The same of IPv6.
#[inline(always)]
fn behind_ip6<B: Bytes>(bytes: &mut B, network: u32) -> Result<(u32, u32), u64> {
    let protocol = number(bytes, network.wrapping_add(6), 1)?;
    let start = network.wrapping_add(40);
    if protocol != 0 && protocol != 60 {
        return if may_carry(protocol) { Ok((protocol, start)) } else { Err(0) };
    }
    let options = number(bytes, start, 2)?;
    Ok((options >> 8, start.wrapping_add(((options & 0xff) + 1) * 8)))
}

#[inline(always)]
fn may_carry(protocol: u32) -> bool {
    matches!(protocol, 4 | 17 | 41 | 47)
}

#[inline(always)]
fn behind_udp<B: Bytes>(bytes: &mut B, start: u32) -> Result<Headers, u64> {
    let payload = start.wrapping_add(UDP_HEADER);
    match number(bytes, start.wrapping_add(2), 2)? {
        4789 | 8472 => ethernet_frame(bytes, payload.wrapping_add(8)),
        6081 => {
            let first = number(bytes, payload, 4)?;
            let options = (first >> 24 & 0x3f) * 4;
            carried(bytes, first & 0xffff, payload.wrapping_add(8 + options))
        }
        _ => Err(0),
    }
}

/// RFC 2784 and 2890.
#[inline(always)]
fn behind_gre<B: Bytes>(bytes: &mut B, start: u32) -> Result<Headers, u64> {
    let first = number(bytes, start, 4)?;
    let flags = first >> 16;
    // Routing, or a version other than 0 (PPTP).
    if flags & 0x4007 != 0 {
        return Err(0);
    }
    let words = 1 + (flags >> 15 & 1) + (flags >> 13 & 1) + (flags >> 12 & 1);
    carried(bytes, first & 0xffff, start.wrapping_add(4 * words))
}

#[inline(always)]
fn carried<B: Bytes>(bytes: &mut B, protocol: u32, start: u32) -> Result<Headers, u64> {
    match protocol {
        ETHERNET => ethernet_frame(bytes, start),
        IP4 | IP6 => Ok(ip_packet(start, protocol)),
        _ => Err(0),
    }
}

#[inline(always)]
fn ethernet_frame<B: Bytes>(bytes: &mut B, link: u32) -> Result<Headers, u64> {
    let protocol = number(bytes, link.wrapping_add(12), 2)?;
    Ok(Headers { link, network: link.wrapping_add(ETHERNET_HEADER), protocol })
}

#[inline(always)]
fn ip_packet(network: u32, protocol: u32) -> Headers {
    Headers { link: NO_LINK, network, protocol }
}

/// Whether an EtherType is that of a VLAN tag.
#[inline(always)]
pub fn is_tag(protocol: u32) -> bool {
    matches!(protocol, 0x8100 | 0x88a8 | 0x9100)
}

/// A number of `width` bytes, or why it cannot be had.
#[inline(always)]
fn number<B: Bytes>(bytes: &mut B, offset: u32, width: u32) -> Result<u32, u64> {
    let word = bytes.word(offset, width);
    if word >= OUTSIDE { Err(word) } else { Ok((word as u32) >> ((32 - 8 * (width & 7)) & 31)) }
}

impl Headers {
    /// What [`crate::predicate::Source::load`] answers of this packet: bytes, and the two fields that name protocols.
    /// [`UNKNOWN`] for all else.
    #[inline(always)]
    pub fn load<B: Bytes>(&self, bytes: &mut B, place: u8, offset: u32, width: u32) -> u64 {
        // Without an Ethernet header there are no tags to pass: what follows `vlan or …` speaks of the same header.
        let tags = if self.link == NO_LINK { 0 } else { u32::from(base::tags(place)) };
        let network = self.network.wrapping_add(4 * tags);
        let start = match base::kind(place) {
            base::FIELD if offset == field::PROTOCOL => return self.protocol(bytes, tags),
            base::FIELD if offset == field::VLAN => return self.tag(bytes, tags, width),
            base::LINK if self.link != NO_LINK => self.link,
            base::NETWORK => network,
            base::TRANSPORT => match self.network_length(bytes, tags, network) {
                Ok(length) => network.wrapping_add(length),
                Err(unavailable) => return unavailable,
            },
            _ => return UNKNOWN,
        };
        match start.checked_add(offset) {
            Some(start) => bytes.word(start, width),
            None => OUTSIDE,
        }
    }

    /// EtherType behind so many tags.
    #[inline(always)]
    fn protocol<B: Bytes>(&self, bytes: &mut B, tags: u32) -> u64 {
        if tags == 0 {
            return u64::from(self.protocol);
        }
        match number(bytes, self.network.wrapping_add(4 * tags).wrapping_sub(2), 2) {
            Ok(protocol) => u64::from(protocol),
            Err(unavailable) => unavailable,
        }
    }

    #[inline(always)]
    fn tag<B: Bytes>(&self, bytes: &mut B, tags: u32, width: u32) -> u64 {
        let protocol = self.protocol(bytes, tags);
        if protocol >= OUTSIDE || !is_tag(protocol as u32) {
            return if protocol >= OUTSIDE { protocol } else { 0 };
        }
        if width == 2 {
            return protocol << 16;
        }
        match number(bytes, self.network.wrapping_add(4 * tags), 2) {
            Ok(control) => protocol << 16 | u64::from(control),
            Err(unavailable) => unavailable,
        }
    }

    #[inline(always)]
    fn network_length<B: Bytes>(&self, bytes: &mut B, tags: u32, network: u32) -> Result<u32, u64> {
        if self.protocol(bytes, tags) == u64::from(IP6) {
            return Ok(40);
        }
        Ok((number(bytes, network, 1)? & 15) * 4)
    }
}
