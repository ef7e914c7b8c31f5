//! Follows packets that matched: through copies, fragments and merges, until their `sk_buff` is freed.
//!
//! The kernel calls `__copy_skb_header` wherever an `sk_buff` is made from another (clone, copy, segment), and
//! `skb_release_head_state` or `kfree_skbmem` wherever one ends; the programs there ([`copied`], [`released`], [`freed`])
//! are attached as fentry and fexit. These run even where they interrupt a probe's program, whose own hits are missed then,
//! so that no `sk_buff` that is used again is taken for the one before.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    bindings::{BPF_EXIST, BPF_NOEXIST, BPF_RB_NO_WAKEUP},
    helpers::{
        bpf_get_smp_processor_id, bpf_ktime_get_ns,
        generated::{bpf_get_func_arg, bpf_get_func_ret, bpf_get_prandom_u32, bpf_loop},
    },
};
use tracer_common::{
    config::counter,
    event::flags,
    journey::{Change, Followed, change, state},
    predicate::{ACCEPT, Program},
};

use crate::{
    filter::{self, ACCEPTED, FirstLook, REJECTED},
    hit::Hit,
    maps::{EVENTS, FOLLOWED, NUMBERS, add, count, found},
    own::is_own,
    read::{peek, setting},
    stack, xdp,
};

/// What following says of a hit, before its filter is asked.
const JUDGE: u32 = 0;
/// Its packet is followed.
const SHOW: u32 = 1;
/// Its packet is left out by sampling.
const HIDE: u32 = 2;
/// Its packet matched an earlier filter: the present one decides whether it is followed further.
const JUDGE_AGAIN: u32 = 3;

/// Whether a hit is to be shown: its packet is followed, or matches and is so from now on.
#[inline(never)]
pub fn judge(program: &Program, hit: &mut Hit) -> bool {
    let mut known = JUDGE;
    if setting!(follow) != 0 && live() != 0 {
        known = follows(program, hit);
        if known == SHOW || known == HIDE {
            if setting!(xdp) != 0 {
                xdp::remember(hit.skb);
            }
            return known == SHOW;
        }
    }
    if setting!(xdp) != 0 && hit.what == found::PASSES as u8 && known == JUDGE {
        let taken = xdp::take_over(program, hit);
        if taken != xdp::NOTHING {
            return taken == xdp::TAKEN_OVER;
        }
    }
    if hit.is(found::BLANK) && of_blank(program) != FirstLook::Open {
        count(counter::UNDECIDABLE);
        return false;
    }
    // Laundered, so that the verifier checks what follows once.
    known ^= program.zero as u32;
    let verdict = filter::judge(program, hit);
    if verdict != ACCEPTED {
        // Where this hit cannot tell, a later one will.
        if known == JUDGE_AGAIN && verdict == REJECTED {
            forget(hit.skb);
        }
        return false;
    }
    hit.generation = program.generation;
    (hit.journey, hit.branch, hit.parent) = (0, 0, 0);
    if is_own(hit.skb) {
        count(counter::OWN);
        return false;
    }
    if known == JUDGE_AGAIN {
        return goes_on(hit);
    }
    setting!(follow) == 0 || begin(program, hit)
}

/// What can be said of a packet that is not followed and whose bytes are not there: only a filter that asks for nothing takes it.
#[inline(always)]
pub fn of_blank(program: &Program) -> FirstLook {
    if program.entry == u32::from(ACCEPT) { FirstLook::Open } else { FirstLook::Undecidable }
}

/// Whether a hit of a function without a packet is to be shown: it belongs to the one that its stack works on.
#[inline(never)]
pub fn is_in_work(program: &Program, hit: &mut Hit, pointer: u64) -> bool {
    hit.skb = stack::packet(pointer);
    hit.flags = flags::BY_STACK;
    hit.what = found::PASSES as u8;
    hit.skb != 0 && live() != 0 && follows(program, hit) == SHOW
}

