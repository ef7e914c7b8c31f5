//! Functions that take no packet, chosen by name: they are shown where they are called in the work on one.

use std::collections::HashSet;

use regex::Regex;

use super::Function;
use crate::{
    kernel::{
        Root, functions,
        kallsyms::{self, Address},
        quick::QuickSet,
    },
    model::Probe,
};

/// Names with `*` and `?` for any letters and any letter.
#[derive(Clone, Debug)]
pub struct Globs(Vec<Regex>);

/// Why functions without a packet cannot be chosen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel's list cannot be had.
    #[error(transparent)]
    List(#[from] functions::Error),
    /// Nothing has such a name.
    #[error("no traceable function without an sk_buff is called `{0}`")]
    Nothing(String),
}

impl Globs {
    /// Takes the patterns as typed.
    pub fn new(patterns: &[String]) -> Result<Self, regex::Error> {
        let regex = |pattern: &String| {
            Regex::new(&format!("^{}$", regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")))
        };
        Ok(Self(patterns.iter().map(regex).collect::<Result<_, _>>()?))
    }

    /// None were asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The functions that they choose, without those in `with_packet`, which are probed anyway, and without those on which
    /// the kernel forbids kprobes.
    pub fn find(&self, root: &Root, with_packet: &[Function]) -> Result<Vec<Probe>, Error> {
        let list = functions::open(root)?.read()?;
        let known: HashSet<&str> = with_packet.iter().map(|function| function.name.as_str()).collect();
        let blacklist = functions::blacklist(root).unwrap_or_default();
        let mut found = Vec::new();
        for glob in &self.0 {
            let before = found.len();
            let lines = list.lines().filter(|line| glob.is_match(line.name) && !blacklist.contains(line.name));
            let mut any = false;
            for line in lines {
                any = true;
                if !known.contains(line.name) {
                    found.push(Probe {
                        name: line.name.to_owned(),
                        module: line.module.map(str::to_owned),
                        address: line.address(),
                        takes_reason: false,
                    });
                }
            }
            if !any && found.len() == before {
                return Err(Error::Nothing(glob.as_str().trim_matches(['^', '$']).replace(".*", "*")));
            }
        }
        found.sort_by(|a, b| (&a.module, &a.name, a.address).cmp(&(&b.module, &b.name, b.address)));
        found.dedup();
        locate(root, &mut found);
        Ok(found)
    }
}

/// Fills in addresses where the list has none; what has no symbol stays with 0, and is attached by name.
fn locate(root: &Root, probes: &mut [Probe]) {
    if probes.iter().all(|probe| probe.address != 0) {
        return;
    }
    let names: QuickSet<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
    let known = kallsyms::open(root).ok().and_then(|mut symbols| kallsyms::addresses(&mut symbols, &names).ok());
    let Some(known) = known else { return };
    let addresses: Vec<u64> = probes
        .iter()
        .map(|probe| {
            let here = |at: &&Address| at.text && at.module == probe.module;
            known.get(&probe.name).into_iter().flatten().find(here).map_or(0, |at| at.address)
        })
        .collect();
    for (probe, address) in probes.iter_mut().zip(addresses) {
        probe.address = address;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let globs = Globs::new(&["ip_route_*".to_owned(), "fib?lookup".to_owned(), "a.b".to_owned()]).unwrap();
        let matches = |name| globs.0.iter().any(|glob| glob.is_match(name));
        assert!(matches("ip_route_output_key_hash_rcu") && matches("fib_lookup") && matches("a.b"));
        assert!(!matches("xip_route_") && !matches("fib__lookup") && !matches("axb"));
    }
}
