//! Packets as scripts, for the tests of this layer and of those that show what it found.

use tracer_common::event::HEADER_BYTES;

use super::{Journey, Limits, Tracker};
use crate::model::{
    Branch, Change, ChangeKind, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId, Record,
};

/// Where the drops of scripts happen.
pub(crate) const PLACE: u64 = 0xffff_ffff_c000_01c2;
/// Namespaces of scripts.
pub(crate) const HOST: u32 = 4_026_531_840;
pub(crate) const POD: u32 = 4_026_532_001;

/// Records in the order in which they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) records: Vec<Record>,
    pub(crate) probes: Vec<Probe>,
}

impl Script {
    /// A hit; `drop` is the kernel's drop for reason 6. Journey 0 is told apart by address, which `branch` then is.
    pub(crate) fn hit(&mut self, time: u64, journey: u64, branch: u32, name: &str) -> &mut Event {
        let probe = self.probe(if name == "drop" { "skb:kfree_skb" } else { name });
        let first = !self.records.iter().any(|record| record.branch().is_some_and(|b| b.journey.0 == journey));
        let mut event = event(time, probe);
        event.skb = 0xffff_8881_0000_0000 + u64::from(branch) * 256;
        event.branch = (journey != 0).then_some(Branch { journey: JourneyId(journey), number: branch, parent: None });
        event.first = first;
        match name {
            "drop" => {
                event.kind = EventKind::Drop;
                event.reason = Some(6);
                event.caller = Some(PLACE);
            }
            name if name.contains(':') => event.kind = EventKind::Tracepoint,
            _ => {}
        }
        self.records.push(Record::Hit(event));
        match self.records.last_mut() {
            Some(Record::Hit(event)) => event,
            _ => unreachable!("it was just pushed"),
        }
    }

    /// A branch begins: a copy of `parent`.
    pub(crate) fn branch(&mut self, time: u64, journey: u64, branch: u32, parent: u32) {
        self.change(time, ChangeKind::Copied, journey, branch, Some(parent));
    }

    /// A branch ends.
    pub(crate) fn end(&mut self, time: u64, journey: u64, branch: u32) {
        self.change(time, ChangeKind::Ended, journey, branch, None);
    }

    pub(crate) fn change(&mut self, time: u64, kind: ChangeKind, journey: u64, branch: u32, parent: Option<u32>) {
        let branch = Branch { journey: JourneyId(journey), number: branch, parent };
        let change = Change { time, kind, branch, skb: 0, other: None, cpu: 0 };
        self.records.push(Record::Change(change));
    }

    fn probe(&mut self, name: &str) -> ProbeId {
        let known = self.probes.iter().position(|probe| probe.name == name);
        ProbeId(known.unwrap_or_else(|| {
            let takes_reason = name == "sk_skb_reason_drop";
            self.probes.push(Probe { name: name.to_owned(), module: None, address: 1, takes_reason });
            self.probes.len() - 1
        }) as u32)
    }
}

/// A hit in the host's namespace, at device va.
pub(crate) fn event(time: u64, probe: ProbeId) -> Event {
    Event {
        time,
        kind: EventKind::Call,
        probe,
        skb: 0,
        caller: None,
        branch: None,
        first: false,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: 0,
        pid: 7,
        comm: name("nginx"),
        netns: Some(HOST),
        ifindex: Some(3),
        ifname: name("va"),
        mtu: Some(1500),
        mark: 0,
        len: 84,
        protocol: 0x0800,
        packet_type: 0,
        vlan: None,
        headers: udp([10, 0, 0, 1], [10, 0, 0, 2], 53),
        details: None,
    }
}

pub(crate) fn name(text: &str) -> Name {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Name(bytes)
}

/// Headers of UDP from port 9.
pub(crate) fn udp(source: [u8; 4], destination: [u8; 4], port: u16) -> Headers {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..12].copy_from_slice(&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    bytes[12..16].copy_from_slice(&source);
    bytes[16..20].copy_from_slice(&destination);
    bytes[20..22].copy_from_slice(&9_u16.to_be_bytes());
    bytes[22..24].copy_from_slice(&port.to_be_bytes());
    Headers { origin: Origin::Packet, bytes, len: 28, protocol: 0x0800 }
}

/// A tracker that was fed all of it, at its end.
pub(crate) fn tracked(script: &Script, limits: Limits) -> (Tracker, Vec<Journey>) {
    let mut tracker = Tracker::new(limits);
    for record in &script.records {
        tracker.record(record, &script.probes);
    }
    tracker.finish();
    let journeys = std::iter::from_fn(|| tracker.next_finished()).collect();
    (tracker, journeys)
}

/// The journeys of a script.
pub(crate) fn journeys(script: &Script) -> Vec<Journey> {
    tracked(script, Limits::default()).1
}
