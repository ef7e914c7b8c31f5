//! Member chains: `skb->dev->ifindex`.

use tracer_common::config::{CHAIN_HOPS, Chain};

use crate::read::{is_kernel_pointer, peek};

/// Follows a member chain; `None` where a pointer on the way is none.
#[inline(never)]
pub fn follow(chain: &Chain, skb: u64) -> Option<u64> {
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