/// Notes what the stack of a shown hit works on; one that is not shown may be a packet that appears in the work on a followed
/// one, and be shown after all.
#[inline(never)]
pub fn note_work(program: &Program, hit: &mut Hit, pointer: u64, shown: bool) -> bool {
    if shown {
        if hit.journey != 0 {
            stack::works_on(pointer, hit.skb);
        }
        return true;
    }
    let other = stack::packet(pointer);
    if setting!(follow_stacks) == 0 || other == 0 || other == hit.skb || hit.is(found::FREEING) {
        return false;
    }
    copied(hit.skb, other, change::STACK);
    live() != 0 && follows(program, hit) == SHOW
}

/// What is known of a hit's packet.
#[inline(never)]
fn follows(program: &Program, hit: &mut Hit) -> u32 {
    let Some(followed) = FOLLOWED.get_ptr(&hit.skb) else { return JUDGE };
    // SAFETY: a value of the map; all that is read of it are numbers. It may become another packet's while we look; then the
    // hit is that one's too.
    let followed = unsafe { ptr::read(followed) };
    if followed.state == state::RELEASED && !hit.is(found::FREEING) {
        forget(hit.skb);
        return JUDGE;
    }
    if followed.generation != program.generation {
        return JUDGE_AGAIN;
    }
    hit.generation = followed.generation;
    hit.journey = followed.journey;
    hit.branch = followed.branch;
    hit.parent = followed.parent;
    if followed.journey == 0 { HIDE } else { SHOW }
}

/// A followed packet matches the present filter too.
#[inline(always)]
fn goes_on(hit: &mut Hit) -> bool {
    let Some(followed) = FOLLOWED.get_ptr_mut(&hit.skb) else { return true };
    // SAFETY: a value of the map.
    let followed = unsafe { &mut *followed };
    followed.generation = hit.generation;
    hit.journey = followed.journey;
    hit.branch = followed.branch;
    hit.parent = followed.parent;
    followed.journey != 0
}

/// Whether the packet of a hit is followed by the filter in force, and shown. Where the filter has changed, the next hit
/// that is judged decides.
#[inline(always)]
pub fn is_followed(program: &Program, hit: &mut Hit) -> bool {
    live() != 0 && follows(program, hit) == SHOW
}

/// Follows a packet that has just matched, unless it is to be left out.
#[inline(always)]
fn begin(program: &Program, hit: &mut Hit) -> bool {
    hit.flags = flags::FIRST;
    // What is being freed is shown, but there is nothing left to follow, nor to take a sample of.
    if hit.is(found::FREEING) {
        return admits_freed();
    }
    let journey = admit();
    let followed = Followed {
        journey,
        released: 0,
        branch: journey as u32,
        parent: 0,
        generation: program.generation,
        state: state::ALIVE,
    };
    if note(hit.skb, &followed) {
        hit.journey = journey;
        hit.branch = journey as u32;
        if setting!(xdp) != 0 {
            xdp::remember(hit.skb);
        }
    } else {
        count(counter::NOT_FOLLOWED);
    }
    journey != 0
}

/// Whether a packet is shown that only its end has been seen of.
#[inline(always)]
fn admits_freed() -> bool {
    if setting!(sample) > 1 {
        count(counter::SAMPLED_OUT);
        return false;
    }
    let most = setting!(most_packets);
    // SAFETY: a global, aligned.
    if most != 0 && unsafe { NUMBERS.journeys.get().read_volatile() } >= u64::from(most) {
        count(counter::BEYOND_LIMIT);
        return false;
    }
    true
}

/// A number for the journey of a packet that has just matched; 0 where it is to be left out.
#[inline(always)]
pub fn admit() -> u64 {
    let sample = setting!(sample);
    // SAFETY: a helper without preconditions.
    if sample > 1 && unsafe { bpf_get_prandom_u32() } % sample != 0 {
        count(counter::SAMPLED_OUT);
        return 0;
    }
    let most = setting!(most_packets);
    if most != 0 && add(&NUMBERS.journeys, 1) >= u64::from(most) {
        count(counter::BEYOND_LIMIT);
        return 0;
    }
    count(counter::JOURNEYS);
    number()
}

