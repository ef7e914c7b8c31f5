//! Runs the predicate program in force on the packet of a hit. Reads only what the program asks for, once.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, generated::bpf_loop};
use tracer_common::{
    config::counter,
    predicate::{ACCEPT, MAX_STEPS, OUTSIDE, Program, REGISTERS, Source, UNKNOWN, Verdict, base, field},
};

use crate::{
    maps::{FILTER, count},
    read::{device, member, packet_namespace, peek},
};

const ETH_P_IP: u32 = 0x0800;
const ETH_P_IPV6: u32 = 0x86dd;
const ETHERNET_HEADER: u64 = 14;
/// Place of the EtherType in an Ethernet header.
const ETHERTYPE: u64 = 12;
/// Bytes of a VLAN tag.
const TAG: u64 = 4;
/// EtherTypes of VLAN tags: 802.1Q, 802.1ad, and the one used before it.
const TAG_PROTOCOLS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// `sk_buff.mac_header` and `transport_header` while they are not set.
const UNSET: u16 = u16::MAX;

/// Whether the packet is to be shown. One function of its own, that all programs call.
#[inline(never)]
pub fn matches(skb: u64) -> bool {
    let Some(program) = FILTER.get_value(0, &0) else { return false };
    if program.entry == u32::from(ACCEPT) {
        return true;
    }
    match evaluate(program, skb) {
        Verdict::Match => true,
        Verdict::Reject => false,
        Verdict::Undecidable => {
            count(counter::UNDECIDABLE);
            false
        }
    }
}

/// A program on its way.
struct Run<'a> {
    program: &'a Program,
    packet: Packet,
    registers: [u32; REGISTERS],
    next: u32,
    /// What [`CONTINUE`] means, or the verdict.
    verdict: u32,
}

const CONTINUE: u32 = 0;
const UNDECIDABLE: u32 = 1;
const REJECTED: u32 = 2;

/// Runs the program in `bpf_loop` (5.17), whose body the verifier checks once. A loop of our own would be checked once for
/// each of its `MAX_STEPS` turns.
#[inline(always)]
fn evaluate(program: &Program, skb: u64) -> Verdict {
    // Zeros that the verifier takes for unknown numbers: a known 0 that a turn may replace doubles the states to check.
    let zero = program.zero;
    let mut run = Run {
        program,
        packet: Packet { skb, head: u64::from(zero), network: u64::from(zero), end: u64::from(zero) },
        registers: [zero; REGISTERS],
        next: program.entry,
        verdict: zero,
    };
    // SAFETY: the callback gets the context that stands here, which outlives the call.
    unsafe { bpf_loop(MAX_STEPS as u32, turn as *mut c_void, (&raw mut run).cast(), 0) };
    match run.verdict {
        CONTINUE => Verdict::of(run.next),
        UNDECIDABLE => Verdict::Undecidable,
        _ => Verdict::Reject,
    }
}

/// One node; 1 ends the loop.
extern "C" fn turn(_index: u64, run: *mut Run<'_>) -> u64 {
    // SAFETY: see `evaluate`.
    let run = unsafe { &mut *run };
    let Some(node) = run.program.nodes.get(run.next as usize) else { return 1 };
    match node.step(&mut run.packet, &mut run.registers) {
        Ok(next) => {
            run.next = next;
            0
        }
        Err(verdict) => {
            run.verdict = if verdict == Verdict::Undecidable { UNDECIDABLE } else { REJECTED };
            1
        }
    }
}

#[inline(always)]
fn number(value: u32) -> u64 {
    u64::from(value)
}

/// An `sk_buff` as a [`Source`]; what several nodes need is kept.
pub struct Packet {
    skb: u64,
    head: u64,
    /// Address of the network header; 0: not looked up, 1: not known.
    network: u64,
    /// First byte behind the linear part.
    end: u64,
}

/// Value of [`Packet::network`] when the header is not there yet.
pub const NOWHERE: u64 = 1;

impl Packet {
    /// Reads nothing yet.
    #[inline(always)]
    pub fn new(skb: u64) -> Self {
        Self { skb, head: 0, network: 0, end: 0 }
    }

    /// Address of the network header, or [`NOWHERE`].
    #[inline(always)]
    pub fn network(&mut self) -> u64 {
        if self.network == 0 {
            self.head = member!(self.skb, skb_head);
            let tail: u32 = member!(self.skb, skb_tail);
            self.end = self.head + u64::from(tail);
            let offset: u16 = member!(self.skb, skb_network_header);
            self.network = if offset == 0 { self.network_by_link() } else { self.head + u64::from(offset) };
        }
        self.network
    }

    /// First byte behind the linear part; only after [`Self::network`].
    #[inline(always)]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Before `skb_reset_network_header`, between the driver and the protocol: `eth_type_trans` has just moved `data`
    /// behind the Ethernet header.
    #[inline(always)]
    fn network_by_link(&self) -> u64 {
        let link: u16 = member!(self.skb, skb_mac_header);
        let data: u64 = member!(self.skb, skb_data);
        if link != UNSET && data == self.head + u64::from(link) + ETHERNET_HEADER { data } else { NOWHERE }
    }

