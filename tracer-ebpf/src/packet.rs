//! Where the headers of a packet lie, as far as the kernel knows at the time of a hit.

use core::mem::MaybeUninit;

use tracer_common::predicate::{OUTSIDE, UNKNOWN};

use crate::{
    fragment,
    maps::OFFSETS,
    read::{frozen, member, peek},
};

pub const ETH_P_IP: u64 = 0x0800;
pub const ETH_P_IPV6: u64 = 0x86dd;
const ETH_P_ARP: u16 = 0x0806;
/// Bytes of an Ethernet header.
pub const ETHERNET_HEADER: u64 = 14;
/// `sk_buff.mac_header` while it is not set.
const UNSET: u16 = u16::MAX;

/// Stands for the address of a header that is not there yet.
pub const NOWHERE: u64 = 1;

/// An `sk_buff`, located.
#[derive(Clone, Copy)]
pub struct Packet {
    pub skb: u64,
    /// A zero that the verifier takes for an unknown number. Xor-ed to a value that is a constant on some ways, it makes
    /// these ways one to the verifier, which otherwise checks all that follows once for each.
    pub zero: u64,
    /// `skb->head`
    pub head: u64,
    /// First byte behind the linear part.
    pub end: u64,
    /// Address of the network header, or [`NOWHERE`].
    pub network: u64,
    /// Address of what follows the network header, or [`NOWHERE`].
    pub transport: u64,
    /// EtherType of what the network header starts, or [`UNKNOWN`].
    pub protocol: u64,
}

impl Packet {
    /// Locates the headers of `skb`; `zero` is 0.
    #[inline(always)]
    pub fn locate(skb: u64, zero: u64) -> Self {
        let mut packet = MaybeUninit::uninit();
        // SAFETY: memory for a packet, all of which is written.
        unsafe {
            Self::locate_at(packet.as_mut_ptr(), skb, zero);
            packet.assume_init()
        }
    }

    /// The same, written right to its place: the stack has no room for a copy.
    ///
    /// # Safety
    ///
    /// `place` is memory for a packet.
    #[inline(always)]
    pub unsafe fn locate_at(place: *mut Self, skb: u64, zero: u64) {
        let head: u64 = member!(skb, skb_head);
        let tail: u32 = member!(skb, skb_tail);
        let stored = stored(skb);
        let network = match stored.network {
            0 => network_by_link(skb, head),
            _ if stored.is_unwritten(skb, head) => NOWHERE,
            offset => head + u64::from(offset),
        } ^ zero;
        let end = head + u64::from(tail);
        let first = if network < end { peek(network) } else { fragment::byte(skb, head, network.wrapping_sub(end)) };
        let protocol = if network == NOWHERE { UNKNOWN } else { protocol(stored.protocol, first) } ^ zero;
        // SAFETY: the caller's.
        unsafe {
            (&raw mut (*place).skb).write(skb);
            (&raw mut (*place).zero).write(zero);
            (&raw mut (*place).head).write(head);
            (&raw mut (*place).end).write(end);
            (&raw mut (*place).network).write(network);
            (&raw mut (*place).transport).write(network + network_length(first));
            (&raw mut (*place).protocol).write(protocol);
        }
    }

    /// Has the verifier know nothing of where the headers are.
    #[inline(always)]
    pub fn launder(&mut self) {
        self.network ^= self.zero;
        self.protocol ^= self.zero;
        self.end ^= self.zero;
    }

    /// Address of the Ethernet header, or [`NOWHERE`].
    #[inline(always)]
    pub fn link(&self) -> u64 {
        let offset: u16 = member!(self.skb, skb_mac_header);
        if offset == UNSET { NOWHERE } else { self.head + u64::from(offset) }
    }
}

impl Packet {
    /// The big-endian word at `address`, of which `width` bytes must lie inside the packet.
    #[inline(always)]
    pub fn word(&self, address: u64, width: u64) -> u64 {
        if address + width > self.end {
            return fragment::word(self, address, width);
        }
        let word: u32 = peek(address);
        u64::from(u32::from_be(word))
    }

    /// The same where only the linear part is looked into: the stack of old kernels has no room for more.
    #[inline(always)]
    pub fn linear_word(&self, address: u64, width: u64) -> u64 {
        if address + width > self.end {
            return if fragment::is_outside(self, address + width) { OUTSIDE } else { UNKNOWN };
        }
        let word: u32 = peek(address);
        u64::from(u32::from_be(word))
    }
}

/// Before `skb_reset_network_header`, between the driver and the protocol: `eth_type_trans` has just moved `data` behind
/// the Ethernet header.
#[inline(always)]
pub fn network_by_link(skb: u64, head: u64) -> u64 {
    let link: u16 = member!(skb, skb_mac_header);
    let data: u64 = member!(skb, skb_data);
    if link != UNSET && data == head + u64::from(link) + ETHERNET_HEADER { data } else { NOWHERE }
}

/// Members of the `sk_buff` as they stand there.
#[derive(Clone, Copy)]
pub struct Stored {
    pub protocol: u16,
    pub network: u16,
    pub link: u16,
}

#[inline(always)]
pub fn stored(skb: u64) -> Stored {
    if frozen(&OFFSETS.headers_together) != 0 {
        let headers: u64 = member!(skb, skb_protocol);
        return Stored { protocol: headers as u16, network: (headers >> 32) as u16, link: (headers >> 48) as u16 };
    }
    Stored {
        protocol: member!(skb, skb_protocol),
        network: member!(skb, skb_network_header),
        link: member!(skb, skb_mac_header),
    }
}

impl Stored {
    /// Whether the network header has its place already, but still holds what the memory held before, of another packet: this
    /// one is being made. Its link-layer header cannot lie before it yet, and
    ///
    /// - it has neither a device nor a route, of which IP gives it one when its header is written (`__ip_make_skb`,
    ///   `__ip6_make_skb`), and a packet socket the other when it has copied the bytes (`packet_snd`);
    /// - or it is ARP's, whose header is written behind the one of Ethernet (`arp_create`).
    #[inline(always)]
    pub fn is_unwritten(self, skb: u64, head: u64) -> bool {
        self.link > self.network && self.is_being_made(skb, head)
    }

    #[inline(always)]
    fn is_being_made(self, skb: u64, head: u64) -> bool {
        if self.protocol == ETH_P_ARP.to_be() {
            let data: u64 = member!(skb, skb_data);
            return data == head + u64::from(self.network);
        }
        let (device, route): (u64, u64) = (member!(skb, skb_dev), member!(skb, skb_dst));
        device == 0 && route == 0
    }
}

/// EtherType of the network header, by `skb->protocol` and the header's first byte; [`UNKNOWN`] where these do not tell.
#[inline(always)]
pub fn protocol(stored: u16, first: u8) -> u64 {
    let stored = u64::from(u16::from_be(stored));
    if stored != 0 && stored != ETH_P_IP && stored != ETH_P_IPV6 {
        return stored;
    }
    // On transmit `protocol` is set late, and behind a tunnel it may still speak of the inner packet.
    match first >> 4 {
        4 => ETH_P_IP,
        6 => ETH_P_IPV6,
        _ => UNKNOWN,
    }
}

/// Bytes of an IP header without extension headers, by its first byte.
#[inline(always)]
pub fn network_length(first: u8) -> u64 {
    if first >> 4 == 6 { 40 } else { u64::from(first & 15) * 4 }
}
