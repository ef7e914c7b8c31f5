//! Cilium on this machine: its maps, which release they are of, and single questions to them.

mod left;
mod lookup;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

pub use lookup::{Lookup, ServiceAnswer};

use super::{
    Error,
    maps::{
        Found,
        decode::{
            self, Answer, Decoder, Entry, Recognition, Subject,
            cilium::{self, Releases, backends, policy, policystats, services},
        },
        find,
    },
    programs,
};
use crate::kernel::Root;

/// Where Cilium pins its maps: in the BPF file system of the node, or in one of its own.
pub const FOLDERS: [&str; 2] = ["/sys/fs/bpf/tc/globals", "/run/cilium/bpffs/tc/globals"];
/// How the names of its maps begin.
pub const PREFIX: &str = "cilium_";

/// Cilium's maps.
#[derive(Debug)]
pub struct Cilium {
    maps: Vec<Found>,
    /// Ids of those that another release has left behind.
    left: HashSet<u32>,
    /// What the maps say of the release.
    pub releases: Releases,
    /// Minor number of the release they are read as.
    pub minor: u16,
    /// Nanoseconds of the monotonic clock.
    now: u64,
}

/// What is asked for when looking for Cilium's maps.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Folders with pins, and nothing but these; Cilium's own without, or what has the names of its maps.
    pub folders: Vec<PathBuf>,
    /// Minor number of the release, if the caller knows.
    pub minor: Option<u16>,
    /// Nanoseconds of the monotonic clock.
    pub now: u64,
}

impl Cilium {
    /// Opens all maps of Cilium; there may be none.
    pub fn find(root: &Root, wanted: &Wanted) -> Result<Self, Error> {
        let mut folders = wanted.folders.clone();
        if folders.is_empty() {
            folders = FOLDERS.iter().map(PathBuf::from).collect();
        }
        let maps = find(root, &folders, PREFIX, wanted.folders.is_empty())?;
        // Who may not ask which maps are used goes by the names alone.
        let used = programs::used_maps().unwrap_or_default();
        let mut left = left::unused(&maps, &used);
        let there = maps.iter().filter(|found| !left.contains(&found.map.info.id));
        let releases = Releases::of(there.map(|found| found.subject(None, 0)));
        let minor = wanted.minor.unwrap_or(releases.newest);
        left.extend(left::of_another_release(&maps, &left, minor));
        Ok(Self { maps, left, releases, minor, now: wanted.now })
    }

    /// No map is there.
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// All maps.
    pub fn maps(&self) -> &[Found] {
        &self.maps
    }

    /// Another release has left the map behind: its entries are not those that count.
    pub fn is_left(&self, found: &Found) -> bool {
        self.left.contains(&found.map.info.id)
    }

    /// The maps that a decoder recognises by name, with the layout of each, or why there is none.
    pub fn of<'a>(&'a self, decoder: &'a dyn Decoder) -> impl Iterator<Item = (&'a Found, Answer)> {
        self.recognised(|found| decoder.recognise(&found.subject(Some((1, self.minor)), self.now)))
    }

    /// Services, whose slots name backends that have been read before.
    pub fn services(&self, backends: &services::Backends) -> Vec<(&Found, Answer)> {
        let ask = |found: &Found| {
            let subject = found.subject(Some((1, self.minor)), self.now);
            services::recognise(&subject, Some(Arc::clone(backends)))
        };
        self.recognised(ask).collect()
    }

    /// Policies, with counts that have been read before.
    pub fn policies(&self, stats: &Arc<policystats::Stats>) -> Vec<(&Found, Answer)> {
        let ask = |found: &Found| {
            let subject = found.subject(Some((1, self.minor)), self.now);
            policy::recognise(&subject, Some(Arc::clone(stats)))
        };
        self.recognised(ask).collect()
    }

    /// As [`decode::recognise`], of a policy with what its rules have counted.
    pub fn recognise(&self, map: &Subject<'_>) -> Result<Option<(&'static dyn Decoder, Answer)>, Error> {
        if let Recognition::Known(_) = policy::recognise(map, None)
            && let Recognition::Known(layout) = policy::recognise(map, Some(self.policy_stats()?))
        {
            return Ok(Some((&policy::Map, Ok(layout))));
        }
        Ok(decode::recognise(map))
    }

    fn recognised(&self, ask: impl Fn(&Found) -> Recognition) -> impl Iterator<Item = (&Found, Answer)> {
        let live = self.maps.iter().filter(|found| !self.is_left(found));
        live.filter_map(move |found| match ask(found) {
            Recognition::Other => None,
            Recognition::Unknown(why) => Some((found, Err(why))),
            Recognition::Known(layout) => Some((found, Ok(layout))),
        })
    }

    /// All backends by number. Maps that cannot be read as such are left out: asked for themselves they say why.
    pub fn backends(&self) -> Result<services::Backends, Error> {
        let mut all = HashMap::new();
        for (found, layout) in self.of(&backends::Map) {
            if layout.is_ok() {
                let mut entries = found.map.entries()?;
                while let Some(entry) = entries.next_entry()? {
                    let entry = Entry { key: entry.key, value: entry.value.raw() };
                    if let Ok(backend) = backends::Backend::read(&entry, self.minor) {
                        all.insert(backend.id, backend);
                    }
                }
            }
        }
        Ok(Arc::new(all))
    }

    /// What each rule of each endpoint's policy counted, where a map of its own holds that.
    pub fn policy_stats(&self) -> Result<Arc<policystats::Stats>, Error> {
        let mut all = policystats::Stats::new();
        for (found, layout) in self.of(&policystats::Map) {
            if layout.is_ok() {
                let mut entries = found.map.entries()?;
                while let Some(entry) = entries.next_entry()? {
                    // An entry of another size is no count of anything.
                    let _ = policystats::count(&Entry { key: entry.key, value: entry.value.raw() }, &mut all);
                }
            }
        }
        Ok(Arc::new(all))
    }

    /// The decoder that goes by this name, as `ipcache`.
    pub fn decoder(name: &str) -> Option<&'static dyn Decoder> {
        cilium::DECODERS.iter().copied().find(|decoder| decoder.name() == name)
    }
}
