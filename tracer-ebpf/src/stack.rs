//! Which packet a stack works on: what attributes functions that take no `sk_buff`, and packets that appear in the work on
//! another.

use aya_ebpf::helpers::{bpf_get_current_task, bpf_get_smp_processor_id};

use crate::{
    maps::{STACKS, Work, keep, take_back},
    read::member,
};

/// Bytes of a task's stack (`THREAD_SIZE` of x86-64 without KASAN).
const STACK_BYTES: u64 = 16 << 10;

/// Notes that the function with the stack pointer `pointer` works on a packet.
#[inline(always)]
pub fn works_on(pointer: u64, skb: u64) {
    let (stack, work) = (stack(pointer), Work { skb, pointer });
    match STACKS.get_ptr_mut(&stack) {
        // SAFETY: a value of the map, which only what runs on that stack changes.
        Some(place) => unsafe { place.write(work) },
        None => keep(&STACKS, &stack, &work),
    }
}

/// The packet in the work on which the function with the stack pointer `pointer` was called, or 0.
#[inline(never)]
pub fn packet(pointer: u64) -> u64 {
    let stack = stack(pointer);
    let Some(work) = STACKS.get_ptr(&stack) else { return 0 };
    // SAFETY: a value of the map; all that is read of it are numbers.
    let work = unsafe { core::ptr::read(work) };
    if pointer < work.pointer {
        return work.skb;
    }
    // The function that had it has returned.
    take_back(&STACKS, &stack);
    0
}

/// What tells a stack from others: its address, or the CPU for those that belong to one (interrupts).
#[inline(always)]
fn stack(pointer: u64) -> u64 {
    // SAFETY: a helper without preconditions.
    let task = unsafe { bpf_get_current_task() };
    let start: u64 = member!(task, task_stack);
    if pointer.wrapping_sub(start) < STACK_BYTES {
        return start;
    }
    // SAFETY: as above.
    u64::from(unsafe { bpf_get_smp_processor_id() })
}
