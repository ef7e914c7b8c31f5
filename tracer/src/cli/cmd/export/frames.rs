//! Which hop of each packet becomes its frame in a plain capture.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque},
};

use crate::model::{Branch, ChangeKind, Event, EventKind, JourneyId, Probe, Record};

/// Packets that are remembered at a time.
const MOST: usize = 65_536;
/// Functions that give an `sk_buff` back: where packets are not followed, the next hit at its address is another packet.
const FREES: [&str; 5] = ["kfree_skbmem", "__kfree_skb", "skb:consume_skb", "skb:kfree_skb", "napi_consume_skb"];

/// Which hops to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Every one.
    All,
    /// The first of each packet.
    First,
    /// The last of each packet.
    Last,
    /// The first of each packet at this function.
    At(String),
}

/// What tells packets apart: the journey, or the address where packets are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Packet {
    Journey(JourneyId),
    Address(u64),
}

/// Takes records and hands out the chosen hops.
pub(super) struct Frames {
    choice: Choice,
    taken: HashSet<Packet>,
    /// The same in the order in which they came, to forget the oldest.
    order: VecDeque<Packet>,
    /// The last hop of each packet that goes on, by its number here.
    last: BTreeMap<u64, (Packet, Event)>,
    numbers: HashMap<Packet, u64>,
    next: u64,
    /// Hops that are chosen and wait for those before them.
    ready: BinaryHeap<Reverse<Ready>>,
}

/// A chosen hop; ordered by time.
struct Ready(Event);

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.0.time == other.0.time
    }
}

impl Eq for Ready {}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.time.cmp(&other.0.time)
    }
}

impl Frames {
    pub(super) fn new(choice: Choice) -> Self {
        Self {
            choice,
            taken: HashSet::new(),
            order: VecDeque::new(),
            last: BTreeMap::new(),
            numbers: HashMap::new(),
            next: 0,
            ready: BinaryHeap::new(),
        }
    }

    /// Takes a record. `has_bytes` says whether a hop can be a frame at all.
    pub(super) fn add(&mut self, record: Record, probes: &[Probe], has_bytes: fn(&Event) -> bool) {
        let event = match record {
            Record::Hit(event) => event,
            Record::Change(change) => {
                // Later branches of a journey end before it does.
                if change.kind == ChangeKind::Ended && change.branch.parent.is_none() {
                    self.ended(Packet::Journey(change.branch.journey));
                }
                return;
            }
        };
        let packet = packet(event.branch, event.skb);
        let function = probes.get(event.probe.0 as usize).map_or("", |probe| probe.name.as_str());
        let frees = event.branch.is_none() && (event.kind == EventKind::Drop || FREES.contains(&function));
        let elsewhere = matches!(&self.choice, Choice::At(wanted) if wanted != function);
        if self.choice == Choice::All {
            self.ready.push(Reverse(Ready(event)));
        } else if has_bytes(&event) && !elsewhere {
            if self.choice == Choice::Last {
                self.note(packet, event);
            } else if self.is_new(packet) {
                self.ready.push(Reverse(Ready(event)));
            }
        }
        if frees {
            self.ended(packet);
        }
    }

    fn is_new(&mut self, packet: Packet) -> bool {
        let new = self.taken.insert(packet);
        if new {
            self.order.push_back(packet);
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.taken.remove(&oldest);
            }
        }
        new
    }

    /// The last hop of a packet so far. What comes behind the end of a journey gives its memory back.
    fn note(&mut self, packet: Packet, event: Event) {
        if self.taken.contains(&packet) {
            return;
        }
        let next = &mut self.next;
        let number = *self.numbers.entry(packet).or_insert_with(|| {
            *next += 1;
            *next
        });
        self.last.insert(number, (packet, event));
        if self.last.len() > MOST
            && let Some((_, (oldest, event))) = self.last.pop_first()
        {
            self.numbers.remove(&oldest);
            self.ready.push(Reverse(Ready(event)));
        }
    }

    fn ended(&mut self, packet: Packet) {
        if let Packet::Address(_) = packet {
            self.taken.remove(&packet);
        }
        if let Some((_, event)) = self.numbers.remove(&packet).and_then(|number| self.last.remove(&number)) {
            self.ready.push(Reverse(Ready(event)));
            if matches!(packet, Packet::Journey(_)) {
                self.is_new(packet);
            }
        }
    }

    /// Hands out a chosen hop, once so many wait that none before it is to be expected.
    pub(super) fn take(&mut self) -> Option<Event> {
        if self.ready.len() <= MOST {
            return None;
        }
        self.ready.pop().map(|Reverse(Ready(event))| event)
    }

    /// Hands out all that are left, by time.
    pub(super) fn finish(mut self) -> impl Iterator<Item = Event> {
        self.ready.extend(self.last.into_values().map(|(_, event)| Reverse(Ready(event))));
        std::iter::from_fn(move || self.ready.pop().map(|Reverse(Ready(event))| event))
    }
}

fn packet(branch: Option<Branch>, skb: u64) -> Packet {
    branch.map_or(Packet::Address(skb), |branch| Packet::Journey(branch.journey))
}
