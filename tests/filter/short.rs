//! The short form of programs, judged as the kernel side does, beside the programs themselves.

use skbtrail::filter::Framing;
use tracer_common::{
    looks::{self, BEHIND, IPV4_BYTES, IPV6_BYTES, Looks, PAIRS, WORDS, family, target},
    predicate::Program,
};

const ETHERNET_HEADER: usize = 14;

/// What the table for a packet's protocol says of it; none where it leaves that open.
pub(super) fn look(program: &Program, framing: Framing, bytes: &[u8]) -> Option<bool> {
    let network = match framing {
        Framing::Ethernet => bytes.get(ETHERNET_HEADER..)?,
        Framing::RawIp => bytes,
        Framing::Network(_) => return None,
    };
    let first = *network.first()?;
    // The kernel side goes by the version; the programs believe the EtherType of a frame.
    match (framing, bytes.get(12..14)?, first >> 4) {
        (Framing::Ethernet, [0x08, 0x00], 4) | (Framing::Ethernet, [0x86, 0xdd], 6) | (Framing::RawIp, ..) => {}
        _ => return None,
    }
    let (family, length, behind) = match first >> 4 {
        4 => (family::IPV4, IPV4_BYTES as usize, usize::from(first & 15) * 4),
        6 => (family::IPV6, IPV6_BYTES as usize, IPV6_BYTES as usize),
        _ => return None,
    };
    let mut pairs = [0u64; PAIRS];
    copy(&mut pairs, network.get(..length)?);
    let table = &program.looks[family];
    let mut next = walk(table, &pairs, table.entry, target::END | target::NEEDS_BEHIND);
    if next & target::END == 0 {
        let behind = network.get(behind..)?;
        behind.get(..usize::from(table.behind_bytes))?;
        copy(&mut pairs[BEHIND..], &behind[..behind.len().min(16)]);
        if (pairs[BEHIND] >> 32) as u16 == 0 {
            return None;
        }
        next = walk(table, &pairs, next, target::END);
    }
    match next {
        target::ACCEPT => Some(true),
        target::REJECT => Some(false),
        open => {
            assert_eq!(open, target::OPEN, "a way ends nowhere");
            None
        }
    }
}

fn copy(pairs: &mut [u64], bytes: &[u8]) {
    for (pair, bytes) in pairs.iter_mut().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        *pair = u64::from_be_bytes(whole);
    }
}

fn walk(table: &Looks, pairs: &[u64; PAIRS], mut next: u8, stop: u8) -> u8 {
    let mut words = [0; WORDS];
    for (words, pair) in words.chunks_exact_mut(2).zip(pairs) {
        words.copy_from_slice(&[*pair as u32, (*pair >> 32) as u32]);
    }
    for _ in 0..looks::MAX_LOOKS {
        if next & stop != 0 {
            break;
        }
        let look = table.looks[usize::from(next & (target::NEEDS_BEHIND - 1))];
        next = look.next[usize::from(look.margin(&words) >> 63 != 0)];
    }
    next
}
