//! A quick hash for the names of functions.
//!
//! Lists of 50 000 to 200 000 names are looked up at every start, and the standard hash took longer than all else
//! there. Nobody can choose these names to do harm but who builds the kernel.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// A map by names.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
/// A set of names.
pub type QuickSet<K> = HashSet<K, BuildHasherDefault<Quick>>;

/// Eight bytes at a time, multiplied by 2⁶⁴ divided by the golden ratio.
#[derive(Debug, Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        // The tables take their place from the low bits and their tag from the high ones.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_apart() {
        let names: Vec<String> = (0..5000).map(|number| format!("function_{number}")).collect();
        let set: QuickSet<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(set.len(), 5000);
        assert!(set.contains("function_17"));
        assert!(!set.contains("function_5000"));
        let finish = |name: &str| {
            let mut hash = Quick::default();
            hash.write(name.as_bytes());
            hash.finish()
        };
        let hashes: HashSet<u64> = names.iter().map(|name| finish(name)).collect();
        assert_eq!(hashes.len(), 5000);
    }
}
