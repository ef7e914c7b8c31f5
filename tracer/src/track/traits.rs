//! What packets are where they begin, and what tells two sets of them apart by that alone: it may be why they went different ways.
//!
//! Memory is bounded: of what differs from packet to packet only so much is kept that it is known to differ.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Journey, Tables};
use crate::model::{Name, Transport};

/// Values of a trait that are kept; where there are more, it tells nothing apart.
const MOST: usize = 16;
/// A trait tells sets apart only where one of them has no more values than these.
const FEW: usize = 3;

/// What is looked at.
const TRAITS: [&str; 10] = [
    "protocol",
    "source",
    "source port",
    "destination",
    "destination port",
    "ICMP type",
    "length",
    "mark",
    "process",
    "device",
];

/// A value of a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A plain number.
    Number(u32),
    /// The number of a transport protocol.
    Protocol(u8),
    /// A mark.
    Mark(u32),
    /// An address.
    Address(IpAddr),
    /// A name, in foreign bytes.
    Name(Name),
}

/// What the packets of a set are.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    packets: u64,
    values: [Values; TRAITS.len()],
}

#[derive(Clone, Debug, Default)]
struct Values {
    seen: BTreeSet<Value>,
    /// There are more than are kept.
    many: bool,
}

/// A trait that the packets of one set never share with those of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// The trait.
    pub what: &'static str,
    /// Values in A and in B.
    pub values: [Vec<Value>; 2],
}

impl Traits {
    /// Takes a packet.
    pub fn add(&mut self, journey: &Journey, tables: &Tables) {
        self.packets += 1;
        for (values, value) in self.values.iter_mut().zip(read(journey, tables)) {
            if let Some(value) = value.filter(|_| !values.many) {
                values.add(value);
            }
        }
    }

    /// Packets that were taken.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// What tells these packets from others.
    pub fn differ(&self, others: &Self) -> Vec<Differs> {
        let pairs = TRAITS.into_iter().zip(self.values.iter().zip(&others.values));
        let differs = |(what, (one, other)): (&'static str, (&Values, &Values))| {
            let sets = [&one.seen, &other.seen];
            let known = !one.many && !other.many && sets.iter().all(|set| !set.is_empty());
            let few = sets.iter().any(|set| set.len() <= FEW);
            let values = sets.map(|set| set.iter().copied().collect());
            (known && few && one.seen.is_disjoint(&other.seen)).then_some(Differs { what, values })
        };
        pairs.filter_map(differs).collect()
    }

    /// What is looked at, for whoever says that nothing differs.
    pub fn names() -> [&'static str; TRAITS.len()] {
        TRAITS
    }
}

impl Values {
    fn add(&mut self, value: Value) {
        self.seen.insert(value);
        if self.seen.len() > MOST {
            (self.seen, self.many) = (BTreeSet::new(), true);
        }
    }
}

/// In the order of [`TRAITS`].
fn read(journey: &Journey, tables: &Tables) -> [Option<Value>; TRAITS.len()] {
    let look = journey.title();
    let flow = look.and_then(|look| look.flow);
    let first = journey.hops.first();
    let (mut ports, mut kind) = ([None; 2], None);
    match flow.map(|flow| flow.transport) {
        Some(Transport::Ports { source, destination, .. }) => ports = [source, destination].map(Some),
        Some(Transport::Icmp { kind: number, .. }) => kind = Some(number),
        Some(Transport::Opaque) | None => {}
    }
    let [source_port, destination_port] = ports.map(|port| port.map(|port| Value::Number(port.into())));
    [
        flow.map(|flow| Value::Protocol(flow.protocol)),
        flow.map(|flow| Value::Address(flow.source)),
        source_port,
        flow.map(|flow| Value::Address(flow.destination)),
        destination_port,
        kind.map(|kind| Value::Number(kind.into())),
        journey.hops.iter().map(|hop| hop.len).max().map(Value::Number),
        look.map(|look| Value::Mark(look.mark)),
        first.and_then(|hop| tables.task_of(hop.task)).map(Value::Name),
        first.and_then(|hop| tables.device_of(hop.device)).map(|device| Value::Name(device.name)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{Tracker, testing::Script};

    fn traits(values: &[&[u32]]) -> Traits {
        let mut traits = Traits::default();
        for (place, values) in values.iter().enumerate() {
            values.iter().for_each(|value| traits.values[place].add(Value::Number(*value)));
        }
        traits
    }

    #[test]
    fn what_is_never_shared_tells_sets_apart() {
        let differ = |one: &[&[u32]], other: &[&[u32]]| {
            let found = traits(one).differ(&traits(other));
            found.into_iter().map(|differs| differs.what).collect::<Vec<_>>()
        };
        assert_eq!(differ(&[&[6], &[1, 2]], &[&[17], &[2, 3]]), ["protocol"]);
        assert!(differ(&[&[6]], &[&[]]).is_empty(), "of one side it is not known");
        let many: Vec<u32> = (100..=100 + MOST as u32).collect();
        assert!(differ(&[&[6]], &[&many]).is_empty(), "there may be a 6 among them");
        assert!(differ(&[&[1, 2, 3, 4]], &[&[5, 6, 7, 8]]).is_empty(), "it differs from packet to packet");
        assert_eq!(differ(&[&[1, 2, 3, 4]], &[&[5]]), ["protocol"]);
    }

    #[test]
    fn packets_are_read_where_they_begin() {
        let mut script = Script::default();
        script.hit(1_000, 7, 1, "ip_rcv");
        script.hit(2_000, 7, 1, "kfree_skbmem");
        let mut tracker = Tracker::default();
        script.records.iter().for_each(|record| tracker.record(record, &script.probes));
        tracker.finish();
        let mut traits = Traits::default();
        while let Some(journey) = tracker.next_finished() {
            traits.add(&journey, tracker.tables());
        }
        assert_eq!(traits.packets(), 1);
        assert!(traits.values[6].seen.len() == 1 && traits.differ(&traits.clone()).is_empty());
    }
}
