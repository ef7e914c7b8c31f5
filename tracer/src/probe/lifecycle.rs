//! Where the kernel makes an `sk_buff` from another, merges one into another, and frees one: what following packets rests on.
//!
//! Kernel facts: `net/core/skbuff.c` of 6.1, 6.12 and 7.2, where every function named here is traceable. All copies
//! (`skb_clone`, `skb_copy`, `pskb_copy`, `skb_copy_expand`, `skb_segment`, veth's copy for XDP) go through
//! `__copy_skb_header`; IP fragments through `ip_copy_metadata` too.

use tracer_common::journey::change;

use crate::kernel::btf::{Btf, Kind, TypeId};

/// A program of the object that follows packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `(new, old)`: the one is made from the other.
    Copied,
    /// `(old, new)`: the data of one is shared out to two.
    Split,
    /// `(into, from)`: the one is merged into the other.
    Merged,
    /// What the `sk_buff` holds is let go.
    Released,
    /// Likewise, but for the head's memory.
    Stolen,
    /// The memory is given back.
    Freed,
    /// `(napi)`: what its GRO left is used again, as a new one.
    HandedOut,
    /// The end of what frees an `sk_buff` through a cache, whose own function the compiler may have made part of it.
    Gone,
    /// `(skb, head_is_stolen)`: freed as a whole or, where the head goes on in another packet, let go and given back.
    PartlyFreed,
    /// `(cache, count, pieces)`: several pieces of memory are given back.
    FreedTogether,
}

/// A function of the kernel where packets are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub function: &'static str,
    /// Its id in the kernel's BTF.
    pub id: TypeId,
    /// What it means.
    pub role: Role,
    /// The kind of change, or for [`Role::Merged`] the lowest byte of what the function returns when it has merged.
    pub instance: u32,
}

/// Without these, an `sk_buff` that is used again would be taken for the one before.
const NEEDED: [&str; 2] = ["skb_release_head_state", "kfree_skbmem"];

const HOOKS: [(&str, Role, u32); 18] = [
    ("__copy_skb_header", Role::Copied, change::COPIED as u32),
    ("ip_copy_metadata", Role::Copied, change::FRAGMENT as u32),
    ("ip6_copy_metadata", Role::Copied, change::FRAGMENT as u32),
    ("skb_split", Role::Split, change::SPLIT as u32),
    ("skb_gro_receive", Role::Merged, 0),
    ("skb_gro_receive_list", Role::Merged, 0),
    ("skb_try_coalesce", Role::Merged, 1),
    ("skb_release_head_state", Role::Released, 0),
    ("napi_skb_free_stolen_head", Role::Stolen, 0),
    ("kfree_skbmem", Role::Freed, 0),
    ("napi_skb_cache_put", Role::Freed, 0),
    // What GRO has merged stays with the driver, to be filled again (`napi_reuse_skb`).
    ("napi_get_frags", Role::HandedOut, 0),
    ("napi_skb_free_stolen_head", Role::Gone, 0),
    ("napi_consume_skb", Role::Gone, 0),
    ("__kfree_skb_defer", Role::Gone, 0),
    ("__napi_kfree_skb", Role::Gone, 0),
    ("kfree_skb_partial", Role::PartlyFreed, 0),
    ("kmem_cache_free_bulk", Role::FreedTogether, 0),
];

/// Functions `(new, old)` to which the first argument is bare memory: it has what the packet before it left there, or the
/// clone before it of the same packet. Their packet is the second one.
const MAKING: [&str; 3] = ["__copy_skb_header", "__skb_clone", "skb_copy_header"];

/// Functions whose argument is called an `sk_buff`, but is the head of a queue.
const NO_PACKETS: [&str; 1] = ["__skb_wait_for_more_packets"];

/// A function that is called while an `sk_buff` is freed, after its destructor has run, with it as the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freeing {
    /// The packet's bytes are still there.
    Whole,
    /// The memory of its head has been given back or away.
    Headless,
}

