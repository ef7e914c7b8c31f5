//! The maps, and the globals that user space sets before load.

use core::{arch::asm, cell::UnsafeCell};

use aya_ebpf::{
    bindings::{BPF_EXIST, BPF_NOEXIST},
    btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray, RingBuf},
    macros::btf_map,
};
use tracer_common::{
    config::{Chain, Offsets, Settings, counter},
    event::{Event, METADATA_VALUES},
    journey::{Followed, MOST_FOLLOWED},
    predicate::{MAX_PROBES, PROGRAMS, Program},
};

/// Events on their way to user space; the size is set at load.
#[btf_map]
pub static EVENTS: RingBuf<Event, 4096> = RingBuf::new();

/// The latest predicate programs. A new one is written over the oldest and then put in force, so that no hit is judged by a
/// mixture of two.
#[btf_map]
pub static FILTERS: Array<Program, { PROGRAMS }> = Array::new();

/// Which of them is in force: a map of its own, whose one value is read without a lookup.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".data.in_force")]
pub static IN_FORCE: InForce = InForce(UnsafeCell::new(0));

/// An index into [`FILTERS`].
#[repr(transparent)]
pub struct InForce(pub UnsafeCell<u32>);

// SAFETY: only user space changes it.
unsafe impl Sync for InForce {}

/// Followed packets by the address of their `sk_buff`.
#[btf_map]
pub static FOLLOWED: HashMap<u64, Followed, { MOST_FOLLOWED as usize }> = HashMap::new();

/// What is worked on, by stack ([`crate::stack`]). The least recently used give way: a stack on which nothing has happened
/// for so long works on something else.
#[btf_map]
pub static STACKS: LruHashMap<u64, Work, 16384> = LruHashMap::new();

/// The packet that a stack works on.
#[derive(Clone, Copy)]
pub struct Work {
    /// Address of its `sk_buff`.
    pub skb: u64,
    /// Stack pointer in the function that got it: what is called from there has a lower one.
    pub pointer: u64,
}

/// Numbers of the probes by the address of their function, for filters that ask for functions.
#[btf_map]
pub static PROBES: HashMap<u64, u32, { MAX_PROBES }> = HashMap::new();

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
    /// One of [`found`].
    pub what: u64,
}

/// What a function's hit is ([`Found::what`]): bits, or 0 where a packet just passes.
pub mod found {
    /// A packet passes.
    pub const PASSES: u64 = 0;
    /// It is being freed.
    pub const FREEING: u64 = 1;
    /// Its bytes are not there: not written yet, or already another's. What a filter would read there is not the packet.
    pub const BLANK: u64 = 2;
    /// What follows its network header is not written yet.
    pub const TRANSPORT_TO_COME: u64 = 4;
    /// The function takes none.
    pub const NONE: u64 = 8;
}

/// One place for each CPU is enough: on a CPU only one function probe runs at a time (`bpf_prog_active`), and an
/// interrupt's are counted as missed.
#[btf_map]
pub static FOUND: PerCpuArray<Found, 1> = PerCpuArray::new();

/// The program that judges and sends the hits of all function probes. It is the large one, so it is loaded once, and the
/// programs at the functions only find the `sk_buff` and jump here.
#[btf_map]
pub static JUDGE: ProgramArray<1> = ProgramArray::new();

/// Followed `sk_buff`s by their `head`: what XDP sees of a packet that has an `sk_buff` already. Whether an entry still holds is
/// seen when it is used.
#[btf_map]
pub static HEADS: LruHashMap<u64, u64, { MOST_FRAMES }> = LruHashMap::new();

/// Packets between XDP and the `sk_buff` that will be made of them, by where their memory begins.
#[btf_map]
pub static FRAMES: LruHashMap<u64, Noted, { MOST_FRAMES }> = LruHashMap::new();

/// What the program at the entry of an XDP program leaves for the one at its end, by the address of the `xdp_buff`.
#[btf_map]
pub static RUNS: LruHashMap<u64, Running, { MOST_FRAMES }> = LruHashMap::new();

