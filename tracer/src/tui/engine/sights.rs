//! Headers where they were new, kept beside the hops: for the bytes that a view shows, and for filters over what is there.

use std::collections::{HashMap, VecDeque};

use crate::{
    model::{Details, Event, EventKind, Headers, JourneyId},
    track::{Identity, Journey},
};

/// Most sights of one packet.
const MOST: usize = 24;
/// Most packets on their way whose sights are kept.
const MOST_PACKETS: usize = 1 << 17;

/// A hit at which the headers were new, or a drop.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Kernel time of the hit.
    pub time: u64,
    /// Its branch.
    pub branch: u32,
    /// `skb->pkt_type`.
    pub packet_type: u8,
    /// Headers from the network header on.
    pub headers: Headers,
    /// Stack and packet bytes, where the run asked for them.
    pub details: Option<Box<Details>>,
}

impl Sight {
    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let details = self.details.as_ref().map_or(0, |details| {
            let stack = details.stack.as_ref().and_then(|stack| stack.as_ref().ok()).map_or(0, Vec::len);
            size_of::<Details>() + details.packet.len() + 8 * stack + 16 * details.metadata.len() + 64
        });
        size_of::<Self>() + details
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Followed(JourneyId),
    Address(u64),
}

/// Sights of the packets on their way.
#[derive(Debug, Default)]
pub(super) struct Sights {
    open: HashMap<Key, Vec<Sight>>,
    /// In the order in which they began; some have ended.
    begun: VecDeque<Key>,
}

impl Sights {
    /// Looks at a hit.
    pub(super) fn add(&mut self, event: &Event) {
        let key = event.branch.map_or(Key::Address(event.skb), |branch| Key::Followed(branch.journey));
        let branch = event.branch.map_or(0, |branch| branch.number);
        let sights = self.open.entry(key).or_insert_with(|| {
            self.begun.push_back(key);
            Vec::new()
        });
        let last = sights.iter().rev().find(|sight| sight.branch == branch);
        let known = last.is_some_and(|last| same(&last.headers, &event.headers));
        let dropped = event.kind == EventKind::Drop;
        if (known && !(dropped && event.details.is_some())) || (sights.len() >= MOST && !dropped) {
            return;
        }
        sights.push(Sight {
            time: event.time,
            branch,
            packet_type: event.packet_type,
            headers: event.headers,
            details: event.details.clone(),
        });
        self.tidy();
    }

    /// Those of a journey that has come out of the tracker.
    pub(super) fn take(&mut self, journey: &Journey) -> Box<[Sight]> {
        let mut sights = match journey.identity {
            Identity::Followed(id) => self.open.remove(&Key::Followed(id)).unwrap_or_default(),
            Identity::Address { skb, .. } => self.of_address(skb, journey),
        };
        sights.sort_by_key(|sight| sight.time);
        sights.into_boxed_slice()
    }

    /// Several packets may have used an address one after the other.
    fn of_address(&mut self, skb: u64, journey: &Journey) -> Vec<Sight> {
        let key = Key::Address(skb);
        let Some(sights) = self.open.get_mut(&key) else { return Vec::new() };
        let end = journey.hops.last().map_or(0, |hop| hop.time);
        let taken = sights.extract_if(.., |sight| sight.time <= end).collect();
        if sights.is_empty() {
            self.open.remove(&key);
        }
        taken
    }

    /// Lets go of those whose packets began longest ago.
    fn tidy(&mut self) {
        while self.open.len() > MOST_PACKETS || self.begun.len() > 4 * MOST_PACKETS {
            let Some(key) = self.begun.pop_front() else { break };
            if self.open.len() > MOST_PACKETS {
                self.open.remove(&key);
            } else if self.open.contains_key(&key) {
                self.begun.push_back(key);
            }
        }
    }
}

fn same(one: &Headers, other: &Headers) -> bool {
    one.origin == other.origin && one.protocol == other.protocol && one.len == other.len && one.bytes == other.bytes
}
