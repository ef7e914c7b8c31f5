//! A packet at XDP, before it has an `sk_buff`: where its bytes lie, and how a filter judges it.

use core::{ffi::c_void, ptr};

use aya_ebpf::helpers::generated::bpf_loop;
use tracer_common::{
    config::{ABSENT, counter},
    event::kind,
    predicate::{
        ACCEPT, MAX_PROBES, MAX_STEPS, NO_PROBE, OUTSIDE, Program, REGISTERS, Source, UNKNOWN, Verdict, base, field,
    },
    tunnel::{self, Bytes, Headers, MOST_TAGS, NO_LINK},
};

use crate::{
    maps::{OFFSETS, count},
    packet::{ETH_P_IP, ETH_P_IPV6, ETHERNET_HEADER},
    read::{Device, frozen, is_kernel_pointer, member, namespace, peek},
};

/// Device types (include/uapi/linux/if_arp.h) whose frames begin with an Ethernet header: `ARPHRD_ETHER`, `ARPHRD_LOOPBACK`.
const ETHERNET: [u16; 2] = [1, 772];
/// `XDP_FLAGS_HAS_FRAGS` of `xdp_buff.flags`.
const HAS_FRAGS: u32 = 1;
/// Place of the EtherType in an Ethernet header.
const ETHERTYPE: u32 = 12;

/// An `xdp_buff`, located. Offsets count from its first byte.
#[derive(Clone, Copy)]
pub struct Frame {
    /// First byte of the packet.
    pub start: u64,
    /// First byte behind the linear part.
    pub end: u64,
    /// Bytes in further pieces.
    more: u64,
    /// The device that it came in by.
    pub device: Device,
    /// Where its headers are; the tags that it may have are not stepped over.
    pub headers: Headers,
}

impl Frame {
    /// Locates the headers.
    #[inline(always)]
    pub fn locate(xdp: u64) -> Self {
        let (start, end): (u64, u64) = (member!(xdp, xdp_data), member!(xdp, xdp_data_end));
        let headers = Headers { link: 0, network: 0, protocol: 0 };
        let mut frame = Self { start, end, more: further(xdp), device: device(xdp), headers };
        let kind: u16 = member!(frame.device.address, dev_type);
        if ETHERNET.contains(&kind) {
            frame.headers.network = ETHERNET_HEADER as u32;
            frame.headers.protocol = frame.half(ETHERTYPE);
            return frame;
        }
        frame.headers.link = NO_LINK;
        let first: u8 = peek(start);
        frame.headers.protocol = match first >> 4 {
            4 => ETH_P_IP as u32,
            6 => ETH_P_IPV6 as u32,
            _ => 0,
        };
        frame
    }

    /// Network header and EtherType behind all tags.
    #[inline(always)]
    pub fn behind_tags(&self) -> (u32, u32) {
        let (mut network, mut protocol) = (self.headers.network, self.headers.protocol);
        for _ in 0..MOST_TAGS {
            if !tunnel::is_tag(protocol) {
                break;
            }
            protocol = self.half(network + 2);
            network += 4;
        }
        (network, protocol)
    }

    /// Bytes of the packet.
    #[inline(always)]
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.start) + self.more
    }

    #[inline(always)]
    fn half(&self, offset: u32) -> u32 {
        let half: u16 = peek(self.start + u64::from(offset));
        u32::from(u16::from_be(half))
    }
}

impl Bytes for Frame {
    #[inline(always)]
    fn word(&mut self, offset: u32, width: u32) -> u64 {
        let address = self.start + u64::from(offset);
        let end = address + u64::from(width);
        if end > self.end {
            return if end > self.end + self.more { OUTSIDE } else { UNKNOWN };
        }
        let word: u32 = peek(address);
        u64::from(u32::from_be(word))
    }
}

/// Bytes behind the linear part.
#[inline(always)]
fn further(xdp: u64) -> u64 {
    let from_end = frozen(&OFFSETS.xdp_pieces_from_end);
    let flags: u32 = member!(xdp, xdp_flags);
    if from_end == ABSENT || flags & HAS_FRAGS == 0 {
        return 0;
    }
    let (start, bytes): (u64, u32) = (member!(xdp, xdp_data_hard_start), member!(xdp, xdp_frame_bytes));
    let length: u32 = peek((start + u64::from(bytes)).wrapping_sub(u64::from(from_end)));
    u64::from(length)
}