const FREEING: [(&str, Freeing); 13] = [
    ("__consume_stateless_skb", Freeing::Whole),
    ("kfree_skbmem", Freeing::Headless),
    ("napi_skb_cache_put", Freeing::Headless),
    ("napi_skb_free_stolen_head", Freeing::Whole),
    ("skb_free_head", Freeing::Whole),
    ("skb_release_data", Freeing::Whole),
    ("skb_pp_recycle", Freeing::Whole),
    // Who lent the packet its bytes is told that they are free again.
    ("io_tx_ubuf_complete", Freeing::Whole),
    ("io_uring_tx_zerocopy_callback", Freeing::Whole),
    ("msg_zerocopy_callback", Freeing::Whole),
    ("msg_zerocopy_complete", Freeing::Whole),
    ("vhost_zerocopy_callback", Freeing::Whole),
    ("vhost_zerocopy_complete", Freeing::Whole),
];

/// What a function's packet lacks when it is called: it is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// All of its bytes, or the right places of its headers.
    Bytes,
    /// What follows its network header.
    Transport,
}

/// Functions with the position of such an `sk_buff`, from 1.
const UNFINISHED: [(&str, u8, Lacks); 7] = [
    // It is bare memory, and has members of the packet before.
    ("__build_skb_around", 1, Lacks::Bytes),
    ("build_skb_around", 1, Lacks::Bytes),
    ("__xdp_build_skb_from_frame", 2, Lacks::Bytes),
    // Its socket is set before its bytes are copied (`ip_frag_next`, `ip6_frag_next`).
    ("skb_set_owner_w", 1, Lacks::Bytes),
    // Its head is a new one, its headers' places are still those in the one before.
    ("skb_headers_offset_update", 1, Lacks::Bytes),
    ("udp_send_skb", 1, Lacks::Transport),
    ("udp_v6_send_skb", 1, Lacks::Transport),
];

/// The hooks that this kernel has.
pub fn hooks(btf: &Btf) -> Vec<Hook> {
    let wanted = HOOKS.map(|(function, ..)| (Kind::Function, function));
    let found = btf.find_each(&wanted);
    let hooks = HOOKS.iter().zip(found);
    hooks.filter_map(|(&(function, role, instance), id)| Some(Hook { function, id: id?, role, instance })).collect()
}

/// Whether packets can be followed with these hooks: their end is seen.
pub fn suffice(functions: &[&str]) -> bool {
    NEEDED.iter().all(|needed| functions.contains(needed))
}

/// Whether the function's first `sk_buff` is made by it, so that nothing is to be read there yet.
pub fn makes_its_first(function: &str) -> bool {
    MAKING.contains(&function)
}

/// Whether what the function takes is no packet, whatever its type.
pub fn takes_none(function: &str) -> bool {
    NO_PACKETS.contains(&function)
}

/// What the packet at `position` (from 1) of a function lacks, if it is unfinished then.
pub fn lacks(function: &str, position: u8) -> Option<Lacks> {
    let found = UNFINISHED.iter().find(|(name, at, _)| *name == function && *at == position);
    found.map(|(.., lacks)| *lacks)
}

/// Which part of freeing an `sk_buff` the function is, if it is any.
pub fn freeing(function: &str) -> Option<Freeing> {
    FREEING.iter().find(|(name, _)| *name == function).map(|(_, freeing)| *freeing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::btf::testing::Builder;

    #[test]
    fn hooks_that_the_kernel_lacks_are_left_out() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        builder.function("kfree_skbmem", &[("skb", int)]);
        builder.function("__copy_skb_header", &[("new", int), ("old", int)]);
        let hooks = hooks(&builder.build());
        let names: Vec<_> = hooks.iter().map(|hook| hook.function).collect();
        assert_eq!(names, ["__copy_skb_header", "kfree_skbmem"]);
        assert!(!suffice(&names));
        assert!(suffice(&NEEDED));
    }
}
