//! Which candidates the kernel lets us probe, and at which addresses.
//!
//! One name may stand for several functions (statics of different files). BTF says one prototype for all of them, and
//! current kernels leave names out whose functions differ, so each address is taken as a function of its own. On
//! kernels before 6.3 a namesake without a packet may be among them, as with pwru: the kernel side checks what it reads.

use std::{collections::HashSet, io};

use super::{Discovery, Function, Refusal, Source, Status, scan::Candidate};
use crate::kernel::{
    Root,
    functions::{self, List},
    kallsyms::{self, Address},
    quick::{QuickMap, QuickSet},
};

/// Addresses of each candidate, from the kernel's symbols; none for one that is no symbol.
pub(super) type Symbols = Result<Vec<Vec<u64>>, kallsyms::Error>;

/// What the kernel says about one candidate.
#[derive(Debug, Default)]
struct Found {
    addresses: Vec<u64>,
    /// What the compiler made of it, if the name itself is not listed.
    variant: Option<String>,
}

/// Puts together what is known. `symbols` is needed where the list has no addresses, or cannot be had.
pub(super) fn judge(
    root: &Root,
    candidates: Vec<Candidate>,
    list: Result<List, functions::Error>,
    symbols: Option<Symbols>,
    mut notes: Vec<String>,
) -> Discovery {
    let mut found: Vec<Found> = candidates.iter().map(|_| Found::default()).collect();
    let source = match list {
        Ok(list) => {
            look_up(&list, &candidates, &mut found);
            match symbols {
                None => Source::ListWithAddresses,
                Some(symbols) => {
                    locate(symbols, &mut found, &mut notes);
                    Source::List
                }
            }
        }
        Err(error) => guess(symbols, &mut found, &error, &mut notes),
    };
    let blacklist = functions::blacklist(root).unwrap_or_else(|error| {
        // Without debugfs, attaching tells.
        if error.kind() != io::ErrorKind::NotFound {
            notes.push(format!("functions that forbid kprobes are not known: {error}"));
        }
        HashSet::new()
    });
    let functions = candidates
        .into_iter()
        .zip(found)
        .flat_map(|(candidate, found)| expand(&candidate, found, &blacklist))
        .collect();
    Discovery { functions, source, notes }
}

/// Looks the candidates up among the kernel's symbols.
pub(super) fn symbols(root: &Root, candidates: &[Candidate]) -> Symbols {
    let names: QuickSet<&str> = candidates.iter().map(|one| one.name.as_str()).collect();
    let known = kallsyms::addresses(&mut kallsyms::open(root)?, &names)?;
    let of = |one: &Candidate| {
        let here = |at: &&Address| at.text && at.module == one.module;
        known.get(&one.name).into_iter().flatten().filter(here).map(|at| at.address).collect()
    };
    Ok(candidates.iter().map(of).collect())
}

/// Notes each listed candidate with its addresses; with 0 if the list has none.
fn look_up(list: &List, candidates: &[Candidate], found: &mut [Found]) {
    let numbered = candidates.iter().enumerate();
    // By name and module, where "" is the kernel.
    let index: QuickMap<(&str, &str), usize> = numbered
        .map(|(number, one)| ((one.name.as_str(), one.module.as_deref().unwrap_or_default()), number))
        .collect();
    for line in list.lines() {
        let module = line.module.unwrap_or_default();
        if let Some(&number) = index.get(&(line.name, module)) {
            found[number].addresses.push(line.address());
        } else if let Some((name, _)) = line.name.split_once('.')
            && let Some(&number) = index.get(&(name, module))
        {
            found[number].variant.get_or_insert_with(|| line.name.to_owned());
        }
    }
}

/// Fills in addresses that the list did not give. Without them, probes can still be attached by name.
fn locate(symbols: Symbols, found: &mut [Found], notes: &mut Vec<String>) {
    let symbols = symbols.unwrap_or_else(|error| {
        notes.push(format!("addresses of functions are not known: {error}"));
        Vec::new()
    });
    let mut symbols = symbols.into_iter();
    for one in found {
        let addresses = symbols.next().unwrap_or_default();
        if one.addresses.is_empty() {
            continue;
        }
        // A name without an address is attached once.
        one.addresses = if addresses.is_empty() { vec![0] } else { addresses };
    }
}

/// Without a list, every candidate that is a symbol may work.
fn guess(symbols: Option<Symbols>, found: &mut [Found], error: &functions::Error, notes: &mut Vec<String>) -> Source {
    match symbols.unwrap_or(Ok(Vec::new())) {
        Ok(symbols) => {
            for (one, addresses) in found.iter_mut().zip(symbols) {
                one.addresses = addresses;
            }
            notes.push(format!("what can be traced is guessed from symbols: {error}: {}", error.source));
            Source::Symbols
        }
        Err(second) => {
            notes.push(format!("what can be traced is not known: {error}: {}; {second}", error.source));
            Source::Nothing
        }
    }
}

/// A function for each address, or one that is refused.
fn expand(candidate: &Candidate, found: Found, blacklist: &HashSet<String>) -> Vec<Function> {
    let refusal = candidate
        .refusal()
        .or_else(|| found.addresses.is_empty().then(|| found.variant.map_or(Refusal::Unlisted, Refusal::Variant)))
        .or_else(|| blacklist.contains(&candidate.name).then_some(Refusal::Blacklisted));
    let status = refusal.map_or(Status::Traceable, Status::Refused);
    let function = |address| Function {
        name: candidate.name.clone(),
        module: candidate.module.clone(),
        address,
        position: candidate.signature.position.unwrap_or_default(),
        double: candidate.signature.double,
        takes_reason: candidate.signature.takes_reason,
        status: status.clone(),
    };
    match (&status, found.addresses.as_slice()) {
        (Status::Traceable, addresses) => addresses.iter().map(|&address| function(address)).collect(),
        (Status::Refused(_), addresses) => vec![function(addresses.first().copied().unwrap_or_default())],
    }
}

#[cfg(test)]
mod tests;
