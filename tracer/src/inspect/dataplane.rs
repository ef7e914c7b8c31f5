//! Maps of dataplanes whose releases differ by name and sizes alone ([`Versions`]): found where they are pinned, or else by
//! name among all maps, and read entry by entry.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    Error,
    maps::{
        self, Map,
        decode::{
            self, Misfit,
            versions::{Version, Versions},
        },
    },
    programs,
};

/// A map of which the layout is known.
#[derive(Debug)]
pub struct Found {
    /// The map.
    pub map: Map,
    /// Its layout.
    pub version: &'static Version,
    /// Where it is pinned, if that is how it was found.
    pub pin: Option<PathBuf>,
}

/// Where BPF file systems are mounted mostly.
pub const BPFFS: &str = "/sys/fs/bpf";

/// What was found of a kind of map.
#[derive(Debug, Default)]
pub struct Search {
    /// Maps with a known layout, the newest first.
    pub found: Vec<Found>,
    /// Why a map that has the right name is not among them.
    pub unknown: Vec<String>,
}

/// Looks for maps of a kind: pins below `bpffs` first, and names where there are none at the usual place: who names another one
/// means that. `family` leaves out the layouts that
/// [`Version::is_ipv6`] tells apart. Where several are left, those that programs use come first: an upgrade or its reversal
/// leaves pins behind.
pub fn search(versions: &'static Versions, bpffs: &Path, family: Option<bool>) -> Result<Search, Error> {
    let mut search = Search::default();
    let mut seen: Vec<&str> = Vec::new();
    for version in versions.known.iter().filter(|version| family.is_none_or(|ipv6| version.is_ipv6 == ipv6)) {
        if seen.contains(&version.pin) {
            continue;
        }
        seen.push(version.pin);
        let path = bpffs.join(version.pin);
        match Map::by_pin(&path) {
            Ok(map) => search.take(versions, map, Some((version.name, path))),
            Err(Error::Pin { source, .. })
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    if search.found.is_empty() && search.unknown.is_empty() && bpffs.ends_with(BPFFS.trim_start_matches('/')) {
        for id in maps::ids()? {
            match Map::by_id(id) {
                Ok(map) => search.take(versions, map, None),
                Err(Error::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        search.found.retain(|found| family.is_none_or(|ipv6| found.version.is_ipv6 == ipv6));
        search.found.sort_by_key(|found| versions.known.iter().position(|version| version == found.version));
    }
    if search.found.len() > 1 {
        // Who may not ask goes by the releases alone.
        let used = programs::used_maps().unwrap_or_default();
        search.found.sort_by_key(|found| !used.contains(&found.map.info.id));
    }
    Ok(search)
}

/// The newest map of a kind, where there is one with a known layout.
pub fn newest(versions: &'static Versions, bpffs: &Path, family: Option<bool>) -> Result<Option<Found>, Error> {
    Ok(search(versions, bpffs, family)?.found.into_iter().next())
}

/// Maps that by their names and sizes are of these kinds too, beside those that are known: of a former start mostly, whose
/// programs may still run. Names that anybody's map may have tell nothing.
pub fn others(kinds: &[&Versions], known: &BTreeSet<u32>) -> Result<BTreeMap<u32, String>, Error> {
    let mut others = BTreeMap::new();
    for map in maps::all()? {
        let map = map?;
        let name = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
        let subject = map.subject(&name, None);
        let is_one = kinds.iter().any(|versions| versions.of(&subject).is_some_and(|answer| answer.is_ok()));
        if is_one && !known.contains(&map.info.id) {
            others.insert(map.info.id, name);
        }
    }
    Ok(others)
}

impl Search {
    fn take(&mut self, versions: &'static Versions, map: Map, pin: Option<(&str, PathBuf)>) {
        let name = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
        let answer = versions.of(&map.subject(&name, pin.as_ref().map(|(name, _)| *name)));
        match answer {
            Some(Ok(version)) => self.found.push(Found { map, version, pin: pin.map(|(_, path)| path) }),
            Some(Err(why)) => self.unknown.push(why),
            None => {}
        }
    }
}

/// All entries of a map.
#[derive(Debug)]
pub struct Rows<T> {
    /// The entries.
    pub rows: Vec<T>,
    /// Keys that had no value any more when it was asked for.
    pub vanished: u64,
    /// Why there are no more, where that was not the end.
    pub cut: Option<Error>,
}

impl Found {
    /// Reads all entries into memory, which such maps fit into. What fails behind the first entry keeps what has been read.
    pub fn rows<T>(&self, read: impl Fn(&decode::Entry<'_>, &Version) -> Result<T, Misfit>) -> Result<Rows<T>, Error> {
        let mut rows = Vec::new();
        let mut entries = self.map.entries()?;
        let cut = loop {
            let entry = match entries.next_entry() {
                Ok(None) => break None,
                Err(error) if rows.is_empty() => return Err(error),
                Err(error) => break Some(error),
                Ok(Some(entry)) => decode::Entry { key: entry.key, value: entry.value.raw() },
            };
            let row = read(&entry, self.version).map_err(|misfit| Error::Read {
                id: self.map.info.id,
                source: io::Error::new(io::ErrorKind::InvalidData, misfit),
            })?;
            rows.push(row);
        };
        Ok(Rows { rows, vanished: entries.vanished(), cut })
    }

    /// As [`Map::pin_lost`]; nothing of a map that was found by its name.
    pub fn pin_lost(&self) -> Option<String> {
        self.map.pin_lost(self.pin.as_deref()?)
    }
}
