//! Hits of BPF programs at the hooks of XDP: a program of ours at the entry of each judges, one at its end sends.
//!
//! Three ways lead to the journey of a packet at XDP. Where the kernel has made its `sk_buff` before (generic mode, veth), that
//! one may be followed, and its `head` is where the packet's memory begins. A packet that another device has redirected is
//! known by its memory too. Any other begins a journey if it matches, which the `sk_buff` takes over that is made of the
//! same memory. A driver that copies the packet instead breaks the journey there.

use core::{ffi::c_void, ptr};

use aya_ebpf::helpers::bpf_ktime_get_ns;
use tracer_common::{
    event::{flags, hook, kind},
    journey::{Followed, change, state},
    predicate::{NO_PROBE, Program},
};

use crate::{
    emit, filter, follow,
    frame::{self, Frame},
    hit::Hit,
    maps::{FOLLOWED, FRAMES, HEADS, Noted, RUNS, Running, keep, take_back},
    read::{self, member, setting},
};

/// `enum xdp_action`.
const ABORTED: u32 = 0;
const DROP: u32 = 1;
const PASS: u32 = 2;
const TX: u32 = 3;
const REDIRECT: u32 = 4;
/// Verdicts after which an `sk_buff` may be made of the same memory: veth hands even what is sent back to its peer like that.
const GOING_ON: [u64; 3] = [PASS as u64, TX as u64, REDIRECT as u64];
/// Nanoseconds after which memory that went through XDP counts as another packet's.
const FORGOTTEN: u64 = 1_000_000_000;

/// An XDP program begins.
#[inline(always)]
pub fn begin(context: *mut c_void) {
    let Some(program) = filter::in_force() else { return };
    let xdp = follow::argument(context, 0);
    let memory: u64 = member!(xdp, xdp_data_hard_start);
    if let Some(running) = of_buffer(program, memory).or_else(|| redirected(program, memory, xdp)) {
        keep(&RUNS, &xdp, &running);
        return;
    }
    // Whatever was there before: this is another packet.
    take_back(&FRAMES, &memory);
    if !frame::matches(program, xdp) {
        // A program whose end was missed may have left a note.
        take_back(&RUNS, &xdp);
        return;
    }
    let journey = follow::admit();
    let running = Running {
        journey,
        branch: journey as u32,
        parent: 0,
        generation: program.generation,
        flags: u32::from(flags::FIRST),
        bare: 1,
    };
    keep(&RUNS, &xdp, &running);
}

/// An XDP program has ended.
#[inline(always)]
pub fn end(context: *mut c_void) {
    let xdp = follow::argument(context, 0);
    let Some(running) = RUNS.get_ptr(&xdp) else { return };
    // SAFETY: a value of the map, which nobody else uses as long as the program runs.
    let running = unsafe { ptr::read(running) };
    take_back(&RUNS, &xdp);
    let verdict = follow::returned(context) as u32;
    let memory: u64 = member!(xdp, xdp_data_hard_start);
    let frame = Frame::locate(xdp);
    if running.journey != 0 {
        let mut hit = Hit::new(context, memory, kind::XDP, NO_PROBE);
        // SAFETY: what is not written is not read before it is.
        let hit = unsafe { hit.assume_init_mut() };
        hit.func = read::instance(context);
        hit.caller = 0;
        hit.argument = verdict;
        hit.hook = if is_generic(frame.device.address) { hook::GENERIC } else { hook::DRIVER };
        hit.flags = running.flags as u8;
        hit.journey = running.journey;
        hit.branch = running.branch;
        hit.parent = running.parent;
        hit.generation = running.generation;
        emit::emit_frame(hit, &frame);
    }
    leave(&running, memory, verdict, &frame);
}

/// Notes what may become an `sk_buff`, or ends what does not.
#[inline(always)]
fn leave(running: &Running, memory: u64, verdict: u32, frame: &Frame) {
    let dropped = verdict == DROP || verdict == ABORTED;
    // With an `sk_buff` only what is sent elsewhere leaves it, and in the generic mode not even that.
    let keeps_buffer = running.bare == 0 && (verdict == PASS || is_generic(frame.device.address));
    if verdict != PASS && running.bare != 0 && running.journey != 0 {
        // It goes on, as another branch, only where its memory turns up again on this machine.
        follow::tell(&followed(running.journey, running.branch, running.generation), change::ENDED, memory, 0);
    }
    if dropped || keeps_buffer {
        take_back(&FRAMES, &memory);
        return;
    }
    let noted = Noted {
        journey: running.journey,
        // SAFETY: a helper without preconditions.
        time: unsafe { bpf_ktime_get_ns() },
        branch: running.branch,
        generation: running.generation,
        device: frame.device.address,
        verdict: u64::from(verdict),
    };
    keep(&FRAMES, &memory, &noted);
}

