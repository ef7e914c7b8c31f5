//! Hits of BPF programs at the hooks of tc: `fexit` programs, one for each of them.

use core::ffi::c_void;

use tracer_common::{
    event::{hook, kind},
    predicate::NO_PROBE,
};

use crate::{
    emit, filter, follow,
    hit::Hit,
    maps::OFFSETS,
    read::{self, frozen, member},
};

/// A program of tc has run on an `sk_buff`, its first argument. Nothing is judged here: on its way to tc a packet passes
/// functions that have judged it.
#[inline(always)]
pub fn ran(context: *mut c_void) {
    let Some(program) = filter::in_force() else { return };
    let mut hit = Hit::new(context, follow::argument(context, 0), kind::TC, NO_PROBE);
    // SAFETY: what is not written is not read before it is.
    let hit = unsafe { hit.assume_init_mut() };
    if follow::is_followed(program, hit) {
        hit.func = read::instance(context);
        hit.caller = 0;
        hit.argument = follow::returned(context) as u32;
        hit.hook = at(hit.skb);
        emit::emit(hit);
    }
}

/// `skb->tc_at_ingress`, which the kernel sets before it calls programs at tc.
#[inline(always)]
fn at(skb: u64) -> u8 {
    let mask = frozen(&OFFSETS.skb_at_ingress_mask) as u8;
    let byte: u8 = member!(skb, skb_at_ingress);
    match mask {
        0 => hook::NONE,
        _ if byte & mask == 0 => hook::EGRESS,
        _ => hook::INGRESS,
    }
}
