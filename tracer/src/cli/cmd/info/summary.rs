//! Reads a recording from its beginning to its end and counts what is in it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    collect::counts::Counts,
    feed::replay,
    model::{Event, EventKind, Name, Record},
    record::{Reader, Start, reader::Missing},
};

/// Most interfaces and drop reasons that are told apart.
const MOST: usize = 65_536;

/// A device in its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Interface {
    /// Inode of the namespace.
    pub(super) netns: Option<u32>,
    /// Index.
    pub(super) ifindex: Option<u32>,
    /// Name.
    pub(super) name: [u8; 16],
}

/// What is in a recording.
pub(super) struct Summary {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) start: Start,
    pub(super) counts: Option<Counts>,
    pub(super) missing: Missing,
    /// Real time of the first and the last record, nanoseconds.
    pub(super) span: Option<(i64, i64)>,
    pub(super) hits: u64,
    pub(super) changes: u64,
    /// Journeys that begin in it.
    pub(super) packets: u64,
    /// Names with counts, most frequent first; so below.
    pub(super) functions: Vec<(String, u64)>,
    pub(super) drops: Vec<(String, u64)>,
    pub(super) interfaces: Vec<(Interface, Option<String>, u64)>,
}

/// Counts in the making.
#[derive(Default)]
struct Tally {
    hits: u64,
    changes: u64,
    packets: u64,
    times: Option<(u64, u64)>,
    functions: HashMap<u32, u64>,
    drops: HashMap<Option<u32>, u64>,
    interfaces: HashMap<Interface, u64>,
}

impl Summary {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let failed = |source| replay::Error { path: path.to_owned(), source };
        let mut reader = Reader::open(path).map_err(failed)?;
        let bytes = fs::metadata(path).with_context(|| format!("failed to read `{}`", path.display()))?.len();
        reader.verify_packets();
        let mut tally = Tally::default();
        while let Some(record) = reader.next_record().map_err(|error| failed(error.into()))? {
            tally.add(&record);
        }
        Ok(tally.summary(path, bytes, &reader))
    }

    /// Nanoseconds from the first record to the last.
    pub(super) fn duration(&self) -> u64 {
        self.span.map_or(0, |(first, last)| last.abs_diff(first))
    }
}

impl Tally {
    fn add(&mut self, record: &Record) {
        let time = record.time();
        let (first, last) = self.times.get_or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
        match record {
            Record::Change(_) => self.changes += 1,
            Record::Hit(event) => self.hit(event),
        }
    }

    fn hit(&mut self, event: &Event) {
        self.hits += 1;
        self.packets += u64::from(event.first);
        count(&mut self.functions, event.probe.0);
        if event.kind == EventKind::Drop {
            count(&mut self.drops, event.reason);
        }
        count(&mut self.interfaces, Interface { netns: event.netns, ifindex: event.ifindex, name: event.ifname.0 });
    }

    fn summary(self, path: &Path, bytes: u64, reader: &Reader) -> Summary {
        let tables = reader.tables();
        let start = reader.start().clone();
        let real = |time: u64| (time as i64).saturating_add(start.clock_offset);
        let function = |number: u32| match tables.probes.get(number as usize) {
            Some(probe) => probe.name.clone(),
            None => format!("probe {number}"),
        };
        let reason = |reason: Option<u32>| match reason {
            None => "unknown".to_owned(),
            Some(number) => tables.reasons.get(&number).cloned().unwrap_or_else(|| number.to_string()),
        };
        let namespace = |interface: &Interface| tables.namespaces.get(&interface.netns?).cloned();
        Summary {
            path: path.to_owned(),
            bytes,
            counts: reader.counts().cloned(),
            missing: reader.missing().clone(),
            span: self.times.map(|(first, last)| (real(first), real(last))),
            hits: self.hits,
            changes: self.changes,
            packets: self.packets,
            functions: sorted(self.functions.into_iter().map(|(number, count)| (function(number), count))),
            drops: sorted(self.drops.into_iter().map(|(number, count)| (reason(number), count))),
            interfaces: sorted(self.interfaces)
                .into_iter()
                .map(|(interface, count)| (interface, namespace(&interface), count))
                .collect(),
            start,
        }
    }
}

impl Interface {
    pub(super) fn name(&self) -> Name {
        Name(self.name)
    }
}

fn count<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u64>, key: K) {
    if counts.len() < MOST || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}

/// The most frequent first; those of equal count by themselves.
fn sorted<K: Ord>(counts: impl IntoIterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
    counts
}
