//! skbtrail's programs inside the kernel. This file holds entry points only: each fetches the `sk_buff` from where its
//! hook carries it and hands it on.
//!
//! The way of a hit: find the `sk_buff` → `follow`, which asks the `filter` → `emit`. Nothing here decides what is worth showing; that is the
//! predicate program's business, which user space can change at any time.
#![no_std]
#![no_main]
// For the atomic addition in `maps`; the build uses one known compiler.
#![feature(asm_experimental_arch)]

mod chain;
mod emit;
mod extra;
mod filter;
mod follow;
mod fragment;
mod frame;
mod hit;
mod maps;
mod own;
mod packet;
mod program;
mod read;
mod source;
mod stack;
mod unwritten;
mod xdp;

use core::{ffi::c_void, panic::PanicInfo};

use aya_ebpf::{
    EbpfContext as _,
    helpers::generated::bpf_get_func_ip,
    macros::{fentry, fexit, kprobe, raw_tracepoint},
    programs::{FEntryContext, FExitContext, ProbeContext, RawTracePointContext},
};
use tracer_common::{config::counter, event::kind, journey::change, predicate::NO_PROBE};

use crate::{
    filter::FirstLook,
    hit::Hit,
    maps::{FOUND, JUDGE, PROBES, count, found},
    read::{member, peek, setting},
};

/// Bytes of an `endbr64`.
const ENDBR: u64 = 4;

/// A hit of a probed function whose `sk_buff` is argument `$position` (from 0), directly or behind a pointer. Many are called
/// without one too.
macro_rules! function_probe {
    ($name:ident, $position:literal, $fetch:expr, $what:expr) => {
        #[doc = concat!("Functions with the sk_buff as argument ", stringify!($position), ", from 0.")]
        #[kprobe]
        #[inline(always)]
        pub fn $name(context: ProbeContext) -> u32 {
            let skb = $fetch(context.arg($position).unwrap_or(0));
            if $what & found::NONE == 0 && (!read::is_kernel_pointer(skb) || is_decided(skb, $what)) {
                return 0;
            }
            if let Some(found) = FOUND.get_ptr_mut(0) {
                // SAFETY: the place belongs to this CPU, see there.
                unsafe {
                    (*found).skb = skb;
                    (*found).argument = context.arg($position + 1).unwrap_or(0);
                    (*found).what = $what;
                    JUDGE.tail_call(&context, 0);
                }
            }
            0
        }
    };
}

function_probe!(skb_arg1, 0, core::convert::identity, found::PASSES);
function_probe!(skb_arg2, 1, core::convert::identity, found::PASSES);
function_probe!(skb_arg3, 2, core::convert::identity, found::PASSES);
function_probe!(skb_arg4, 3, core::convert::identity, found::PASSES);
function_probe!(skb_arg5, 4, core::convert::identity, found::PASSES);
function_probe!(skb_pointer_arg1, 0, pointed_to, found::PASSES);
function_probe!(skb_pointer_arg2, 1, pointed_to, found::PASSES);
function_probe!(skb_pointer_arg3, 2, pointed_to, found::PASSES);
function_probe!(skb_pointer_arg4, 3, pointed_to, found::PASSES);
function_probe!(skb_pointer_arg5, 4, pointed_to, found::PASSES);
// Functions that are part of freeing an sk_buff, all with it as their first argument.
function_probe!(freeing_arg1, 0, core::convert::identity, found::FREEING);
function_probe!(headless_arg1, 0, core::convert::identity, found::FREEING | found::BLANK);
// Functions whose packet is being made.
function_probe!(blank_arg1, 0, core::convert::identity, found::BLANK);
function_probe!(blank_arg2, 1, core::convert::identity, found::BLANK);
function_probe!(transport_to_come_arg1, 0, core::convert::identity, found::TRANSPORT_TO_COME);
// Functions without an sk_buff; what stands there instead is not looked at.
function_probe!(no_skb, 0, core::convert::identity, found::NONE);

/// Most packets that do not match are turned away here, so that it costs little to look for few among many.
#[inline(always)]
fn is_decided(skb: u64, what: u64) -> bool {
    if !follow::nothing() {
        return false;
    }
    let Some(program) = filter::in_force() else { return true };
    let look = if what & found::BLANK != 0 {
        follow::of_blank(program)
    } else if what & found::TRANSPORT_TO_COME != 0 {
        FirstLook::Open
    } else {
        filter::first_look(program, skb)
    };
    match look {
        FirstLook::Rejected => true,
        FirstLook::Undecidable => {
            count(counter::UNDECIDABLE);
            true
        }
        FirstLook::Matches | FirstLook::Open => false,
    }
}

