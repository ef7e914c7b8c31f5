//! The tables of a recording, in memory.

use std::collections::HashMap;

use crate::{
    model::Probe,
    record::format::table::{Entry, entries, which},
    symbol::{Symbol, Symbols},
};

/// Most probes, and most entries of the other tables, that are taken: a file that claims more names them in vain.
const MOST_PROBES: usize = 1 << 17;
const MOST_ENTRIES: usize = 1 << 19;
/// Most bytes of names in all of them.
const MOST_BYTES: usize = 64 << 20;

/// What names the numbers in records.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Probes by their number.
    pub probes: Vec<Probe>,
    /// Drop reasons.
    pub reasons: HashMap<u32, String>,
    /// Network namespaces by inode.
    pub namespaces: HashMap<u32, String>,
    /// Addresses that occur.
    pub symbols: RecordedSymbols,
    /// Entries that did not fit.
    pub refused: u64,
    /// Bytes of the names taken.
    bytes: usize,
}

/// Symbols of the addresses in a recording.
#[derive(Clone, Debug, Default)]
pub struct RecordedSymbols(HashMap<u64, Place>);

/// Name, module, and bytes from the symbol's start.
type Place = (Box<str>, Option<Box<str>>, u64);

impl Symbols for RecordedSymbols {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        let (name, module, offset) = self.0.get(&address)?;
        Some(Symbol { name, module: module.as_deref(), offset: *offset })
    }
}

impl RecordedSymbols {
    /// Takes the symbols of another recording too; where both have an address, this one's stay.
    pub fn merge(&mut self, other: Self) {
        for (address, symbol) in other.0 {
            self.0.entry(address).or_insert(symbol);
        }
    }
}

impl Tables {
    /// Takes the entries of a frame. Of a kind that is not known it takes none: a newer writer of the same version may have it.
    pub(super) fn read(&mut self, content: &[u8]) {
        for entry in entries(content) {
            self.bytes = self.bytes.saturating_add(entry.name.len() + entry.module.map_or(0, str::len));
            let fits = self.bytes <= MOST_BYTES && self.take(&entry);
            self.refused += u64::from(!fits);
        }
    }

    fn take(&mut self, entry: &Entry<'_>) -> bool {
        match entry.table {
            which::PROBE => self.probe(entry),
            which::SYMBOL => self.symbol(entry),
            which::REASON => put(&mut self.reasons, entry),
            which::NAMESPACE => put(&mut self.namespaces, entry),
            _ => true,
        }
    }

    /// Probes come in the order of their numbers.
    fn probe(&mut self, entry: &Entry<'_>) -> bool {
        let fits = entry.key == self.probes.len() as u64 && self.probes.len() < MOST_PROBES;
        if fits {
            self.probes.push(Probe {
                name: entry.name.to_owned(),
                module: entry.module.map(str::to_owned),
                address: entry.extra,
                takes_reason: entry.takes_reason,
            });
        }
        fits
    }

    fn symbol(&mut self, entry: &Entry<'_>) -> bool {
        let symbols = &mut self.symbols.0;
        let fits = symbols.len() < MOST_ENTRIES || symbols.contains_key(&entry.key);
        if fits {
            symbols.insert(entry.key, (entry.name.into(), entry.module.map(Into::into), entry.extra));
        }
        fits
    }
}

fn put(names: &mut HashMap<u32, String>, entry: &Entry<'_>) -> bool {
    let Ok(key) = u32::try_from(entry.key) else { return false };
    let fits = names.len() < MOST_ENTRIES;
    if fits {
        names.insert(key, entry.name.to_owned());
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_bounded() {
        let long = "x".repeat(1000);
        let mut content = Vec::new();
        for key in 0..1000 {
            Entry { table: which::SYMBOL, key, name: &long, ..Entry::default() }.write(&mut content);
        }
        let mut tables = Tables::default();
        for _ in 0..100 {
            tables.read(&content);
        }
        assert!(tables.refused > 30_000 && tables.symbols.0.len() == 1000);
        // Probes are taken in the order of their numbers alone.
        let mut content = Vec::new();
        for key in [0, 2, 1, u64::MAX] {
            Entry { table: which::PROBE, key, name: "f", ..Entry::default() }.write(&mut content);
        }
        let mut tables = Tables::default();
        tables.read(&content);
        assert_eq!((tables.probes.len(), tables.refused), (2, 2));
    }
}