    /// EtherType of what the network header starts, or [`UNKNOWN`].
    #[inline(always)]
    pub fn protocol(&mut self) -> u64 {
        let network = self.network();
        if network == NOWHERE {
            return UNKNOWN;
        }
        let stored: u16 = member!(self.skb, skb_protocol);
        let stored = u32::from(u16::from_be(stored));
        if stored != 0 && stored != ETH_P_IP && stored != ETH_P_IPV6 {
            return u64::from(stored);
        }
        // On transmit `protocol` is set late, and behind a tunnel it may still speak of the inner packet.
        let first: u8 = peek(network);
        match first >> 4 {
            4 => u64::from(ETH_P_IP),
            6 => u64::from(ETH_P_IPV6),
            _ => UNKNOWN,
        }
    }

    #[inline(always)]
    fn field(&mut self, which: u32, tags: u64) -> u64 {
        match which {
            field::PROTOCOL => self.protocol_behind(tags),
            field::VLAN => self.tag_behind(tags),
            field::MARK => number(member!(self.skb, skb_mark)),
            field::LENGTH => number(member!(self.skb, skb_len)),
            field::PID => bpf_get_current_pid_tgid() >> 32,
            field::NETNS => number(packet_namespace(self.skb, device(self.skb))),
            field::IFINDEX => match device(self.skb).address {
                0 => 0,
                address => number(member!(address, dev_ifindex)),
            },
            _ => UNKNOWN,
        }
    }

    /// Address of a header behind `tags` VLAN tags, or [`NOWHERE`].
    #[inline(always)]
    fn header(&mut self, kind: u8, tags: u64) -> u64 {
        let network = self.network_behind(tags);
        if kind == base::NETWORK || network == NOWHERE {
            return network;
        }
        if kind == base::TRANSPORT {
            let first: u8 = peek(network);
            let length = if first >> 4 == 6 { 40 } else { u64::from(first & 15) * 4 };
            return network + length;
        }
        self.link()
    }

    /// Address of the Ethernet header, or [`NOWHERE`].
    #[inline(never)]
    fn link(&mut self) -> u64 {
        self.network();
        let link: u16 = member!(self.skb, skb_mac_header);
        if link == UNSET { NOWHERE } else { self.head + u64::from(link) }
    }

    /// VLAN tags among the packet's bytes, of those passed: the kernel may keep the first one outside.
    #[inline(always)]
    fn inline_tags(&self, tags: u64) -> u64 {
        let kept: u16 = member!(self.skb, skb_vlan_proto);
        if kept == 0 { tags } else { tags.saturating_sub(1) }
    }

    /// Address of the header behind `tags` VLAN tags, or [`NOWHERE`].
    #[inline(always)]
    fn network_behind(&mut self, tags: u64) -> u64 {
        match self.behind(tags) {
            0 => self.network(),
            NOWHERE => NOWHERE,
            ethertype => ethertype + (ETHERNET_HEADER - ETHERTYPE),
        }
    }

    /// Address of the EtherType behind `tags` VLAN tags, [`NOWHERE`], or 0 where it is the one without any.
    #[inline(always)]
    fn behind(&mut self, tags: u64) -> u64 {
        let inline = if tags == 0 { 0 } else { self.inline_tags(tags) };
        if inline == 0 {
            return 0;
        }
        match self.link() {
            NOWHERE => NOWHERE,
            link => link + ETHERTYPE + TAG * inline,
        }
    }

    /// EtherType behind `tags` VLAN tags, or [`UNKNOWN`].
    #[inline(always)]
    fn protocol_behind(&mut self, tags: u64) -> u64 {
        match self.behind(tags) {
            0 => self.protocol(),
            NOWHERE => UNKNOWN,
            ethertype => u64::from(u16::from_be(peek(ethertype))),
        }
    }

    /// The VLAN tag behind `tags` others, 0 if there is none, or [`UNKNOWN`].
    #[inline(never)]
    fn tag_behind(&mut self, tags: u64) -> u64 {
        let kept: u16 = member!(self.skb, skb_vlan_proto);
        if kept != 0 && tags == 0 {
            let tag: u16 = member!(self.skb, skb_vlan_tci);
            return u64::from(u16::from_be(kept)) << 16 | u64::from(tag);
        }
        match self.link() {
            NOWHERE => UNKNOWN,
            link => {
                let word = u32::from_be(peek(link + ETHERTYPE + TAG * self.inline_tags(tags)));
                if TAG_PROTOCOLS.contains(&((word >> 16) as u16)) { u64::from(word) } else { 0 }
            }
        }
    }
}

impl Source for Packet {
    #[inline(always)]
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        let (kind, tags) = (base::kind(base), u64::from(base::tags(base)));
        if kind == base::FIELD {
            return self.field(offset, tags);
        }
        let header = self.header(kind, tags);
        if header == NOWHERE {
            return UNKNOWN;
        }
        let address = header.wrapping_add_signed(i64::from(offset as i32));
        if address < self.head {
            return OUTSIDE;
        }
        if address + u64::from(width) > self.end {
            return self.beyond(address + u64::from(width));
        }
        let word: u32 = peek(address);
        u64::from(u32::from_be(word))
    }
}

impl Packet {
    /// Behind the linear part: outside of the packet, or in a fragment that cannot be reached from here.
    #[inline(always)]
    fn beyond(&self, end: u64) -> u64 {
        let data: u64 = member!(self.skb, skb_data);
        let len: u32 = member!(self.skb, skb_len);
        if end > data + u64::from(len) { OUTSIDE } else { UNKNOWN }
    }
}
