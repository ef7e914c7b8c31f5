//! The kernel's symbols, from `/proc/kallsyms`.
//!
//! Whether addresses may be seen is decided when the file is opened, so it is opened while the process has its
//! privileges and read when it is needed. Reading it is slow (the kernel unpacks each of some 150 000 names), so
//! nothing here does it unasked.

mod scan;
mod table;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    hash::BuildHasher,
    io::{self, Seek as _},
};

use super::Root;
pub use scan::Entry;
pub(super) use scan::hexadecimal;
pub use table::{Symbol, SymbolTable};

/// Why symbols are not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read `/proc/kallsyms`")]
    Read(#[from] io::Error),
    /// The kernel shows each address as 0.
    #[error("the kernel hides the addresses in `/proc/kallsyms` (CAP_SYSLOG, or sysctl kernel.kptr_restrict=0)")]
    Hidden,
}

/// Where a symbol lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its address.
    pub address: u64,
    /// It is code.
    pub text: bool,
    /// The module that holds it; `bpf` for BPF programs.
    pub module: Option<String>,
}

/// Opens the file; what it shows is settled here.
pub fn open(root: &Root) -> io::Result<File> {
    root.open("/proc/kallsyms")
}

/// Addresses of the symbols named; several may share a name.
pub fn addresses(
    file: &mut File,
    names: &HashSet<&str, impl BuildHasher>,
) -> Result<HashMap<String, Vec<Address>>, Error> {
    file.rewind()?;
    let mut found: HashMap<String, Vec<Address>> = HashMap::with_capacity(names.len());
    scan::each(file, |entry| {
        if let Ok(name) = std::str::from_utf8(entry.name)
            && names.contains(name)
        {
            found.entry(name.to_owned()).or_default().push(Address {
                address: entry.address,
                text: entry.is_text(),
                module: entry.module.map(|module| String::from_utf8_lossy(module).into_owned()),
            });
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    pub(super) fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn all_addresses_of_a_name_are_found() {
        let mut file = file(
            "ffffffff81000010 t run\nffffffff81000020 T ip_rcv\nffffffff81000030 t run\t[br]\n\
             ffffffff82000000 r netns_operations\n",
        );
        let found = addresses(&mut file, &HashSet::from(["run", "netns_operations", "none"])).unwrap();
        let shown: Vec<_> = found["run"].iter().map(|at| (at.address, at.module.as_deref())).collect();
        assert_eq!(shown, [(0xffff_ffff_8100_0010, None), (0xffff_ffff_8100_0030, Some("br"))]);
        assert!(!found["netns_operations"][0].text);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn it_can_be_read_again() {
        let mut file = file("ffffffff81000010 t run\n");
        for _ in 0..2 {
            assert_eq!(addresses(&mut file, &HashSet::from(["run"])).unwrap().len(), 1);
        }
    }

    #[test]
    fn hidden_addresses_are_an_error() {
        let mut file = file("0000000000000000 t run\n0000000000000000 T ip_rcv\n");
        assert!(matches!(addresses(&mut file, &HashSet::from(["run"])), Err(Error::Hidden)));
    }
}