/// What goes on after `before`, as a branch of it.
#[inline(always)]
pub fn branch_off(before: &Followed) -> Followed {
    let branch = if before.journey == 0 { 0 } else { number() as u32 };
    Followed { branch, parent: before.branch, ..*before }
}

/// Follows the `sk_buff` of a hit as a branch of what went before it, which `ends` now if it has not before; false where there
/// is no room.
#[inline(always)]
pub fn join(before: &Followed, hit: &mut Hit, ends: bool) -> bool {
    let followed = branch_off(before);
    if !note(hit.skb, &followed) {
        count(counter::NOT_FOLLOWED);
        return false;
    }
    (hit.journey, hit.branch, hit.parent) = (followed.journey, followed.branch, before.branch);
    hit.generation = before.generation;
    xdp::remember(hit.skb);
    if before.journey != 0 {
        tell(&followed, change::COPIED, hit.skb, 0);
        if ends {
            tell(before, change::ENDED, 0, 0);
        }
    }
    true
}

/// An `sk_buff` is made from another, which may be followed.
#[inline(always)]
pub fn copied(made: u64, from: u64, kind: u8) {
    if live() == 0 || made == from {
        return;
    }
    let Some(parent) = FOLLOWED.get_ptr(&from) else { return };
    // SAFETY: a value of the map; all that is read of it are numbers.
    let parent = unsafe { ptr::read(parent) };
    if parent.state == state::RELEASED {
        return;
    }
    let followed = branch_off(&parent);
    if !note(made, &followed) {
        count(counter::NOT_FOLLOWED);
        return;
    }
    if setting!(xdp) != 0 {
        // At most copies the head is there already; where it is not, the note does not hold.
        xdp::remember(made);
    }
    if parent.journey != 0 {
        tell(&followed, kind, made, from);
    }
}

/// A packet is merged into another: GRO, coalescing. That one is of the same journey from now on, unless it has its own.
#[inline(always)]
pub fn merged(into: u64, from: u64) {
    if live() == 0 || into == from {
        return;
    }
    let Some(parent) = FOLLOWED.get_ptr(&from) else { return };
    let Some(own) = FOLLOWED.get_ptr(&into) else { return copied(into, from, change::MERGED) };
    // SAFETY: values of the map; all that is read of them are numbers.
    let (parent, own) = unsafe { (ptr::read(parent), ptr::read(own)) };
    if own.state == state::RELEASED {
        return copied(into, from, change::MERGED);
    }
    if own.journey != 0 && parent.journey != 0 {
        tell(&Followed { parent: parent.branch, ..own }, change::MERGED, into, from);
    }
}

/// An `sk_buff` was let go: what it held is gone, its memory will be.
#[inline(always)]
pub fn released(skb: u64) {
    if live() == 0 {
        return;
    }
    let Some(followed) = FOLLOWED.get_ptr_mut(&skb) else { return };
    // SAFETY: a value of the map.
    let followed = unsafe { &mut *followed };
    let before = followed.state;
    if before == state::RELEASED {
        return;
    }
    followed.state = state::RELEASED;
    xdp::forget(skb);
    // SAFETY: a helper without preconditions.
    followed.released = unsafe { bpf_ktime_get_ns() };
    if followed.journey != 0 {
        tell(followed, change::ENDED, skb, 0);
    }
    if before == state::LAST {
        forget(skb);
    }
}

/// What frees an `sk_buff` is through: one that was let go is no more.
#[inline(always)]
pub fn gone(skb: u64) {
    if live() == 0 {
        return;
    }
    let Some(followed) = FOLLOWED.get_ptr(&skb) else { return };
    // SAFETY: a value of the map, a number.
    if unsafe { (*followed).state } == state::RELEASED {
        forget(skb);
    }
}

/// What frees an `sk_buff` begins. Where the head's memory goes on in another packet, nothing but the release will tell of the
/// end.
#[inline(always)]
pub fn partly_freed(skb: u64, head_is_stolen: bool) {
    if live() == 0 || !head_is_stolen {
        return;
    }
    let Some(followed) = FOLLOWED.get_ptr_mut(&skb) else { return };
    // SAFETY: a value of the map.
    let followed = unsafe { &mut *followed };
    if followed.state == state::ALIVE {
        followed.state = state::LAST;
    }
}

