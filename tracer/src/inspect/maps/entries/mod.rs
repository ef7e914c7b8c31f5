//! The entries of a map, one after the other, of which only a batch is held.

mod batch;
mod walk;

use super::{Error, Map, order};
use crate::model::MapKind;
use batch::Batch;
use walk::Walk;

/// One entry; it is only there until the next is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: Value<'a>,
}

/// The value of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The same for all CPUs.
    One(&'a [u8]),
    /// One for each possible CPU.
    PerCpu(PerCpu<'a>),
    /// The key is there, but the kernel does not show what is under it (an `errno`): sockets, for instance.
    Hidden(i32),
}

/// Values for all CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerCpu<'a> {
    bytes: &'a [u8],
    /// Of one value, without what fills it up.
    size: usize,
    cpus: &'a [u32],
}

impl<'a> Value<'a> {
    /// The bytes, for a map that is not per CPU; none for others.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::One(bytes) => bytes,
            Self::PerCpu(_) | Self::Hidden(_) => &[],
        }
    }

    /// All bytes as the kernel wrote them: for a map that is per CPU, the values of all CPUs, each filled up to a multiple of 8.
    pub fn raw(self) -> &'a [u8] {
        match self {
            Self::One(bytes) => bytes,
            Self::PerCpu(values) => values.bytes,
            Self::Hidden(_) => &[],
        }
    }

    /// Number of each CPU with its value; none for a map that is not per CPU.
    pub fn of_cpus(self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let values = match self {
            Self::PerCpu(values) => values,
            Self::One(_) | Self::Hidden(_) => PerCpu { bytes: &[], size: 0, cpus: &[] },
        };
        let each = values.bytes.chunks_exact(values.size.next_multiple_of(8).max(8));
        values.cpus.iter().copied().zip(each.map(move |bytes| &bytes[..values.size]))
    }

    /// As [`Self::summed`], of numbers of 32 bits, where a value has room for half a number of 64 too much.
    pub fn summed_halves(self) -> Option<Vec<u32>> {
        match self {
            Self::PerCpu(values) => values.summed_halves(),
            Self::One(_) | Self::Hidden(_) => None,
        }
    }

    /// The value as one: of numbers of 64 bits, their sums over all CPUs, and for a map that is not per CPU the bytes.
    /// `None` where that would mean nothing (a value that does not consist of such numbers is not to be summed).
    pub fn summed(self) -> Option<Vec<u8>> {
        match self {
            Self::One(bytes) => Some(bytes.to_vec()),
            Self::Hidden(_) => None,
            Self::PerCpu(values) if values.size % 8 != 0 => None,
            Self::PerCpu(values) => {
                let mut sums = vec![0_u64; values.size / 8];
                for (_, bytes) in self.of_cpus() {
                    for (sum, number) in sums.iter_mut().zip(bytes.as_chunks().0) {
                        *sum = sum.wrapping_add(u64::from_ne_bytes(*number));
                    }
                }
                Some(sums.into_iter().flat_map(u64::to_ne_bytes).collect())
            }
        }
    }
}

impl PerCpu<'_> {
    /// Sums over all CPUs of numbers of 32 bits, for values that no numbers of 64 bits fill; `None` where these do neither.
    fn summed_halves(&self) -> Option<Vec<u32>> {
        if self.size.is_multiple_of(8) || !self.size.is_multiple_of(4) {
            return None;
        }
        let mut sums = vec![0_u32; self.size / 4];
        for (_, bytes) in Value::PerCpu(*self).of_cpus() {
            for (sum, number) in sums.iter_mut().zip(bytes.as_chunks().0) {
                *sum = sum.wrapping_add(u32::from_ne_bytes(*number));
            }
        }
        Some(sums)
    }
}

/// The entries of a map that are still to come.
pub struct Entries<'m> {
    map: &'m Map,
    cpus: Vec<u32>,
    way: Way,
    /// The last key that was handed out, of a trie.
    last: Option<Vec<u8>>,
}

enum Way {
    /// Many with one call, which also sees each bucket of a hash as it is at one moment.
    Batch(Batch),
    /// Key by key, where the kernel offers nothing better.
    Walk(Walk),
}

