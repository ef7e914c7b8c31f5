//! Values that a frame holds once, however many rows refer to them.

use std::{collections::HashMap, hash::Hash};

/// Distinct values by their place. There are never more than a frame has rows.
pub(super) struct Dictionary<T> {
    values: Vec<T>,
    places: HashMap<T, u16>,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Copy + Eq + Hash> Dictionary<T> {
    /// The place of a value, a new one if it has none yet.
    pub(super) fn place(&mut self, value: T) -> u16 {
        *self.places.entry(value).or_insert_with(|| {
            self.values.push(value);
            self.values.len() as u16 - 1
        })
    }

    /// The value at a place given before.
    pub(super) fn at(&self, place: u16) -> Option<&T> {
        self.values.get(usize::from(place))
    }

    /// All, in the order of their places.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.places.clear();
    }
}