/// `count` pieces of memory are given back, which `pieces` lists; they may have been `sk_buff`s.
#[inline(always)]
pub fn freed_together(pieces: u64, count: u64) {
    if live() == 0 {
        return;
    }
    let mut list = pieces;
    // SAFETY: the callback gets the list that stands here, which outlives the call.
    unsafe { bpf_loop(count.min(MOST_TOGETHER) as u32, freed_one as *mut c_void, (&raw mut list).cast(), 0) };
}

/// `skb_array` of `kfree_skb_add_bulk` has 16 places; caches that give back more are told of each `sk_buff` before.
const MOST_TOGETHER: u64 = 64;

/// One piece of the list; 0 goes on.
extern "C" fn freed_one(index: u64, list: *mut u64) -> u64 {
    // SAFETY: see `freed_together`.
    let list = unsafe { *list };
    freed(peek(list + index * size_of::<u64>() as u64));
    0
}

/// The memory of an `sk_buff` is given back.
#[inline(always)]
pub fn freed(skb: u64) {
    if live() == 0 {
        return;
    }
    let Some(followed) = FOLLOWED.get_ptr(&skb) else { return };
    // SAFETY: a value of the map; all that is read of it are numbers.
    let followed = unsafe { ptr::read(followed) };
    if followed.state != state::RELEASED {
        xdp::forget(skb);
        if followed.journey != 0 {
            tell(&followed, change::ENDED, skb, 0);
        }
    }
    forget(skb);
}

/// Argument `index` (from 0) of a traced function, as a number.
#[inline(always)]
pub fn argument(context: *mut c_void, index: u32) -> u64 {
    let mut value = 0u64;
    // SAFETY: the helper checks the index, and there is room for the value.
    unsafe { bpf_get_func_arg(context, index, &raw mut value) };
    value
}

/// What a traced function returned.
#[inline(always)]
pub fn returned(context: *mut c_void) -> u64 {
    let mut value = 0u64;
    // SAFETY: there is room for the value.
    unsafe { bpf_get_func_ret(context, &raw mut value) };
    value
}

/// Nothing is followed, nor any stack watched: a packet that the filter rejects needs no further look.
#[inline(always)]
pub fn nothing() -> bool {
    setting!(stacks) == 0 && (setting!(follow) == 0 || live() == 0)
}

/// How many `sk_buff`s are followed.
#[inline(always)]
fn live() -> u64 {
    // SAFETY: a global, aligned.
    unsafe { NUMBERS.live.get().read_volatile() }
}

/// The next number of a journey or branch.
#[inline(always)]
fn number() -> u64 {
    add(&NUMBERS.given, 1) + 1
}

/// Notes what is followed at `skb`; false where there is no room.
#[inline(always)]
fn note(skb: u64, followed: &Followed) -> bool {
    if FOLLOWED.insert(&skb, followed, u64::from(BPF_NOEXIST)).is_ok() {
        add(&NUMBERS.live, 1);
        return true;
    }
    FOLLOWED.insert(&skb, followed, u64::from(BPF_EXIST)).is_ok()
}

#[inline(always)]
fn forget(skb: u64) {
    if FOLLOWED.remove(&skb).is_ok() {
        add(&NUMBERS.live, u64::MAX);
    }
}

/// Sends a change.
#[inline(always)]
pub fn tell(followed: &Followed, kind: u8, skb: u64, other: u64) {
    count(counter::CHANGES);
    let Some(mut entry) = EVENTS.reserve_untyped::<Change>(0) else {
        count(counter::CHANGES_LOST);
        return;
    };
    entry.write(Change {
        // SAFETY: a helper without preconditions.
        time: unsafe { bpf_ktime_get_ns() },
        journey: followed.journey,
        skb,
        other,
        branch: followed.branch,
        parent: followed.parent,
        // SAFETY: a helper without preconditions.
        cpu: unsafe { bpf_get_smp_processor_id() } as u16,
        kind,
        reserved: [0; 5],
    });
    entry.submit(u64::from(BPF_RB_NO_WAKEUP));
}
