//! What only some runs ask for: the kernel stack, packet bytes, member chains.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_get_stack, bpf_probe_read_kernel};
use tracer_common::event::{Extra, METADATA_VALUES, PACKET_BYTES, STACK_FRAMES};

use crate::{
    chain,
    frame::Frame,
    hit::Hit,
    maps::CHAINS,
    packet::{NOWHERE, Packet},
    read::{member, setting},
};

/// Fills what the run asks for.
///
/// # Safety
///
/// `extra` is memory for one [`Extra`].
#[inline(never)]
pub unsafe fn fill(extra: *mut Extra, hit: &Hit) {
    // SAFETY: the caller hands memory for one extra; lengths say which parts are written.
    unsafe {
        stack(extra, hit);
        (*extra).packet_len = packet_bytes((&raw mut (*extra).packet).cast(), hit.skb);
        (*extra).metadata_valid = 0;
        let wanted = setting!(metadata);
        for index in 0..METADATA_VALUES as u32 {
            if index >= wanted {
                break;
            }
            let Some(chain) = CHAINS.get(index) else { break };
            if let Some(value) = chain::follow(chain, hit.skb) {
                (*extra).metadata[index as usize] = value;
                (*extra).metadata_valid |= 1 << index;
            }
        }
    }
}

/// The same for a packet at XDP, which has no member chains.
///
/// # Safety
///
/// As for [`fill`].
#[inline(never)]
pub unsafe fn fill_frame(extra: *mut Extra, hit: &Hit, frame: &Frame) {
    // SAFETY: as for `fill`.
    unsafe {
        stack(extra, hit);
        (*extra).packet_len = bytes((&raw mut (*extra).packet).cast(), frame.start, frame.end);
        (*extra).metadata_valid = 0;
    }
}

#[inline(always)]
unsafe fn stack(extra: *mut Extra, hit: &Hit) {
    // SAFETY: as for `fill`.
    unsafe {
        (*extra).stack_bytes = 0;
        if setting!(want_stack) != 0 {
            let place = (&raw mut (*extra).stack).cast();
            (*extra).stack_bytes = bpf_get_stack(hit.context, place, (STACK_FRAMES * 8) as u32, 0) as i32;
        }
    }
}

/// Copies the linear part from the outermost header on; returns the bytes copied.
#[inline(always)]
unsafe fn packet_bytes(target: *mut c_void, skb: u64) -> u32 {
    if setting!(packet_bytes) == 0 {
        return 0;
    }
    let packet = Packet::locate(skb, 0);
    let network = packet.network;
    let data: u64 = member!(skb, skb_data);
    let head: u64 = member!(skb, skb_head);
    let link: u16 = member!(skb, skb_mac_header);
    let mut start = if network != NOWHERE && network < data { network } else { data };
    let link_address = head + u64::from(link);
    if link != u16::MAX && link_address < start {
        start = link_address;
    }
    // SAFETY: the caller's promise.
    unsafe { bytes(target, start, packet.end) }
}

/// Copies what is wanted of the bytes from `start` to `end`; returns how many.
#[inline(always)]
unsafe fn bytes(target: *mut c_void, start: u64, end: u64) -> u32 {
    let wanted = u64::from(setting!(packet_bytes));
    if wanted == 0 || start >= end {
        return 0;
    }
    let mut length = end - start;
    if length > wanted {
        length = wanted;
    }
    if length > PACKET_BYTES as u64 {
        length = PACKET_BYTES as u64;
    }
    // SAFETY: `target` is memory for `PACKET_BYTES`, and `length` is at most that.
    let failed = unsafe { bpf_probe_read_kernel(target, length as u32, start as *const c_void) } != 0;
    if failed { 0 } else { length as u32 }
}
