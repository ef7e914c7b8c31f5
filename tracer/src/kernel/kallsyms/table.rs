//! Addresses to names.

use std::{fs::File, io::Seek as _};

use super::{Error, scan};

/// Beyond this from a symbol's start, an address belongs to something else: a gap, or memory without symbols.
const LARGEST: u64 = 1 << 20;
/// Stands for the kernel itself.
const NO_MODULE: u16 = u16::MAX;

/// All code symbols, sorted by address. Names lie one after the other in one string: 16 bytes a symbol beside it.
#[derive(Debug, Default)]
pub struct SymbolTable {
    rows: Vec<Row>,
    names: Vec<u8>,
    modules: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    address: u64,
    name: u32,
    len: u16,
    module: u16,
}

/// What an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Name.
    pub name: &'a str,
    /// Bytes from its start.
    pub offset: u64,
    /// The module that holds it; `bpf` for BPF programs.
    pub module: Option<&'a str>,
}

impl SymbolTable {
    /// Reads the whole file.
    pub fn read(file: &mut File) -> Result<Self, Error> {
        file.rewind()?;
        let mut table = Self::default();
        scan::each(file, |entry| {
            if entry.is_text() {
                table.push(&entry);
            }
        })?;
        table.finish();
        Ok(table)
    }

    /// The symbol that starts at or before the address.
    pub fn lookup(&self, address: u64) -> Option<Symbol<'_>> {
        let after = self.rows.partition_point(|row| row.address <= address);
        let row = self.rows.get(after.checked_sub(1)?)?;
        let offset = address - row.address;
        (offset < LARGEST).then(|| self.symbol(row, offset))
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Nothing was read.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn symbol(&self, row: &Row, offset: u64) -> Symbol<'_> {
        let start = row.name as usize;
        let name = self.names.get(start..start + row.len as usize).unwrap_or_default();
        Symbol {
            name: std::str::from_utf8(name).unwrap_or_default(),
            offset,
            module: self.modules.get(row.module as usize).map(String::as_str),
        }
    }

    fn push(&mut self, entry: &scan::Entry<'_>) {
        let (Ok(name), Ok(len)) = (u32::try_from(self.names.len()), u16::try_from(entry.name.len())) else {
            return;
        };
        let module = entry.module.map_or(NO_MODULE, |module| self.module(module));
        self.names.extend_from_slice(entry.name);
        self.rows.push(Row { address: entry.address, name, len, module });
    }

    /// Symbols of a module stand together, so the last ones are looked at first.
    fn module(&mut self, name: &[u8]) -> u16 {
        let known = self.modules.iter().rposition(|known| known.as_bytes() == name);
        let index = known.unwrap_or_else(|| {
            self.modules.push(String::from_utf8_lossy(name).into_owned());
            self.modules.len() - 1
        });
        u16::try_from(index).unwrap_or(NO_MODULE)
    }

    /// Of several names for one address the first stays, as in the kernel's own traces.
    fn finish(&mut self) {
        self.rows.sort_by_key(|row| row.address);
        self.rows.dedup_by_key(|row| row.address);
        self.rows.shrink_to_fit();
        self.names.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    fn check(table: &SymbolTable, address: u64, expected: &str) {
        let shown = table.lookup(address).map_or_else(String::new, |symbol| {
            let module = symbol.module.map(|module| format!(" [{module}]")).unwrap_or_default();
            format!("{}+{:#x}{module}", symbol.name, symbol.offset)
        });
        assert_eq!(shown, expected, "{address:#x}");
    }

    #[test]
    fn addresses_are_named_by_the_symbol_before_them() {
        let table = SymbolTable::read(&mut file(
            "ffffffffc0000100 t bpf_prog_6deef7357e7b4530_probe\t[bpf]\nffffffff81000000 T first\n\
             ffffffff81000000 T alias\nffffffff81000040 D data\nffffffff81000080 t second\n\
             ffffffffa0000000 t br_dev\t[bridge]\n",
        ))
        .unwrap();
        assert_eq!(table.len(), 4);
        check(&table, 0xffff_ffff_8100_0000, "first+0x0");
        check(&table, 0xffff_ffff_8100_007f, "first+0x7f");
        check(&table, 0xffff_ffff_8100_0080, "second+0x0");
        check(&table, 0xffff_ffff_a000_0010, "br_dev+0x10 [bridge]");
        check(&table, 0xffff_ffff_c000_0101, "bpf_prog_6deef7357e7b4530_probe+0x1 [bpf]");
    }

    #[test]
    fn far_from_any_symbol_there_is_no_name() {
        let table = SymbolTable::read(&mut file("ffffffff81000000 T only\n")).unwrap();
        check(&table, 0xffff_ffff_80ff_ffff, "");
        check(&table, 0xffff_ffff_8110_0000, "");
        check(&table, u64::MAX, "");
        check(&table, 0, "");
        check(&SymbolTable::default(), 0xffff_ffff_8100_0000, "");
    }

    #[test]
    fn a_row_is_lean() {
        assert_eq!(size_of::<Row>(), 16);
    }
}
