//! Runs the predicate program in force on the packet of a hit.

use core::{ffi::c_void, mem::MaybeUninit, ptr};

use aya_ebpf::helpers::generated::bpf_loop;
use tracer_common::{
    config::counter,
    predicate::{ACCEPT, MAX_STEPS, Program, REGISTERS, REJECT, UNKNOWN, Verdict, base, field, op},
    tunnel::Headers,
};

use crate::{
    hit::Hit,
    maps::{FILTERS, IN_FORCE, count},
    packet::{self, Packet},
    read::{is_kernel_pointer, member, peek},
    source::Judged,
    unwritten,
};

/// The filter in force.
#[inline(always)]
pub fn in_force() -> Option<&'static Program> {
    let index = *IN_FORCE.get(0)?;
    FILTERS.get(index)
}

/// Whether the packet matches. One function of its own, which each program has once.
#[inline(never)]
pub fn matches(program: &Program, hit: &Hit) -> bool {
    if program.entry == u32::from(ACCEPT) {
        return true;
    }
    match evaluate(program, hit) {
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
    judged: Judged<'a>,
    registers: [u32; REGISTERS],
    next: u32,
    /// What [`CONTINUE`] means, or the verdict.
    verdict: u32,
}

const CONTINUE: u32 = 0;
const UNDECIDABLE: u32 = 1;
const REJECTED: u32 = 2;

/// Runs the program in `bpf_loop` (5.17), whose body the verifier checks once instead of `MAX_STEPS` times.
#[inline(always)]
fn evaluate(program: &Program, hit: &Hit) -> Verdict {
    let zero = program.zero as u32;
    let inside = Headers { link: zero, network: zero, protocol: zero };
    let mut run = MaybeUninit::<Run<'_>>::uninit();
    let place = run.as_mut_ptr();
    // SAFETY: memory for a run; what is not written before it is read is written below.
    let judged = unsafe {
        let judged = &raw mut (*place).judged;
        Packet::locate_at(&raw mut (*judged).packet, hit.skb, program.zero);
        (&raw mut (*judged).program).write(program);
        (&raw mut (*judged).hit).write(hit);
        (&raw mut (*judged).inside).write(inside);
        (&raw mut (*judged).depth).write(zero);
        &mut (*place).judged
    };
    judged.packet.launder();
    // SAFETY: as above; with these, all of it is written.
    let run = unsafe {
        (&raw mut (*place).registers).write([zero; REGISTERS]);
        (&raw mut (*place).next).write(program.entry);
        (&raw mut (*place).verdict).write(zero);
        run.assume_init_mut()
    };
    // SAFETY: the callback gets the context that stands here, which outlives the call.
    unsafe { bpf_loop(MAX_STEPS as u32, turn as *mut c_void, ptr::from_mut(run).cast(), 0) };
    match run.verdict {
        CONTINUE => Verdict::of(run.next),
        UNDECIDABLE => Verdict::Undecidable,
        _ => Verdict::Reject,
    }
}

/// Most nodes that are tried at once.
const AT_ONCE: usize = 3;

/// What a first look at a packet says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FirstLook {
    /// It does not match.
    Rejected,
    /// This hit cannot tell.
    Undecidable,
    /// The whole program has to be run.
    Open,
}

/// Turns away most packets that do not match with few instructions, nearly all of which a hit costs: the first nodes are
/// tried as long as they test the EtherType, the network header or the one behind it, and what they ask for is at hand.
/// Nothing is decided here that [`matches`] would decide otherwise.
#[inline(always)]
pub fn first_look(program: &Program, skb: u64) -> FirstLook {
    let head: u64 = member!(skb, skb_head);
    let offset: u16 = member!(skb, skb_network_header);
    if offset == 0 {
        return without_header(program, skb, head);
    }
    let network = head + u64::from(offset);
    let tail: u32 = member!(skb, skb_tail);
    let end = head + u64::from(tail);
    if network >= end {
        return FirstLook::Open;
    }
    let first: u8 = peek(network);
    let mut next = program.entry;
    for _ in 0..AT_ONCE {
        let Some(node) = program.nodes.get(next as usize) else { break };
        if node.op != op::TEST {
            return FirstLook::Open;
        }
        let value = match node.base {
            base::FIELD if node.offset == field::PROTOCOL => {
                let protocol = packet::protocol(skb, first);
                if protocol == UNKNOWN {
                    return FirstLook::Open;
                }
                protocol as u32
            }
            base::NETWORK | base::TRANSPORT => {
                let behind = if node.base == base::TRANSPORT { packet::network_length(first) } else { 0 };
                let address = network + behind + u64::from(node.offset);
                if address + u64::from(node.width) > end {
                    return FirstLook::Open;
                }
                let word = u32::from_be(peek(address));
                if unwritten::may_be(node.base, node.offset, u64::from(word)) {
                    return FirstLook::Open;
                }
                word
            }
            _ => return FirstLook::Open,
        };
        next = node.branch(value);
    }
    if next == u32::from(REJECT) { FirstLook::Rejected } else { FirstLook::Open }
}

/// Before the network header is written, only a socket can tell.
#[inline(always)]
fn without_header(program: &Program, skb: u64, head: u64) -> FirstLook {
    let Some(node) = program.nodes.get(program.entry as usize) else { return FirstLook::Open };
    let header = node.base == base::NETWORK || node.base == base::TRANSPORT;
    let asks = header || (node.base == base::FIELD && node.offset == field::PROTOCOL);
    let sock: u64 = member!(skb, skb_sk);
    let undecidable = asks
        && node.op <= op::LOAD_INDEXED
        && !is_kernel_pointer(sock)
        && packet::network_by_link(skb, head) == packet::NOWHERE;
    if undecidable { FirstLook::Undecidable } else { FirstLook::Open }
}

/// One node; 1 ends the loop.
extern "C" fn turn(_index: u64, run: *mut Run<'_>) -> u64 {
    // SAFETY: see `evaluate`.
    let run = unsafe { &mut *run };
    let Some(node) = run.judged.program.nodes.get(run.next as usize) else { return 1 };
    let outcome = node.step(&mut run.judged, &mut run.registers);
    // Laundered, so that the verifier finds the next turn like this one.
    run.judged.launder();
    let zero = run.judged.program.zero as u32;
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
