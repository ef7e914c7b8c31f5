//! What only some runs ask for: the kernel stack, packet bytes, member chains.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_get_stack, bpf_probe_read_kernel};
use tracer_common::{
    config::{CHAIN_HOPS, Chain},
    event::{Extra, METADATA_VALUES, PACKET_BYTES, STACK_FRAMES},
};

use crate::{
    emit::Hit,
    maps::CHAINS,
    packet::{NOWHERE, Packet},
    read::{is_kernel_pointer, member, peek, setting},
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
        (*extra).stack_bytes = 0;
        if setting!(want_stack) != 0 {
            let place = (&raw mut (*extra).stack).cast();
            (*extra).stack_bytes = bpf_get_stack(hit.context, place, (STACK_FRAMES * 8) as u32, 0) as i32;
        }
        (*extra).packet_len = packet_bytes((&raw mut (*extra).packet).cast(), hit.skb);
        (*extra).metadata_valid = 0;
        let wanted = setting!(metadata);
        for index in 0..METADATA_VALUES as u32 {
            if index >= wanted {
                break;
            }
            let Some(chain) = CHAINS.get(index) else { break };
            if let Some(value) = follow(chain, hit.skb) {
                (*extra).metadata[index as usize] = value;
                (*extra).metadata_valid |= 1 << index;
            }
        }
    }
}

/// Copies the linear part from the outermost header on; returns the bytes copied.
#[inline(always)]
unsafe fn packet_bytes(target: *mut c_void, skb: u64) -> u32 {
    let wanted = u64::from(setting!(packet_bytes));
    if wanted == 0 {
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
    if start >= packet.end {
        return 0;
    }
    let mut length = packet.end - start;
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

/// Follows a member chain; `None` where a pointer on the way is none.
#[inline(never)]
fn follow(chain: &Chain, skb: u64) -> Option<u64> {
    let mut address = skb;
    for hop in 0..CHAIN_HOPS {
        address += u64::from(chain.offsets[hop]);
        if hop as u32 + 1 >= chain.hops {
            break;
        }
        address = peek(address);
        if !is_kernel_pointer(address) {
            return None;
        }
    }
    Some(match chain.size {
        1 => u64::from(peek::<u8>(address)),
        2 => u64::from(peek::<u16>(address)),
        4 => u64::from(peek::<u32>(address)),
        _ => peek(address),
    })
}
