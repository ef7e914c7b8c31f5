//! Runs the predicate program in force on the packet of a hit.

use core::{arch::asm, ffi::c_void, mem::MaybeUninit, ptr};

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_kernel};
use tracer_common::{
    config::counter,
    looks::{self, Looks, family, target, wanted},
    predicate::{ACCEPT, MAX_STEPS, Program, REGISTERS, Verdict, base, field, op},
    tunnel::Headers,
};

use crate::{
    hit::Hit,
    maps::{FILTERS, IN_FORCE, count, found},
    packet::{self, Packet},
    read::{self, is_kernel_pointer, member, peek, setting},
    source::Judged,
};

/// The filter in force.
#[inline(always)]
pub fn in_force() -> Option<&'static Program> {
    // SAFETY: a global, aligned.
    FILTERS.get(unsafe { IN_FORCE.0.get().read_volatile() })
}

/// The packet matches.
pub const ACCEPTED: u32 = 3;

/// What the filter says of a hit: [`ACCEPTED`], [`REJECTED`] or [`UNDECIDABLE`], which is counted.
#[inline(always)]
pub fn judge(program: &Program, hit: &Hit) -> u32 {
    if program.entry == u32::from(ACCEPT) {
        return ACCEPTED;
    }
    let look = if hit.is(found::TRANSPORT_TO_COME) { FirstLook::Open } else { looked_at(program, hit.skb) };
    let verdict = match look {
        FirstLook::Rejected => REJECTED,
        FirstLook::Matches => ACCEPTED,
        FirstLook::Undecidable => UNDECIDABLE,
        FirstLook::Open => run(program, hit),
    };
    if verdict == UNDECIDABLE {
        count(counter::UNDECIDABLE);
    }
    verdict
}