/// Packets at XDP of which something is noted at a time; the oldest make room.
const MOST_FRAMES: usize = 4096;

/// A packet that has been through XDP.
#[derive(Clone, Copy)]
pub struct Noted {
    /// Its journey; 0: left out.
    pub journey: u64,
    /// When its program ended.
    pub time: u64,
    /// Its branch.
    pub branch: u32,
    /// The filter that it matched.
    pub generation: u32,
    /// The `net_device` that it came in by.
    pub device: u64,
    /// Verdict of that program.
    pub verdict: u64,
}

/// A packet while an XDP program runs.
#[derive(Clone, Copy)]
pub struct Running {
    /// Its journey; 0: left out.
    pub journey: u64,
    /// Its branch.
    pub branch: u32,
    /// That one's parent.
    pub parent: u32,
    /// The filter that it matched.
    pub generation: u32,
    /// Bits of `tracer_common::event::flags`.
    pub flags: u32,
    /// 1: the branch is one without an `sk_buff`, which began at XDP.
    pub bare: u64,
}

/// Counters of `tracer_common::config::counter`.
#[btf_map]
pub static COUNTERS: PerCpuArray<u64, { counter::COUNT as usize }> = PerCpuArray::new();

/// Where struct members lie in this kernel.
#[unsafe(no_mangle)]
pub static OFFSETS: Offsets = unsafe { core::mem::zeroed() };

/// What this run wants.
#[unsafe(no_mangle)]
pub static SETTINGS: Settings = unsafe { core::mem::zeroed() };

/// Numbers that all CPUs share.
pub struct Numbers {
    /// `sk_buff`s that are followed.
    pub live: UnsafeCell<u64>,
    /// Numbers given to journeys and branches.
    pub given: UnsafeCell<u64>,
    /// Journeys begun, or left out for a limit.
    pub journeys: UnsafeCell<u64>,
}

// SAFETY: all CPUs change them, by atomic additions only.
unsafe impl Sync for Numbers {}

/// The numbers of this run.
#[unsafe(no_mangle)]
pub static NUMBERS: Numbers =
    Numbers { live: UnsafeCell::new(0), given: UnsafeCell::new(0), journeys: UnsafeCell::new(0) };

/// Adds to a number, and returns what it was.
#[inline(always)]
pub fn add(number: &UnsafeCell<u64>, by: u64) -> u64 {
    let mut value = by;
    // SAFETY: a global, aligned.
    unsafe {
        asm!("{0} = atomic_fetch_add((u64 *)({1} + 0), {0})", inout(reg) value, in(reg) number.get(), options(nostack));
    }
    value
}

/// Keeps a note in a map whose least recently used entries give way. How many did, user space tells from what was kept, what
/// was taken back and what is there.
#[inline(always)]
pub fn keep<K, V, const M: usize>(map: &LruHashMap<K, V, M>, key: &K, value: &V) {
    if map.insert(key, value, u64::from(BPF_NOEXIST)).is_ok() {
        return count(counter::NOTES_KEPT);
    }
    // It is there already, or there is no room even so.
    if map.insert(key, value, u64::from(BPF_EXIST)).is_err() {
        count(counter::NOTES_KEPT);
    }
}

/// Takes a note back.
#[inline(always)]
pub fn take_back<K, V, const M: usize>(map: &LruHashMap<K, V, M>, key: &K) {
    if map.remove(key).is_ok() {
        count(counter::NOTES_TAKEN_BACK);
    }
}

/// Adds one to a counter of this CPU. Atomically: a tracepoint's program may be interrupted by a function's.
#[inline(always)]
pub fn count(counter: u32) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter) {
        // `AtomicU64` has no `fetch_add` on this target, though the machine has the instruction.
        // SAFETY: a value of the map, aligned and valid as long as the program runs.
        unsafe { asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) value, in(reg) 1u64, options(nostack)) };
    }
}
