//! The open journeys and what they hold.

use std::collections::{HashMap, hash_map::Entry};

use super::{
    super::{hash::Folded, journey::Strand, look::Short},
    Hop, Identity, Journey, Limits, Sight,
};
use crate::model::JourneyId;

/// What hits of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The journey that the kernel side numbered.
    Followed(JourneyId),
    /// The address.
    Address(u64),
}

/// A journey on its way.
#[derive(Debug)]
struct Open {
    journey: Journey,
    /// Time of the youngest hop or change.
    heard: u64,
    /// Branches whose end was not heard yet.
    alive: usize,
    /// Tells it from others of the same key.
    serial: u64,
    /// Time at which hops were last taken out.
    cut_at: u64,
    /// The last look, in short, and its place.
    last_look: (Short, u16),
}

/// Open journeys by what they are known by.
#[derive(Debug, Default)]
pub(super) struct Store {
    slots: Vec<Option<Open>>,
    free: Vec<usize>,
    index: HashMap<Key, usize, Folded>,
    /// Hits of one packet come in a row most of the time.
    last: Option<(Key, usize)>,
    hops: usize,
    /// Journeys opened so far.
    serial: u64,
    /// Journeys whose memory is to be used again.
    spare: Vec<Journey>,
}

/// Journeys that are kept for their memory, and the most hops that these have room for: 1.6 MB.
const MOST_SPARE: usize = 128;
const LARGEST_SPARE: usize = 256;

