//! Journeys to paths: which ways packets took, how many took each, and how long each hop of it took.
//!
//! A path is what two packets have in common that passed the same functions, branched at the same places, changed device
//! and namespace at the same places and ended alike. Its key is a list of [`Step`]s; nothing is allocated for a journey
//! whose path is known.

mod key;

use std::{collections::HashMap, hash::BuildHasher as _};

use key::Scratch;
pub use key::{Ending, Place, Step};

use super::{Histogram, Hop, Journey, State, Verdict, hash::Folded};

/// Bounds, and what tells paths apart.
#[derive(Clone, Copy, Debug)]
pub struct PathLimits {
    /// Paths that are kept; packets on others are counted ([`Paths::others`]).
    pub paths: usize,
    /// Steps of all paths together. A step takes about 100 bytes, and up to 4 KiB where times differ widely.
    pub steps: usize,
    /// Paths through different devices and namespaces are different.
    pub by_device: bool,
}

impl Default for PathLimits {
    fn default() -> Self {
        Self { paths: 16_384, steps: 1 << 17, by_device: false }
    }
}

/// One way through the kernel, and the packets that took it.
#[derive(Clone, Debug)]
pub struct Path {
    /// Its hops, branch by branch, and how it ended.
    pub steps: Box<[Step]>,
    /// What became of its packets. Who read them is left out: it need not be the same.
    pub verdict: Verdict,
    /// The hop that the verdict rests on, of the first packet.
    pub ended_at: Option<Hop>,
    /// Packets that took it.
    pub packets: u64,
    /// Time from the first to the last hop, nanoseconds.
    pub total: Histogram,
    /// For each step, time since the hop before of the same branch. Empty where nothing was before.
    pub gaps: Box<[Histogram]>,
    /// For each step, where the first packet was; `mixed` where others were elsewhere.
    pub places: Box<[Place]>,
    /// Number of the first packet that took it.
    pub example: u64,
    /// Another path with the same hash.
    next: Option<usize>,
}

/// Counts packets by their path.
#[derive(Debug, Default)]
pub struct Paths {
    limits: PathLimits,
    known: Vec<Path>,
    index: HashMap<u64, usize>,
    hasher: Folded,
    steps: usize,
    packets: u64,
    hops: u64,
    others: u64,
    partial: u64,
    scratch: Scratch,
}

impl Paths {
    /// No packets yet.
    pub fn new(limits: PathLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Counts a packet; the place of its path among all, where it has one: of a packet that is not seen from its beginning to its
    /// end the path is not known.
    pub fn add(&mut self, journey: &Journey) -> Option<usize> {
        self.packets += 1;
        self.hops += journey.hops.len() as u64 + journey.left_out;
        if !is_whole(journey) {
            self.partial += 1;
            return None;
        }
        self.scratch.read(journey, self.limits.by_device);
        let hash = self.hasher.hash_one(&self.scratch.steps[..]);
        let known = self.index.get(&hash).copied();
        let path = self.find(known).or_else(|| self.insert(hash, known, journey));
        match path {
            Some(path) => self.count(path, journey.took()),
            None => self.others += 1,
        }
        path
    }

    /// Paths, those of most packets first.
    pub fn by_packets(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.known.iter().collect();
        paths.sort_by_key(|path| (std::cmp::Reverse(path.packets), path.example));
        paths
    }

    /// Paths in the order in which they were first taken: their places never change.
    pub fn all(&self) -> &[Path] {
        &self.known
    }

    /// Packets in all.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Hops of these packets.
    pub fn hops(&self) -> u64 {
        self.hops
    }

    /// Packets on paths for which there was no room.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Packets that were not seen whole, so that their path is not known.
    pub fn partial(&self) -> u64 {
        self.partial
    }

    fn find(&self, mut candidate: Option<usize>) -> Option<usize> {
        while let Some(path) = self.known.get(candidate?) {
            if *path.steps == *self.scratch.steps {
                return candidate;
            }
            candidate = path.next;
        }
        None
    }

    fn insert(&mut self, hash: u64, next: Option<usize>, journey: &Journey) -> Option<usize> {
        let steps = self.scratch.steps.len();
        if self.known.len() >= self.limits.paths || self.steps + steps > self.limits.steps {
            return None;
        }
        self.steps += steps;
        self.index.insert(hash, self.known.len());
        self.known.push(Path {
            steps: self.scratch.steps.as_slice().into(),
            verdict: without_reader(journey.verdict()),
            ended_at: journey.verdict().hop().and_then(|hop| journey.hops.get(hop)).copied(),
            packets: 0,
            total: Histogram::default(),
            gaps: vec![Histogram::default(); steps].into(),
            places: self.scratch.places.as_slice().into(),
            example: journey.number(),
            next,
        });
        Some(self.known.len() - 1)
    }

    fn count(&mut self, path: usize, took: u64) {
        let Some(path) = self.known.get_mut(path) else { return };
        path.packets += 1;
        path.total.add(took);
        for (histogram, gap) in path.gaps.iter_mut().zip(&self.scratch.gaps) {
            if let Some(gap) = gap {
                histogram.add(*gap);
            }
        }
        for (place, other) in path.places.iter_mut().zip(&self.scratch.places) {
            place.mixed |= place.netns != other.netns || place.device != other.device;
        }
    }
}

/// The way of a journey, as paths are told apart; `None` of one that is not seen from its beginning to its end.
pub fn way(journey: &Journey, by_device: bool) -> Option<Vec<Step>> {
    is_whole(journey).then(|| {
        let mut scratch = Scratch::default();
        scratch.read(journey, by_device);
        scratch.steps
    })
}

fn is_whole(journey: &Journey) -> bool {
    let whole = matches!(journey.state, State::Ended | State::Open | State::Idle);
    whole && !journey.hops.is_empty() && journey.left_out == 0 && !journey.is_headless()
}

fn without_reader(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Delivered { hop, to, beside, .. } => Verdict::Delivered { hop, to, reader: None, beside },
        other => other,
    }
}

#[cfg(test)]
mod tests;
