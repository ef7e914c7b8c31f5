//! Bytes of a packet behind its linear part: in the pages that its `skb_shared_info` lists.
//!
//! A page is read through the kernel's view of all memory, whose place differs from boot to boot; where user space could not
//! find it, nothing here can be had. Nor can what lies across two pieces, in the memory of a device, or in a list of further
//! `sk_buff`s.

use tracer_common::{
    config::{FRAGMENT_BYTES, PAGE_BYTES, PAGE_STRUCT_BYTES},
    predicate::{OUTSIDE, UNKNOWN},
};

use crate::{
    packet::Packet,
    read::{member, peek, setting},
};

/// Pieces that are looked through; a packet has at most 17 (`MAX_SKB_FRAGS`).
const MOST: u64 = 17;

/// The big-endian word at `address`, counted on from the linear part, of which `width` bytes must lie inside the packet.
#[inline(never)]
pub fn word(packet: &Packet, address: u64, width: u64) -> u64 {
    if is_outside(packet, address + width) {
        return OUTSIDE;
    }
    let Some(into) = address.checked_sub(packet.end) else { return UNKNOWN };
    let mut left = 0;
    let place = find(packet.skb, packet.head, into, &mut left);
    if place == 0 || left < width {
        return UNKNOWN;
    }
    let word: u32 = peek(place);
    u64::from(u32::from_be(word))
}

/// The byte that lies so far into the part behind the linear one; 0 where that cannot be had.
#[inline(never)]
pub fn byte(skb: u64, head: u64, into: u64) -> u8 {
    let mut left = 0;
    let place = find(skb, head, into, &mut left);
    if place == 0 { 0 } else { peek(place) }
}

/// Whether the packet ends before `end`, an address counted on from the linear part.
#[inline(always)]
pub fn is_outside(packet: &Packet, end: u64) -> bool {
    let data: u64 = member!(packet.skb, skb_data);
    let len: u32 = member!(packet.skb, skb_len);
    end > data + u64::from(len)
}

/// Address of what lies so far into the part behind the linear one, with how many bytes are `left` there; 0 where that
/// cannot be had.
#[inline(always)]
pub fn find(skb: u64, head: u64, into: u64, left: &mut u64) -> u64 {
    if setting!(memory) == 0 {
        return 0;
    }
    let end: u32 = member!(skb, skb_end);
    let shared = head + u64::from(end);
    let count: u8 = member!(shared, fragment_count);
    let mut into = into;
    for index in 0..MOST {
        if index >= u64::from(count) {
            break;
        }
        let piece = shared + index * u64::from(FRAGMENT_BYTES);
        let length: u32 = member!(piece, fragment_length);
        if into < u64::from(length) {
            *left = u64::from(length) - into;
            return address(piece, into);
        }
        into -= u64::from(length);
    }
    0
}

/// Address of a byte of a piece, given its entry in the list.
#[inline(always)]
fn address(piece: u64, into: u64) -> u64 {
    let page: u64 = member!(piece, fragment_page);
    let offset: u32 = member!(piece, fragment_offset);
    let (memory, pages) = (setting!(memory), setting!(pages));
    // The lowest bit marks the memory of a device.
    if page & 1 != 0 || page < pages {
        return 0;
    }
    memory + (page - pages) / PAGE_STRUCT_BYTES * PAGE_BYTES + u64::from(offset) + into
}
