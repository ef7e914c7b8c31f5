//! The maps, and the globals that user space sets before load.

use core::arch::asm;

use aya_ebpf::{
    btf_maps::{Array, ArrayOfMaps, PerCpuArray, ProgramArray, RingBuf},
    macros::btf_map,
};
use tracer_common::{
    config::{Chain, Offsets, Settings, counter},
    event::{Event, METADATA_VALUES},
    predicate::Program,
};

/// Events on their way to user space; the size is set at load.
#[btf_map]
pub static EVENTS: RingBuf<Event, 4096> = RingBuf::new();

/// The predicate program in force. A swap replaces the inner map, so that no hit is judged by a mixture of two.
#[btf_map]
pub static FILTER: ArrayOfMaps<Array<Program, 1>, 1> = ArrayOfMaps::new();

/// Member chains to read with each event.
#[btf_map]
pub static CHAINS: Array<Chain, { METADATA_VALUES }> = Array::new();

/// A function's hit on its way from the program that knows where the `sk_buff` is to [`JUDGE`].
#[derive(Clone, Copy)]
pub struct Found {
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// The argument behind it.
    pub argument: u64,
}

/// One place for each CPU is enough: on a CPU only one function probe runs at a time (`bpf_prog_active`), and an
/// interrupt's are counted as missed.
#[btf_map]
pub static FOUND: PerCpuArray<Found, 1> = PerCpuArray::new();

/// The program that judges and sends the hits of all function probes. It is the large one, so it is loaded once, and the
/// programs at the functions only find the `sk_buff` and jump here.
#[btf_map]
pub static JUDGE: ProgramArray<1> = ProgramArray::new();

/// Counters of `tracer_common::config::counter`.
#[btf_map]
pub static COUNTERS: PerCpuArray<u64, { counter::COUNT as usize }> = PerCpuArray::new();

/// Where struct members lie in this kernel.
#[unsafe(no_mangle)]
pub static OFFSETS: Offsets = unsafe { core::mem::zeroed() };

/// What this run wants.
#[unsafe(no_mangle)]
pub static SETTINGS: Settings = unsafe { core::mem::zeroed() };

/// Adds one to a counter of this CPU. Atomically: a tracepoint's program may be interrupted by a function's.
#[inline(always)]
pub fn count(counter: u32) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter) {
        // `AtomicU64` has no `fetch_add` on this target, though the machine has the instruction.
        // SAFETY: a value of the map, aligned and valid as long as the program runs.
        unsafe { asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) value, in(reg) 1u64, options(nostack)) };
    }
}
