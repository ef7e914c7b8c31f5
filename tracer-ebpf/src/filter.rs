//! Runs the predicate program in force on the packet of a hit.

use core::{ffi::c_void, mem::MaybeUninit, ptr};

use aya_ebpf::helpers::generated::bpf_loop;
use tracer_common::{
    config::counter,
    predicate::{ACCEPT, MAX_STEPS, Node, Program, REGISTERS, REJECT, UNKNOWN, Verdict, base, field, op},
    tunnel::Headers,
};

use crate::{
    hit::Hit,
    maps::{FILTERS, IN_FORCE, count},
    packet::{NOWHERE, Packet},
    read::peek,
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

/// Runs the program: the first few nodes in line, as long as they are of the common kinds; the rest in `bpf_loop`
/// (5.17), whose body the verifier checks once instead of `MAX_STEPS` times.
#[inline(always)]
fn evaluate(program: &Program, hit: &Hit) -> Verdict {
    let zero = program.zero as u32;
    let inside = Headers { link: zero, network: zero, protocol: zero };
    let mut run = MaybeUninit::<Run<'_>>::uninit();
    let place = run.as_mut_ptr();
    // SAFETY: memory for a run; what is not written before it is read is written below.
    let judged = unsafe {
        (&raw mut (*place).judged).write(Judged {
            packet: Packet::locate(hit.skb, program.zero),
            program,
            hit,
            inside,
            depth: zero,
        });
        &mut (*place).judged
    };
    let next = first_nodes(program, &judged.packet);
    if next == UNDECIDED {
        return Verdict::Undecidable;
    }
    if next >= u32::from(REJECT) {
        return Verdict::of(next);
    }
    judged.packet.launder();
    // SAFETY: as above; with these, all of it is written.
    let run = unsafe {
        (&raw mut (*place).registers).write([zero; REGISTERS]);
        (&raw mut (*place).next).write(next);
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

/// Most nodes that are run in line.
const IN_LINE: usize = 3;
/// No target, but the answer that a node asks for what the packet cannot tell yet.
const UNDECIDED: u32 = 1 << 16;

/// Runs nodes that test the network header, the one behind it, or the EtherType; returns the first node of another kind,
/// or the outcome. Nothing is decided here that the loop would decide otherwise.
#[inline(always)]
fn first_nodes(program: &Program, packet: &Packet) -> u32 {
    let mut next = program.entry;
    for _ in 0..IN_LINE {
        let Some(node) = program.nodes.get(next as usize) else { break };
        if !is_common(node) {
            break;
        }
        let value = if packet.network == NOWHERE {
            let value = unwritten::ask(packet, node.base, node.offset, u64::from(node.width)) | program.zero;
            if value == UNKNOWN {
                return UNDECIDED;
            }
            value as u32
        } else if node.base == base::FIELD {
            if packet.protocol == UNKNOWN {
                break;
            }
            packet.protocol as u32
        } else {
            let header = if node.base == base::NETWORK { packet.network } else { packet.transport };
            let address = header + u64::from(node.offset);
            if address + u64::from(node.width) > packet.end {
                break;
            }
            u32::from_be(peek(address))
        };
        next = node.branch(value | program.zero as u32);
    }
    next | program.zero as u32
}

/// Tests the EtherType, the network header or the one behind it, and none of them behind a VLAN tag.
#[inline(always)]
fn is_common(node: &Node) -> bool {
    let header = node.base == base::NETWORK || node.base == base::TRANSPORT;
    node.op == op::TEST && (header || (node.base == base::FIELD && node.offset == field::PROTOCOL))
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
            run.next = next | zero;
            0
        }
        Err(verdict) => {
            run.verdict = if verdict == Verdict::Undecidable { UNDECIDABLE } else { REJECTED } | zero;
            1
        }
    }
}