impl Store {
    /// The place of a journey, and its serial number if it was just made.
    pub(super) fn slot(&mut self, key: Key) -> (usize, Option<u64>) {
        if let Some((last, slot)) = self.last
            && last == key
        {
            return (slot, None);
        }
        let (slot, new) = match self.index.entry(key) {
            Entry::Occupied(found) => (*found.get(), None),
            Entry::Vacant(place) => {
                let identity = match key {
                    Key::Followed(number) => Identity::Followed(number),
                    Key::Address(skb) => Identity::Address { number: 0, skb },
                };
                self.serial += 1;
                let mut journey = self.spare.pop().unwrap_or_else(|| Journey::new(identity));
                journey.identity = identity;
                let last_look = ((0, 0, None), 0);
                let open = Open { journey, heard: 0, alive: 0, serial: self.serial, cut_at: 0, last_look };
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(None);
                    self.slots.len() - 1
                });
                self.slots[slot] = Some(open);
                (*place.insert(slot), Some(self.serial))
            }
        };
        self.last = Some((key, slot));
        (slot, new)
    }

    /// Adds a hop; false if there is no room for it in the journey.
    pub(super) fn add(
        &mut self,
        slot: usize,
        mut hop: Hop,
        parent: Option<u32>,
        sight: Option<Sight<'_>>,
        limits: &Limits,
    ) -> bool {
        let Some(open) = self.slots.get_mut(slot).and_then(Option::as_mut) else { return false };
        open.heard = open.heard.max(hop.time);
        // One branch is what nearly all journeys have.
        let known = matches!(open.journey.strands.as_slice(), [only] if only.number == hop.branch && parent.is_none());
        let full = open.journey.hops.len() >= limits.journey;
        if full || !known && open.strand(hop.branch, parent, limits).is_none() {
            open.journey.left_out += 1;
            return false;
        }
        hop.look = sight.map_or(Hop::NO_LOOK, |sight| open.look(sight));
        if !open.journey.insert(hop) {
            open.journey.left_out += 1;
            return false;
        }
        self.hops += 1;
        true
    }

    /// The strand of a branch; `None` if there are too many.
    pub(super) fn strand(
        &mut self,
        slot: usize,
        number: u32,
        parent: Option<u32>,
        limits: &Limits,
    ) -> Option<&mut Strand> {
        self.slots.get_mut(slot)?.as_mut()?.strand(number, parent, limits)
    }

    /// Notes the end of a branch; true if it was the last one alive.
    pub(super) fn end(&mut self, slot: usize, branch: u32, time: u64) -> bool {
        let Some(open) = self.slots.get_mut(slot).and_then(Option::as_mut) else { return false };
        open.heard = open.heard.max(time);
        let Some(index) = open.journey.strand(branch) else { return false };
        let strand = &mut open.journey.strands[index];
        let known = strand.ended.is_some();
        strand.ended = Some(strand.ended.map_or(time, |ended| ended.max(time)));
        open.alive -= usize::from(!known);
        open.alive == 0
    }

    /// The last hop at an address is the first of another packet.
    pub(super) fn begins_anew(&self, slot: usize) -> bool {
        let open = self.slots.get(slot).and_then(Option::as_ref);
        open.is_some_and(|open| {
            super::address::begins_anew(&open.journey.hops, open.journey.hops.len().saturating_sub(1))
        })
    }

    pub(super) fn all_ended(&self, key: Key) -> bool {
        self.open(key).is_some_and(|open| open.alive == 0)
    }

    /// When a journey was heard of last, if it is still open.
    pub(super) fn last_heard(&self, key: Key, serial: u64) -> Option<u64> {
        self.open(key).filter(|open| open.serial == serial).map(|open| open.heard)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Journey> {
        self.open(key).map(|open| &open.journey)
    }

    pub(super) fn holds(&self, key: Key) -> bool {
        self.index.contains_key(&key)
    }

    pub(super) fn is_empty(&self, key: Key) -> bool {
        self.get(key).is_some_and(Journey::is_blank)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Journey> {
        self.last = None;
        let slot = self.index.remove(&key)?;
        let open = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        self.hops -= open.journey.hops.len();
        Some(open.journey)
    }

    /// Keeps the memory of a journey for another.
    pub(super) fn recycle(&mut self, mut journey: Journey) {
        if self.spare.len() < MOST_SPARE && journey.hops.capacity() <= LARGEST_SPARE {
            journey.clear();
            self.spare.push(journey);
        }
    }

    /// Takes the first hops of a journey out, as some of so many hops each.
    pub(super) fn cut(&mut self, key: Key, counts: &[usize], now: u64) -> Vec<Journey> {
        let slot = self.index.get(&key).copied();
        let Some(open) = slot.and_then(|slot| self.slots.get_mut(slot)?.as_mut()) else { return Vec::new() };
        let pieces = open.journey.cut(counts);
        // Looks have other places now.
        open.last_look = ((0, 0, None), 0);
        open.cut_at = now;
        self.hops -= pieces.iter().map(|piece| piece.hops.len()).sum::<usize>();
        pieces
    }

    /// When hops were last taken out.
    pub(super) fn cut_at(&self, key: Key) -> Option<u64> {
        self.open(key).map(|open| open.cut_at)
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        // In the order of their beginning, so that the same records always give the same output.
        let mut keys: Vec<_> = self.index.iter().map(|(key, slot)| (self.start(*slot), *key)).collect();
        keys.sort_unstable_by_key(|(start, key)| (*start, key.rank()));
        keys.into_iter().map(|(_, key)| key).collect()
    }

    pub(super) fn journeys(&self) -> impl Iterator<Item = &Journey> {
        self.slots.iter().flatten().map(|open| &open.journey)
    }

    pub(super) fn hops(&self) -> usize {
        self.hops
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    fn start(&self, slot: usize) -> u64 {
        self.slots.get(slot).and_then(Option::as_ref).map_or(0, |open| open.journey.start())
    }

    fn open(&self, key: Key) -> Option<&Open> {
        self.slots.get(*self.index.get(&key)?)?.as_ref()
    }
}

impl Key {
    fn rank(self) -> (u8, u64) {
        match self {
            Self::Followed(JourneyId(number)) => (0, number),
            Self::Address(address) => (1, address),
        }
    }
}

impl Open {
    /// The place of a look.
    fn look(&mut self, sight: Sight<'_>) -> u16 {
        let short = sight.short();
        if short.0 != 0 && short == self.last_look.0 {
            return self.last_look.1;
        }
        let place = self.journey.keep_look(&sight.look());
        self.last_look = (short, place);
        place
    }

    fn strand(&mut self, number: u32, parent: Option<u32>, limits: &Limits) -> Option<&mut Strand> {
        let known = self.journey.strand(number).is_some();
        if !known && self.journey.strands.len() >= limits.branches {
            return None;
        }
        self.alive += usize::from(!known);
        Some(self.journey.strand_mut(number, parent))
    }
}