impl<'m> Entries<'m> {
    pub(super) fn new(map: &'m Map, cpus: Vec<u32>) -> Result<Self, Error> {
        // The kernel gives no keys out of these, or has none.
        const UNLISTABLE: [u32; 8] = [22, 23, 24, 27, 28, 29, 30, 31];
        let kind = map.info.kind;
        if UNLISTABLE.contains(&kind.0) || map.info.key_bytes == 0 {
            return Err(Error::Unlistable { kind });
        }
        let room = map.value_room(cpus.len().max(1))?;
        Ok(Self { map, cpus, way: Way::Batch(Batch::new(&map.info, room)), last: None })
    }

    /// The next entry; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, Error> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if !self.is_repeated() {
                break;
            }
        }
        Ok(Some(self.entry()))
    }

    /// Keys that were listed, but had no value any more, or none yet, when it was asked for. Of some kinds of maps these are
    /// the empty places.
    pub fn vanished(&self) -> u64 {
        match &self.way {
            Way::Batch(_) => 0,
            Way::Walk(walk) => walk.vanished(),
        }
    }

    fn advance(&mut self) -> Result<bool, Error> {
        let failed = |source| Error::Read { id: self.map.info.id, source };
        if let Way::Batch(batch) = &mut self.way {
            match batch.advance(self.map) {
                Err(error) if batch.is_refused(&error) => self.way = Way::Walk(Walk::new(batch.room())),
                result => return result.map_err(failed),
            }
        }
        let Way::Walk(walk) = &mut self.way else { return Ok(false) };
        walk.advance(self.map).map_err(|error| match error.raw_os_error() {
            Some(batch::NOT_SUPPORTED | libc::EOPNOTSUPP) => Error::Unlistable { kind: self.map.info.kind },
            _ => failed(error),
        })
    }

    /// The kernel has begun a trie again, and the entry at hand has been handed out before.
    fn is_repeated(&mut self) -> bool {
        if self.map.info.kind != MapKind::LPM_TRIE {
            return false;
        }
        let key = match &self.way {
            Way::Batch(batch) => batch.key(),
            Way::Walk(walk) => walk.key(),
        };
        if self.last.as_deref().is_some_and(|last| order::compare(key, last).is_le()) {
            return true;
        }
        match &mut self.last {
            Some(last) => last.copy_from_slice(key),
            last => *last = Some(key.to_vec()),
        }
        false
    }

    fn entry(&self) -> Entry<'_> {
        let (key, value) = match &self.way {
            Way::Batch(batch) => (batch.key(), Ok(batch.value())),
            Way::Walk(walk) => (walk.key(), walk.value()),
        };
        let value = match value {
            Err(errno) => Value::Hidden(errno),
            Ok(bytes) if self.cpus.is_empty() => Value::One(bytes),
            Ok(bytes) => Value::PerCpu(PerCpu { bytes, size: self.map.info.value_bytes as usize, cpus: &self.cpus }),
        };
        Entry { key, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_cpus_are_summed_and_apart() {
        let bytes: Vec<u8> = [1_u64, 10, 2, 20, u64::MAX, 30].into_iter().flat_map(u64::to_ne_bytes).collect();
        let value = Value::PerCpu(PerCpu { bytes: &bytes, size: 16, cpus: &[0, 1, 4] });
        let apart: Vec<_> = value.of_cpus().map(|(cpu, bytes)| (cpu, bytes[8])).collect();
        assert_eq!(apart, [(0, 10), (1, 20), (4, 30)]);
        let summed = value.summed().unwrap();
        assert_eq!(summed, [2_u64.to_ne_bytes(), 60_u64.to_ne_bytes()].concat());
    }

    #[test]
    fn what_is_no_row_of_numbers_is_not_summed() {
        let bytes = [1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0];
        let value = Value::PerCpu(PerCpu { bytes: &bytes, size: 3, cpus: &[0, 1] });
        assert_eq!(value.of_cpus().collect::<Vec<_>>(), [(0, [1, 2, 3].as_slice()), (1, &[4, 5, 6])]);
        assert_eq!((value.summed(), value.summed_halves()), (None, None));
        let halves = Value::PerCpu(PerCpu { bytes: &bytes, size: 4, cpus: &[0, 1] });
        assert_eq!(halves.summed_halves(), Some(vec![0x03_0201 + 0x06_0504]));
        assert_eq!(Value::One(&[7]).summed(), Some(vec![7]));
        assert_eq!(Value::Hidden(28).summed(), None);
    }
}
