//! The order in which the kernel lists a trie: a prefix before the shorter one that holds it, otherwise by bits.
//!
//! When the entry that a walk has reached is removed, the kernel begins again at the first. Knowing the order, what has been
//! handed out already is told from what has not, without remembering it.

use std::cmp::Ordering;

/// Compares two keys of a `BPF_MAP_TYPE_LPM_TRIE`: bytes of `struct bpf_lpm_trie_key`, its length in the first four.
pub(super) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (Prefix::new(one), Prefix::new(other));
    let common = one.bits.min(other.bits);
    match one.first_difference(&other).filter(|bit| *bit < common) {
        Some(bit) => one.bit(bit).cmp(&other.bit(bit)),
        None => other.bits.cmp(&one.bits),
    }
}

struct Prefix<'a> {
    bits: usize,
    data: &'a [u8],
}

impl<'a> Prefix<'a> {
    fn new(key: &'a [u8]) -> Self {
        let (length, data) = key.split_first_chunk().unwrap_or((&[0; 4], &[]));
        Self { bits: (u32::from_ne_bytes(*length) as usize).min(data.len() * 8), data }
    }

    fn first_difference(&self, other: &Self) -> Option<usize> {
        let at = self.data.iter().zip(other.data).position(|(one, other)| one != other)?;
        Some(at * 8 + (self.data[at] ^ other.data[at]).leading_zeros() as usize)
    }

    fn bit(&self, at: usize) -> bool {
        self.data[at / 8] >> (7 - at % 8) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bits: u32, data: [u8; 4]) -> Vec<u8> {
        [bits.to_ne_bytes(), data].concat()
    }

    #[test]
    fn longer_prefixes_come_before_those_that_hold_them() {
        let sorted = [
            key(32, [10, 0, 0, 1]),
            key(32, [10, 0, 0, 200]),
            key(24, [10, 0, 0, 0]),
            key(25, [10, 0, 1, 128]),
            key(8, [10, 0, 0, 0]),
            key(32, [192, 168, 0, 1]),
            key(0, [0, 0, 0, 0]),
        ];
        for pair in sorted.windows(2) {
            assert_eq!(compare(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(&pair[1], &pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn bits_behind_the_length_do_not_count() {
        assert_eq!(compare(&key(8, [10, 1, 2, 3]), &key(8, [10, 9, 9, 9])), Ordering::Equal);
        assert_eq!(compare(&[], &[]), Ordering::Equal);
    }
}
