//! skbtrail's programs inside the kernel. This file holds entry points only: each fetches the `sk_buff` from where its
//! hook carries it and hands it on.
//!
//! The way of a hit: find the `sk_buff` → `filter` → `emit`. Nothing here decides what is worth showing; that is the
//! predicate program's business, which user space can change at any time.
#![no_std]
#![no_main]
// For the atomic addition in `maps`; the build uses one known compiler.
#![feature(asm_experimental_arch)]

mod emit;
mod extra;
mod filter;
mod maps;
mod packet;
mod read;

use core::{ffi::c_void, panic::PanicInfo};

use aya_ebpf::{
    EbpfContext as _,
    helpers::generated::bpf_get_func_ip,
    macros::{kprobe, raw_tracepoint},
    programs::{ProbeContext, RawTracePointContext},
};
use tracer_common::event::kind;

use crate::{
    emit::Hit,
    maps::{FOUND, JUDGE},
    read::peek,
};

/// A hit of a probed function whose `sk_buff` is argument `$position` (from 0), directly or behind a pointer.
macro_rules! function_probe {
    ($name:ident, $position:literal, $fetch:expr) => {
        #[doc = concat!("Functions with the sk_buff as argument ", stringify!($position), ", from 0.")]
        #[kprobe]
        #[inline(always)]
        pub fn $name(context: ProbeContext) -> u32 {
            let skb = $fetch(context.arg($position).unwrap_or(0));
            if let Some(found) = FOUND.get_ptr_mut(0) {
                // SAFETY: the place belongs to this CPU, see there.
                unsafe {
                    (*found).skb = skb;
                    (*found).argument = context.arg($position + 1).unwrap_or(0);
                    JUDGE.tail_call(&context, 0);
                }
            }
            0
        }
    };
}

function_probe!(skb_arg1, 0, core::convert::identity);
function_probe!(skb_arg2, 1, core::convert::identity);
function_probe!(skb_arg3, 2, core::convert::identity);
function_probe!(skb_arg4, 3, core::convert::identity);
function_probe!(skb_arg5, 4, core::convert::identity);
function_probe!(skb_pointer_arg1, 0, pointed_to);
function_probe!(skb_pointer_arg2, 1, pointed_to);
function_probe!(skb_pointer_arg3, 2, pointed_to);
function_probe!(skb_pointer_arg4, 3, pointed_to);
function_probe!(skb_pointer_arg5, 4, pointed_to);

/// Judges a hit of any function, and sends it if it matches.
#[kprobe]
#[inline(always)]
pub fn judge(context: ProbeContext) -> u32 {
    let Some(found) = FOUND.get(0).copied() else { return 0 };
    if filter::matches(found.skb) {
        emit::emit(&Hit {
            context: context.as_ptr(),
            skb: found.skb,
            // SAFETY: a helper without preconditions.
            func: unsafe { bpf_get_func_ip(context.as_ptr()) },
            caller: read::return_address(context.regs),
            argument: found.argument as u32,
            kind: kind::CALL,
        });
    }
    0
}

/// A hit of a raw tracepoint whose `sk_buff` is argument `$position` (from 0).
macro_rules! tracepoint_probe {
    ($name:ident, $position:literal) => {
        #[doc = concat!("Tracepoints with the sk_buff as argument ", stringify!($position), ", from 0.")]
        #[raw_tracepoint]
        #[inline(always)]
        pub fn $name(context: RawTracePointContext) -> i32 {
            let skb = argument(context.as_ptr(), $position);
            if filter::matches(skb) {
                let func = read::instance();
                emit::emit(&Hit {
                    context: context.as_ptr(),
                    skb,
                    func,
                    caller: 0,
                    argument: 0,
                    kind: kind::TRACEPOINT,
                });
            }
            0
        }
    };
}

tracepoint_probe!(tracepoint_arg1, 0);
tracepoint_probe!(tracepoint_arg2, 1);
tracepoint_probe!(tracepoint_arg3, 2);
tracepoint_probe!(tracepoint_arg4, 3);
tracepoint_probe!(tracepoint_arg5, 4);

/// `skb:kfree_skb`: `(skb, location, reason, …)` since 5.17, commit c504e5c2f964.
#[raw_tracepoint]
#[inline(always)]
pub fn dropped(context: RawTracePointContext) -> i32 {
    let context = context.as_ptr();
    let skb = argument(context, 0);
    if filter::matches(skb) {
        emit::emit(&Hit {
            context,
            skb,
            func: read::instance(),
            caller: argument(context, 1),
            argument: argument(context, 2) as u32,
            kind: kind::DROP,
        });
    }
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