#[inline(always)]
fn device(xdp: u64) -> Device {
    let address: u64 = member!(member!(xdp, xdp_rxq), rxq_dev);
    if !is_kernel_pointer(address) {
        return Device { address: 0, netns: 0 };
    }
    Device { address, netns: namespace(member!(address, dev_net)) }
}

/// Whether the packet matches.
#[inline(never)]
pub fn matches(program: &Program, xdp: u64) -> bool {
    if program.entry == u32::from(ACCEPT) {
        return true;
    }
    let frame = Frame::locate(xdp);
    let zero = program.zero as u32;
    let judged = Judged { program, present: frame.headers, frame };
    let mut run = Run { judged, registers: [zero; REGISTERS], next: program.entry, verdict: zero };
    // SAFETY: the callback gets the context that stands here, which outlives the call.
    unsafe { bpf_loop(MAX_STEPS as u32, turn as *mut c_void, ptr::from_mut(&mut run).cast(), 0) };
    if run.verdict == UNDECIDABLE {
        count(counter::UNDECIDABLE);
    }
    run.verdict == 0 && run.next == u32::from(ACCEPT)
}

/// A program on its way.
struct Run<'a> {
    judged: Judged<'a>,
    registers: [u32; REGISTERS],
    next: u32,
    /// 0: it goes on, or `next` says.
    verdict: u32,
}

const REJECTED: u32 = 1;
const UNDECIDABLE: u32 = 2;

/// One node; 1 ends the loop.
extern "C" fn turn(_index: u64, run: *mut Run<'_>) -> u64 {
    // SAFETY: see `matches`.
    let run = unsafe { &mut *run };
    let Some(node) = run.judged.program.nodes.get(run.next as usize) else { return 1 };
    let outcome = node.step(&mut run.judged, &mut run.registers);
    // Laundered, so that the verifier finds the next turn like this one.
    let zero = run.judged.program.zero as u32;
    let present = &mut run.judged.present;
    (present.link, present.network, present.protocol) =
        (present.link ^ zero, present.network ^ zero, present.protocol ^ zero);
    match outcome {
        Ok(next) => {
            run.next = next ^ zero;
            0
        }
        Err(verdict) => {
            run.verdict = if verdict == Verdict::Undecidable { UNDECIDABLE } else { REJECTED } ^ zero;
            1
        }
    }
}

/// A packet while a filter judges it.
struct Judged<'a> {
    program: &'a Program,
    frame: Frame,
    /// The packet that the filter has turned to: the frame itself, or one inside.
    present: Headers,
}

impl Source for Judged<'_> {
    #[inline(always)]
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        let of_bytes = offset == field::PROTOCOL || offset == field::VLAN;
        let value = if base::kind(base) == base::FIELD && !of_bytes {
            self.field(offset)
        } else {
            self.bytes(base, offset, width)
        };
        value | self.program.zero
    }

    #[inline(always)]
    fn layer(&mut self, depth: u32) -> u64 {
        if depth == 0 {
            self.present = self.frame.headers;
            return 1;
        }
        self.turn_inside() | self.program.zero
    }
}

impl Judged<'_> {
    #[inline(never)]
    fn bytes(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        self.present.load(&mut self.frame, base, offset, width)
    }

    #[inline(never)]
    fn turn_inside(&mut self) -> u64 {
        match tunnel::inside(&mut self.frame, self.present) {
            Ok(inside) => {
                self.present = inside;
                1
            }
            Err(none) => none,
        }
    }

    /// A field that needs no header. What belongs to an `sk_buff` or to a process is not known here.
    #[inline(never)]
    fn field(&self, which: u32) -> u64 {
        let device = self.frame.device;
        match which {
            field::LENGTH => self.frame.length(),
            field::NETNS => u64::from(device.netns),
            field::IFINDEX => {
                let index: u32 = member!(device.address, dev_ifindex);
                u64::from(index)
            }
            field::KIND => u64::from(kind::XDP),
            field::FUNCTIONS => u64::from(self.program.functions[NO_PROBE as usize % MAX_PROBES]),
            _ if (field::IFNAME..field::IFNAME + 4).contains(&which) => {
                let offset = u64::from(which - field::IFNAME) * 4;
                let word: u32 = member!(device.address + offset, dev_name);
                u64::from(u32::from_be(word))
            }
            _ => UNKNOWN,
        }
    }
}