/// Judges a hit of any function, and sends it if it matches.
#[kprobe]
#[inline(always)]
pub fn judge(context: ProbeContext) -> u32 {
    let Some(found) = FOUND.get(0) else { return 0 };
    let Some(program) = filter::in_force() else { return 0 };
    let (argument, what) = (found.argument, found.what);
    let mut hit = Hit::new(context.as_ptr(), found.skb, kind::CALL, NO_PROBE ^ program.zero as u32);
    // SAFETY: what is not written is not read before it is.
    let hit = unsafe { hit.assume_init_mut() };
    hit.argument = argument as u32;
    hit.what = what as u8;
    if program.wants_function != 0 {
        hit.probe = probe_number(hit.context);
    }
    // Laundered, so that the verifier checks what follows once.
    hit.probe ^= program.zero as u32;
    let watches = setting!(stacks) != 0;
    // SAFETY: the context of a kprobe is a `pt_regs`, which the program may read.
    let pointer = if watches { unsafe { (*context.regs).rsp } } else { 0 };
    let shown = if watches && what == found::NONE {
        follow::is_in_work(program, hit, pointer)
    } else {
        let shown = follow::judge(program, hit);
        if watches { follow::note_work(program, hit, pointer, shown) } else { shown }
    };
    if shown {
        // SAFETY: a helper without preconditions.
        hit.func = unsafe { bpf_get_func_ip(hit.context) };
        hit.caller = read::return_address(context.regs);
        emit::emit(hit);
    }
    0
}

/// Number of the probe whose function was entered.
#[inline(never)]
fn probe_number(context: *mut c_void) -> u32 {
    // SAFETY: a helper without preconditions.
    let func = unsafe { bpf_get_func_ip(context) };
    // The map has the place that is patched, which may lie behind an `endbr64`.
    // SAFETY: the map is only filled before, so its values do not change.
    let found = unsafe { PROBES.get(&func).or_else(|| PROBES.get(&(func + ENDBR))) };
    found.copied().unwrap_or(NO_PROBE)
}

/// A hit of a raw tracepoint whose `sk_buff` is argument `$position` (from 0).
macro_rules! tracepoint_probe {
    ($name:ident, $position:literal) => {
        #[doc = concat!("Tracepoints with the sk_buff as argument ", stringify!($position), ", from 0.")]
        #[raw_tracepoint]
        #[inline(always)]
        pub fn $name(context: RawTracePointContext) -> i32 {
            tracepoint(&context, argument(context.as_ptr(), $position))
        }
    };
}

tracepoint_probe!(tracepoint_arg1, 0);
tracepoint_probe!(tracepoint_arg2, 1);
tracepoint_probe!(tracepoint_arg3, 2);
tracepoint_probe!(tracepoint_arg4, 3);
tracepoint_probe!(tracepoint_arg5, 4);

#[inline(always)]
fn tracepoint(context: &RawTracePointContext, skb: u64) -> i32 {
    if !read::is_kernel_pointer(skb) {
        return 0;
    }
    let Some(program) = filter::in_force() else { return 0 };
    let probe = read::instance(context.as_ptr());
    let mut hit = Hit::new(context.as_ptr(), skb, kind::TRACEPOINT, probe as u32);
    // SAFETY: what is not written is not read before it is.
    let hit = unsafe { hit.assume_init_mut() };
    hit.func = probe;
    hit.caller = 0;
    hit.argument = 0;
    if follow::judge(program, hit) {
        emit::emit(hit);
    }
    0
}

/// `skb:kfree_skb`: `(skb, location, reason, …)` since 5.17, commit c504e5c2f964.
#[raw_tracepoint]
#[inline(always)]
pub fn dropped(context: RawTracePointContext) -> i32 {
    let Some(program) = filter::in_force() else { return 0 };
    let probe = read::instance(context.as_ptr());
    let mut hit = Hit::new(context.as_ptr(), argument(context.as_ptr(), 0), kind::DROP, probe as u32);
    // SAFETY: what is not written is not read before it is.
    let hit = unsafe { hit.assume_init_mut() };
    hit.func = probe;
    hit.argument = argument(context.as_ptr(), 2) as u32;
    if follow::judge(program, hit) {
        hit.caller = argument(context.as_ptr(), 1);
        emit::emit(hit);
    }
    0
}