/// Runs the whole program. One function of its own, which each program has once.
#[inline(never)]
fn run(program: &Program, hit: &Hit) -> u32 {
    match evaluate(program, hit) {
        Verdict::Match => ACCEPTED,
        Verdict::Reject => REJECTED,
        Verdict::Undecidable => UNDECIDABLE,
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
/// This hit cannot tell.
pub const UNDECIDABLE: u32 = 1;
/// The packet does not match.
pub const REJECTED: u32 = 2;

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
    if hit.is(found::TRANSPORT_TO_COME) {
        judged.packet.transport = packet::NOWHERE;
    }
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

/// What a first look at a packet says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FirstLook {
    /// It does not match.
    Rejected,
    /// It does.
    Matches,
    /// This hit cannot tell.
    Undecidable,
    /// The whole program has to be run.
    Open,
}

/// Judges most packets with few instructions, by the program's table for their protocol. Where not all that the tables may ask
/// for is at hand, the answer is left open: nothing is decided here that [`evaluate`] would decide otherwise.
#[inline(always)]
pub fn first_look(program: &Program, skb: u64) -> FirstLook {
    let head: u64 = member!(skb, skb_head);
    let stored = packet::stored(skb);
    if stored.network == 0 {
        return without_header(program, skb, head);
    }
    if stored.is_unwritten(skb, head) {
        return if asks_for_header(program) { FirstLook::Undecidable } else { FirstLook::Open };
    }
    let network = head + u64::from(stored.network);
    let tail: u32 = member!(skb, skb_tail);
    let end = head + u64::from(tail);
    if network + u64::from(looks::IPV4_BYTES) > end {
        return FirstLook::Open;
    }
    let mut pairs = MaybeUninit::uninit();
    let pairs = zeroed(&mut pairs);
    fetch::<{ looks::IPV4_BYTES as usize / 4 }>(pairs, 0, network);
    let first = (pairs[0] >> 56) as u8;
    let family = match packet::protocol(stored.protocol, first) {
        packet::ETH_P_IP => family::IPV4,
        packet::ETH_P_IPV6 if network + u64::from(looks::IPV6_BYTES) <= end => {
            fetch::<6>(pairs, 2, network + 16);
            family::IPV6
        }
        _ => return FirstLook::Open,
    };
    // Laundered, so that the verifier follows one table.
    let Some(table) = program.looks.get(family ^ program.zero as usize) else { return FirstLook::Open };
    if table.fields != 0 {
        pairs[looks::FIELDS] = fields(table, skb);
    }
    let mut next = walk(table, pairs, u32::from(table.entry), target::END | target::NEEDS_BEHIND);
    if next & u32::from(target::END | target::NEEDS_BEHIND) == u32::from(target::NEEDS_BEHIND) {
        let behind = network + packet::network_length(first);
        if behind + u64::from(table.behind_bytes) > end {
            return FirstLook::Open;
        }
        fetch::<4>(pairs, looks::BEHIND, behind);
        next = walk(table, pairs, next, target::END);
    }
    match next as u8 {
        target::REJECT => FirstLook::Rejected,
        target::ACCEPT => FirstLook::Matches,
        _ => FirstLook::Open,
    }
}

/// The same as a function of its own, for programs that need it beside others.
#[inline(never)]
pub fn looked_at(program: &Program, skb: u64) -> FirstLook {
    first_look(program, skb)
}

/// Zeros, written one by one: the compiler would call a loop over single bytes.
#[inline(always)]
fn zeroed(pairs: &mut MaybeUninit<[u64; looks::PAIRS]>) -> &mut [u64; looks::PAIRS] {
    let place = pairs.as_mut_ptr().cast::<u64>();
    // SAFETY: memory for all of them, which are all written.
    unsafe {
        for number in 0..looks::PAIRS {
            place.add(number).write_volatile(0);
        }
        pairs.assume_init_mut()
    }
}

/// Fetches `COUNT` words of a packet, from the pair `at` on. Where each load is a call, one has them all.
#[inline(always)]
fn fetch<const COUNT: usize>(pairs: &mut [u64; looks::PAIRS], at: usize, address: u64) {
    if setting!(window) == 0 {
        let place = (&raw mut pairs[at]).cast::<c_void>();
        // SAFETY: there is room for the bytes; where they cannot be read, the helper writes zeros.
        unsafe { bpf_probe_read_kernel(place, 4 * COUNT as u32, address as *const c_void) };
        for number in 0..COUNT.div_ceil(2) {
            pairs[at + number] = u64::from_be(pairs[at + number]);
        }
        return;
    }
    for number in 0..COUNT / 2 {
        pairs[at + number] = u64::from_be(peek(address + 8 * number as u64));
    }
    if COUNT % 2 == 1 {
        let last: u32 = peek(address + 4 * (COUNT - 1) as u64);
        pairs[at + COUNT / 2] = u64::from(u32::from_be(last)) << 32;
    }
}

/// The fields that a table asks for.
#[inline(always)]
fn fields(table: &Looks, skb: u64) -> u64 {
    let netns = if table.fields & wanted::NETNS == 0 { 0 } else { read::packet_namespace(skb, read::device(skb)) };
    let mark: u32 = member!(skb, skb_mark);
    u64::from(netns) << 32 | u64::from(mark)
}

/// Follows a table from `next` on until one of the bits `stop` is set.
#[inline(always)]
fn walk(table: &Looks, pairs: &[u64; looks::PAIRS], mut next: u32, stop: u8) -> u32 {
    // SAFETY: the same bytes as smaller numbers.
    let words = unsafe { &*ptr::from_ref(pairs).cast::<[u32; looks::WORDS]>() };
    for _ in 0..looks::MAX_LOOKS {
        if next & u32::from(stop) != 0 {
            break;
        }
        let look = &table.looks[next as usize % looks::MAX_LOOKS];
        let mut outside = look.margin(words);
        // The compiler would make this a condition, and a branch of that.
        // SAFETY: a shift.
        unsafe { asm!("{0} >>= 63", inout(reg) outside, options(pure, nomem, nostack)) };
        next = u32::from(look.next[outside as usize & 1]);
    }
    next
}

/// Before the network header is written, only a socket can tell.
#[inline(always)]
fn without_header(program: &Program, skb: u64, head: u64) -> FirstLook {
    let sock: u64 = member!(skb, skb_sk);
    let undecidable =
        !is_kernel_pointer(sock) && packet::network_by_link(skb, head) == packet::NOWHERE && asks_for_header(program);
    if undecidable { FirstLook::Undecidable } else { FirstLook::Open }
}

/// Whether the program asks for the network header first.
#[inline(always)]
fn asks_for_header(program: &Program) -> bool {
    let Some(node) = program.nodes.get(program.entry as usize) else { return false };
    let header = node.base == base::NETWORK || node.base == base::TRANSPORT;
    let asks = header || (node.base == base::FIELD && node.offset == field::PROTOCOL);
    asks && node.op <= op::LOAD_INDEXED
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
