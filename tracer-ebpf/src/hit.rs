//! A hit of a probe, before anything of its packet is read.

use core::{ffi::c_void, mem::MaybeUninit};

use tracer_common::event::hook;

/// A hit of a probe. One of them is on the stack of each program, and the rest borrows it: the stack is short.
pub struct Hit {
    /// The program's context.
    pub context: *mut c_void,
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Address of the function, or number of the tracepoint. Of a function it is not known before the hit is to be shown,
    /// unless the filter asks.
    pub func: u64,
    /// Who called the function, or place of a drop.
    pub caller: u64,
    /// Number of the probe; [`tracer_common::predicate::NO_PROBE`] where it is not known, or not asked for.
    pub probe: u32,
    /// The argument behind the `sk_buff`: the reason, of a drop.
    pub argument: u32,
    /// One of [`tracer_common::event::kind`].
    pub kind: u8,
    /// What the function does with the packet: bits of [`crate::maps::found`].
    pub what: u8,
    /// Bits of [`tracer_common::event::flags`] that following adds.
    pub flags: u8,
    /// One of [`tracer_common::event::hook`].
    pub hook: u8,
    /// The journey; 0 if the packet is not followed.
    pub journey: u64,
    /// Its branch.
    pub branch: u32,
    /// That one's parent.
    pub parent: u32,
    /// Filter that it matched.
    pub generation: u32,
}

impl Hit {
    /// A hit of which only this is known: what belongs to its journey is set when it is judged, the function and its caller
    /// before it is sent.
    ///
    /// Nothing else is written, and that one by one: clearing the whole takes a hundred instructions, as the compiler
    /// calls a loop of single bytes for it.
    #[inline(always)]
    pub fn new(context: *mut c_void, skb: u64, kind: u8, probe: u32) -> MaybeUninit<Self> {
        let mut hit = MaybeUninit::<Self>::uninit();
        let place = hit.as_mut_ptr();
        // SAFETY: each field lies inside of the memory for the hit.
        unsafe {
            (&raw mut (*place).context).write_volatile(context);
            (&raw mut (*place).skb).write_volatile(skb);
            (&raw mut (*place).probe).write_volatile(probe);
            (&raw mut (*place).kind).write_volatile(kind);
            (&raw mut (*place).flags).write_volatile(0);
            (&raw mut (*place).what).write_volatile(0);
            (&raw mut (*place).hook).write_volatile(hook::NONE);
        }
        hit
    }

    /// Whether a bit of [`crate::maps::found`] is set.
    #[inline(always)]
    pub fn is(&self, bit: u64) -> bool {
        u64::from(self.what) & bit != 0
    }
}