/// Functions `(new, old, …)` that make an `sk_buff` from another; the instance says which kind of change that is.
#[fentry]
#[inline(always)]
pub fn copied(context: FEntryContext) -> i32 {
    let context = context.as_ptr();
    follow::copied(follow::argument(context, 0), follow::argument(context, 1), read::instance(context) as u8);
    0
}

/// `skb_split(skb, new, …)`: the other way round.
#[fentry]
#[inline(always)]
pub fn split(context: FEntryContext) -> i32 {
    let context = context.as_ptr();
    follow::copied(follow::argument(context, 1), follow::argument(context, 0), change::SPLIT);
    0
}

/// Functions `(into, from, …)` that merge a packet into another; they return what the instance says where they did.
#[fexit]
#[inline(always)]
pub fn merged(context: FExitContext) -> i32 {
    let context = context.as_ptr();
    if follow::returned(context) & 0xff == read::instance(context) {
        follow::merged(follow::argument(context, 0), follow::argument(context, 1));
    }
    0
}

/// `skb_release_head_state(skb)` is through: the socket's destructor has run, what follows only gives memory back.
#[fexit]
#[inline(always)]
pub fn released(context: FExitContext) -> i32 {
    follow::released(follow::argument(context.as_ptr(), 0));
    0
}

/// `napi_skb_free_stolen_head(skb)`, which keeps the head's memory and gives back the rest.
#[fentry]
#[inline(always)]
pub fn stolen(context: FEntryContext) -> i32 {
    follow::released(follow::argument(context.as_ptr(), 0));
    0
}

/// Functions `(skb)` that give an `sk_buff` back to the kernel's memory or to a cache.
#[fentry]
#[inline(always)]
pub fn freed(context: FEntryContext) -> i32 {
    follow::freed(follow::argument(context.as_ptr(), 0));
    0
}

/// `napi_get_frags(napi)`, which hands out an `sk_buff` again that was used without being freed since, if there is one.
#[fentry]
#[inline(always)]
pub fn handed_out(context: FEntryContext) -> i32 {
    let napi = follow::argument(context.as_ptr(), 0);
    let skb: u64 = member!(napi, napi_skb);
    if skb != 0 {
        follow::freed(skb);
    }
    0
}

/// Functions `(skb, …)` that free an `sk_buff`, or only let go of one that others hold, are through.
#[fexit]
#[inline(always)]
pub fn gone(context: FExitContext) -> i32 {
    follow::gone(follow::argument(context.as_ptr(), 0));
    0
}

/// `kfree_skb_partial(skb, head_stolen)`, which gives back an `sk_buff` without its head.
#[fentry]
#[inline(always)]
pub fn partly_freed(context: FEntryContext) -> i32 {
    let context = context.as_ptr();
    follow::partly_freed(follow::argument(context, 0), follow::argument(context, 1) as u8 != 0);
    0
}

/// `kmem_cache_free_bulk(cache, count, pieces)`: what `kfree_skb_list_reason` has collected, for instance.
#[fentry]
#[inline(always)]
pub fn freed_together(context: FEntryContext) -> i32 {
    let context = context.as_ptr();
    follow::freed_together(follow::argument(context, 2), follow::argument(context, 1));
    0
}

/// A BPF program `(skb)` at a hook of tc has run; the instance is its id.
#[fexit]
#[inline(always)]
pub fn tc_program(context: FExitContext) -> i32 {
    program::ran(context.as_ptr());
    0
}

/// A BPF program `(xdp)` at a hook of XDP begins.
#[fentry]
#[inline(always)]
pub fn xdp_begin(context: FEntryContext) -> i32 {
    xdp::begin(context.as_ptr());
    0
}

/// It has ended; the instance is its id.
#[fexit]
#[inline(always)]
pub fn xdp_end(context: FExitContext) -> i32 {
    xdp::end(context.as_ptr());
    0
}

#[inline(always)]
fn argument(context: *mut c_void, index: usize) -> u64 {
    // SAFETY: a raw tracepoint's context is an array of its arguments; the verifier checks the index against it.
    unsafe { context.cast::<u64>().add(index).read_volatile() }
}

#[inline(always)]
fn pointed_to(pointer: u64) -> u64 {
    peek(pointer)
}

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
