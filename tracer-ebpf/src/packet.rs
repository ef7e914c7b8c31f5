//! Where the headers of a packet lie, as far as the kernel knows at the time of a hit.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use tracer_common::predicate::{OUTSIDE, Source, UNKNOWN, base, field};

use crate::read::{device, kept_tag_protocol, member, packet_namespace, peek};

const ETH_P_IP: u64 = 0x0800;
const ETH_P_IPV6: u64 = 0x86dd;
/// Bytes of an Ethernet header, and the place of the EtherType in it.
const ETHERNET_HEADER: u64 = 14;
const ETHERTYPE: u64 = 12;
/// Bytes of a VLAN tag.
const TAG: u64 = 4;
/// EtherTypes of VLAN tags: 802.1Q, 802.1ad, and the one used before it.
const TAG_PROTOCOLS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// `sk_buff.mac_header` while it is not set.
const UNSET: u16 = u16::MAX;

/// Stands for the address of a header that is not there yet.
pub const NOWHERE: u64 = 1;

/// An `sk_buff`, located.
#[derive(Clone, Copy)]
pub struct Packet {
    skb: u64,
    /// A zero that the verifier takes for an unknown number. Or-ed to a value that is a constant on some ways, it makes
    /// these ways one to the verifier, which otherwise checks all that follows once for each.
    zero: u64,
    /// `skb->head`
    pub head: u64,
    /// First byte behind the linear part.
    pub end: u64,
    /// Address of the network header, or [`NOWHERE`].
    pub network: u64,
    /// Address of what follows the network header.
    pub transport: u64,
    /// EtherType of what the network header starts, or [`UNKNOWN`].
    pub protocol: u64,
}

impl Packet {
    /// Locates the headers of `skb`; `zero` is 0.
    #[inline(always)]
    pub fn locate(skb: u64, zero: u64) -> Self {
        let head: u64 = member!(skb, skb_head);
        let tail: u32 = member!(skb, skb_tail);
        let offset: u16 = member!(skb, skb_network_header);
        let network = if offset == 0 { network_by_link(skb, head) } else { head + u64::from(offset) } | zero;
        let first: u8 = peek(network);
        let protocol = if network == NOWHERE { UNKNOWN } else { protocol(skb, first) } | zero;
        Self {
            skb,
            zero,
            head,
            end: head + u64::from(tail),
            network,
            transport: network + network_length(first),
            protocol,
        }
    }

    /// The same, with nothing known of it to the verifier.
    #[inline(always)]
    pub fn laundered(&self) -> Self {
        let zero = self.zero;
        Self { network: self.network | zero, protocol: self.protocol | zero, end: self.end | zero, ..*self }
    }

    /// A field that needs no header.
    #[inline(always)]
    fn field(&self, which: u32) -> u64 {
        let value: u32 = match which {
            field::MARK => member!(self.skb, skb_mark),
            field::LENGTH => member!(self.skb, skb_len),
            field::PID => (bpf_get_current_pid_tgid() >> 32) as u32,
            field::NETNS => packet_namespace(self.skb, device(self.skb)),
            field::IFINDEX => match device(self.skb).address {
                0 => 0,
                address => member!(address, dev_ifindex),
            },
            _ => return UNKNOWN,
        };
        u64::from(value)
    }

    /// Address of the Ethernet header, or [`NOWHERE`].
    #[inline(always)]
    fn link(&self) -> u64 {
        let offset: u16 = member!(self.skb, skb_mac_header);
        if offset == UNSET { NOWHERE } else { self.head + u64::from(offset) }
    }

    /// Behind the linear part: outside of the packet, or in a fragment that cannot be reached from here.
    #[inline(always)]
    fn beyond(&self, end: u64) -> u64 {
        let data: u64 = member!(self.skb, skb_data);
        let len: u32 = member!(self.skb, skb_len);
        if end > data + u64::from(len) { OUTSIDE } else { UNKNOWN }
    }
}

impl Source for Packet {
    #[inline(always)]
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        if base == base::FIELD && offset != field::VLAN {
            let value = if offset == field::PROTOCOL { self.protocol } else { self.field(offset) };
            return value | self.zero;
        }
        if base != base::NETWORK && base != base::TRANSPORT {
            return self.rare(base, offset, width);
        }
        if self.network == NOWHERE {
            return UNKNOWN;
        }
        let header = if base == base::NETWORK { self.network } else { self.transport };
        self.word((header | self.zero) + u64::from(offset), u64::from(width))
    }

    #[inline(always)]
    fn layer(&mut self, _depth: u32) -> u64 {
        UNKNOWN
    }
}

impl Packet {
    /// The big-endian word at `address`, of which `width` bytes must lie inside the packet.
    #[inline(always)]
    fn word(&self, address: u64, width: u64) -> u64 {
        if address + width > self.end {
            return self.beyond(address + width);
        }
        let word: u32 = peek(address);
        u64::from(u32::from_be(word))
    }

    /// What few expressions ask for: the link-layer header, VLAN tags, and what follows them. A function of its own, so that
    /// the rest stays small for the verifier.
    #[inline(never)]
    fn rare(&self, base: u8, offset: u32, width: u32) -> u64 {
        let (kind, tags) = (base::kind(base), u64::from(base::tags(base)));
        // The tag that the kernel keeps outside of the bytes is the first one.
        let kept = kept_tag_protocol(self.skb);
        if kind == base::FIELD && offset == field::VLAN && tags == 0 && kept != 0 {
            let tag: u16 = member!(self.skb, skb_vlan_tci);
            return u64::from(kept) << 16 | u64::from(tag);
        }
        let inline = if kept == 0 { tags } else { tags.saturating_sub(1) } | self.zero;
        let link = self.link();
        if link == NOWHERE {
            return UNKNOWN;
        }
        if kind == base::LINK {
            return self.word(link + u64::from(offset), u64::from(width));
        }
        let ethertype = link + ETHERTYPE + TAG * inline;
        if kind == base::FIELD {
            let word = u32::from_be(peek(ethertype));
            let is_tag = TAG_PROTOCOLS.contains(&((word >> 16) as u16));
            return match offset {
                field::VLAN if is_tag => u64::from(word),
                field::VLAN => 0,
                _ if inline == 0 => self.protocol,
                _ => u64::from(word >> 16),
            };
        }
        let network = if inline == 0 { self.network } else { ethertype + (ETHERNET_HEADER - ETHERTYPE) } | self.zero;
        if network == NOWHERE {
            return UNKNOWN;
        }
        let length = if kind == base::NETWORK { 0 } else { network_length(peek(network)) } | self.zero;
        self.word(network + length + u64::from(offset), u64::from(width))
    }
}

/// Before `skb_reset_network_header`, between the driver and the protocol: `eth_type_trans` has just moved `data` behind
/// the Ethernet header.
#[inline(always)]
fn network_by_link(skb: u64, head: u64) -> u64 {
    let link: u16 = member!(skb, skb_mac_header);
    let data: u64 = member!(skb, skb_data);
    if link != UNSET && data == head + u64::from(link) + ETHERNET_HEADER { data } else { NOWHERE }
}

/// EtherType of the network header, by `skb->protocol` and the header's first byte; [`UNKNOWN`] where these do not tell.
#[inline(always)]
fn protocol(skb: u64, first: u8) -> u64 {
    let stored: u16 = member!(skb, skb_protocol);
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
fn network_length(first: u8) -> u64 {
    if first >> 4 == 6 { 40 } else { u64::from(first & 15) * 4 }
}
