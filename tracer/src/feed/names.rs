//! What names the numbers and addresses in events.

use std::{
    collections::HashMap,
    fs::File,
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::{
    inspect::Facts,
    kernel::{btf::Chain, kallsyms::SymbolTable},
    model::Probe,
    record::Naming,
    symbol::{Symbol, Symbols},
};

/// What names the numbers and addresses in a run's events. Several threads may ask.
pub struct Names {
    /// Drop reasons, without `SKB_DROP_REASON_`.
    pub reasons: HashMap<u32, String>,
    /// Network namespaces by inode.
    pub namespaces: HashMap<u32, String>,
    /// Member chains that are read with each event.
    pub chains: Vec<Chain>,
    /// Names of addresses.
    pub symbols: Box<dyn Symbols + Send + Sync>,
    /// What is known beside the packets, where that was asked for.
    pub facts: Option<Box<dyn Facts>>,
}

impl Names {
    /// Names nothing.
    pub fn empty() -> Self {
        Self {
            reasons: HashMap::new(),
            namespaces: HashMap::new(),
            chains: Vec::new(),
            symbols: Box::new(LazySymbols::new(None)),
            facts: None,
        }
    }

    /// The same for whoever writes a recording.
    pub fn naming<'a>(&'a self, probes: &'a [Probe]) -> Naming<'a> {
        let Self { reasons, namespaces, symbols, .. } = self;
        Naming { probes, reasons, namespaces, symbols: symbols.as_ref() }
    }
}

/// The kernel's symbols, read at the first question; the file was opened before privileges were dropped.
pub struct LazySymbols {
    file: Mutex<Option<File>>,
    table: OnceLock<Option<SymbolTable>>,
}

impl LazySymbols {
    /// Symbols of an open `/proc/kallsyms`; `None` knows none.
    pub fn new(file: Option<File>) -> Self {
        Self { file: Mutex::new(file), table: OnceLock::new() }
    }
}

impl Symbols for LazySymbols {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        let file = || self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        let read = || file().and_then(|mut file| SymbolTable::read(&mut file).ok());
        let found = self.table.get_or_init(read).as_ref()?.lookup(address)?;
        Some(Symbol { name: found.name, module: found.module, offset: found.offset })
    }
}
