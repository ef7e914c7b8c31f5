//! All entries of a map at once, for lists that are sorted: the bytes only, one after the other.

use super::{
    Map,
    decode::{Entry, Layout},
};
use crate::inspect::Error;

/// Most entries that are held; with 48 bytes each as in Cilium's largest sorted map, 200 MB.
const MOST: usize = 4_000_000;

/// The entries of a map.
#[derive(Debug, Default)]
pub struct Gathered {
    bytes: Vec<u8>,
    key: usize,
    /// Bytes of key and value.
    stride: usize,
    /// Which entry is the how manyth.
    order: Vec<u32>,
    vanished: u64,
    /// Why there are no more, where that was not the end.
    pub cut: Option<Error>,
}

impl Gathered {
    /// Reads them, in the order of the layout. What fails behind the first keeps what has been read. `progress` is told every so often how many there are so far.
    pub fn read(map: &Map, layout: &dyn Layout, mut progress: impl FnMut(usize)) -> Result<Self, Error> {
        let mut entries = map.entries()?;
        let mut gathered = Self { key: map.info.key_bytes as usize, ..Self::default() };
        loop {
            let entry = match entries.next_entry() {
                Ok(None) => break,
                Err(error) if gathered.order.is_empty() => return Err(error),
                Err(error) => {
                    gathered.cut = Some(error);
                    break;
                }
                Ok(Some(entry)) => entry,
            };
            gathered.push(entry.key, entry.value.raw());
            let count = gathered.order.len();
            if count > MOST {
                return Err(Error::TooMany { id: map.info.id, most: MOST });
            }
            if count.is_multiple_of(1 << 14) {
                progress(count);
            }
        }
        gathered.vanished = entries.vanished();
        gathered.sort(layout);
        Ok(gathered)
    }

    /// Keys that were listed, but had no value any more when it was asked for.
    pub fn vanished(&self) -> u64 {
        self.vanished
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.order.iter().map(|&place| self.entry(place))
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.stride = key.len() + value.len();
        self.order.push(self.order.len() as u32);
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    fn entry(&self, place: u32) -> Entry<'_> {
        let at = place as usize * self.stride;
        let (key, value) = self.bytes[at..at + self.stride].split_at(self.key.min(self.stride));
        Entry { key, value }
    }

    fn sort(&mut self, layout: &dyn Layout) {
        let mut order = std::mem::take(&mut self.order);
        order.sort_by(|one, other| layout.compare(&self.entry(*one), &self.entry(*other)));
        self.order = order;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{cilium, testing};

    #[test]
    fn entries_come_in_the_layouts_order() {
        let map = testing::subject("cilium_lb4_backends_v3", 1, 4, 12);
        let layout = testing::layout(&cilium::backends::Map, &map);
        let mut gathered = Gathered { key: 4, ..Gathered::default() };
        for id in [300_u32, 2, 256, 1] {
            gathered.push(&id.to_ne_bytes(), &[id as u8; 12]);
        }
        gathered.sort(&*layout);
        let ids: Vec<u32> = gathered.iter().map(|entry| u32::from_ne_bytes(entry.key.try_into().unwrap())).collect();
        assert_eq!((ids.as_slice(), gathered.len()), ([1, 2, 256, 300].as_slice(), 4));
        assert_eq!(gathered.iter().nth(3).unwrap().value, [44; 12]);
    }
}