/// A program is attached to the device in generic mode: the first `struct bpf_xdp_entity` of `xdp_state` (`XDP_MODE_SKB`) has
/// one, by itself or by a link.
#[inline(always)]
fn is_generic(device: u64) -> bool {
    let state: u64 = member!(device, dev_xdp_state);
    let link: u64 = member!(device + 8, dev_xdp_state);
    state | link != 0
}

/// The followed `sk_buff` that has its head there.
#[inline(always)]
fn of_buffer(program: &Program, memory: u64) -> Option<Running> {
    let skb = HEADS.get_ptr(&memory)?;
    // SAFETY: a value of the map, a number.
    let skb = unsafe { ptr::read(skb) };
    let head: u64 = member!(skb, skb_head);
    if head != memory {
        return None;
    }
    let followed = FOLLOWED.get_ptr(&skb)?;
    // SAFETY: a value of the map; all that is read of it are numbers.
    let followed = unsafe { ptr::read(followed) };
    let goes_on = followed.state != state::RELEASED && followed.generation == program.generation;
    goes_on.then_some(Running {
        journey: followed.journey,
        branch: followed.branch,
        parent: followed.parent,
        generation: followed.generation,
        flags: 0,
        bare: 0,
    })
}

/// The packet that another device has sent to the one it is at now.
#[inline(always)]
fn redirected(program: &Program, memory: u64, xdp: u64) -> Option<Running> {
    let noted = noted(program, memory)?;
    let device: u64 = member!(member!(xdp, xdp_rxq), rxq_dev);
    if noted.verdict == u64::from(PASS) || !GOING_ON.contains(&noted.verdict) || noted.device == device {
        return None;
    }
    let before = followed(noted.journey, noted.branch, noted.generation);
    let now = follow::branch_off(&before);
    if now.journey != 0 {
        follow::tell(&now, change::COPIED, memory, memory);
    }
    let (journey, branch, parent, generation) = (now.journey, now.branch, now.parent, now.generation);
    Some(Running { journey, branch, parent, generation, flags: 0, bare: 1 })
}

/// What is noted of the packet there, unless it is of another time or filter.
#[inline(always)]
fn noted(program: &Program, memory: u64) -> Option<Noted> {
    let noted = FRAMES.get_ptr(&memory)?;
    // SAFETY: a value of the map; all that is read of it are numbers.
    let noted = unsafe { ptr::read(noted) };
    // SAFETY: a helper without preconditions.
    let age = unsafe { bpf_ktime_get_ns() }.wrapping_sub(noted.time);
    (age < FORGOTTEN && noted.generation == program.generation).then_some(noted)
}

/// Notes the head of a followed `sk_buff`, by which XDP will know it.
#[inline(always)]
pub fn remember(skb: u64) {
    let head: u64 = member!(skb, skb_head);
    match HEADS.get_ptr_mut(&head) {
        // SAFETY: a value of the map, a number.
        Some(noted) => unsafe { noted.write(skb) },
        None => keep(&HEADS, &head, &skb),
    }
}

/// A followed `sk_buff` ends: its head is no longer its.
#[inline(always)]
pub fn forget(skb: u64) {
    if setting!(xdp) == 0 {
        return;
    }
    let head: u64 = member!(skb, skb_head);
    let Some(noted) = HEADS.get_ptr(&head) else { return };
    // SAFETY: a value of the map, a number.
    if unsafe { ptr::read(noted) } == skb {
        take_back(&HEADS, &head);
    }
}

/// Has an `sk_buff` take over the journey of the packet that it was made of, whether it matches or not: a program may have
/// changed the packet. The answer is one of those below.
#[inline(never)]
pub fn take_over(program: &Program, hit: &mut Hit) -> u32 {
    let head: u64 = member!(hit.skb, skb_head);
    let Some(noted) = noted(program, head) else { return NOTHING };
    take_back(&FRAMES, &head);
    if !GOING_ON.contains(&noted.verdict) {
        return NOTHING;
    }
    let before = followed(noted.journey, noted.branch, noted.generation);
    if !follow::join(&before, hit, noted.verdict == u64::from(PASS)) {
        return NOTHING;
    }
    if noted.journey == 0 { LEFT_OUT } else { TAKEN_OVER }
}

/// Answers of [`take_over`]: the hit's packet was not at XDP,
pub const NOTHING: u32 = 0;
/// has a journey from there,
pub const TAKEN_OVER: u32 = 1;
/// or is left out.
pub const LEFT_OUT: u32 = 2;

#[inline(always)]
fn followed(journey: u64, branch: u32, generation: u32) -> Followed {
    Followed { journey, released: 0, branch, parent: 0, generation, state: state::ALIVE }
}
