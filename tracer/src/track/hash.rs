//! Hashes of journeys' keys and of paths. Every hit is looked up or is part of a path, and the standard library's hash would be a
//! sixth of what that costs. Keys may come from a file that was made up, so the hash is seeded: which keys collide is not known in advance.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Seeds of one table.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    before: u64,
    by: u64,
}

/// A number on its way to a hash.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    state: u64,
    by: u64,
}

impl Default for Folded {
    fn default() -> Self {
        let random = RandomState::new();
        // An odd factor loses no bit of what it multiplies.
        Self { before: random.hash_one(0_u8), by: random.hash_one(1_u8) | 1 }
    }
}

impl BuildHasher for Folded {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold { state: self.before, by: self.by }
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.state = fold(self.state ^ word, self.by);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        // Once more: keys that differ in few bits would leave gaps for some seeds.
        fold(self.state, MIXER)
    }
}

/// Odd, with as many ones as zeros: the fraction of the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of a product, on top of each other.
fn fold(word: u64, by: u64) -> u64 {
    let product = u128::from(word) * u128::from(by);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn journeys_and_addresses_spread() {
        for (seeds, step) in (0..50).flat_map(|_| [1_u64, 256, 1 << 20, 1 << 48].map(|step| (Folded::default(), step)))
        {
            let hashes: Vec<u64> = (0..4096_u64).map(|number| seeds.hash_one(number.wrapping_mul(step))).collect();
            assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), 4096, "{step}");
            // A table looks at the lowest bits and at the highest: evenly spread, 4096 numbers fill 63 % of as many places.
            for shift in [0, 52] {
                let places = hashes.iter().map(|hash| hash >> shift & 0xfff).collect::<HashSet<_>>();
                assert!(places.len() > 1500, "{step}, {shift}: {}", places.len());
            }
        }
    }
}
