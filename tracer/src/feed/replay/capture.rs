//! Captures of other programs: each packet is a hop of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use tracer_common::event::PACKET_BYTES;

use crate::{
    model::{Branch, Details, Event, EventKind, JourneyId, Name, Probe, ProbeId},
    record::{
        Start,
        capture::{self, Packet, Reader},
        reader::{Tables, Wanted},
    },
};

/// Where its packets were seen, in place of a function.
const PROBE: &str = "captured";

/// A capture that is being replayed. Its times are real times already.
pub(super) struct Capture {
    path: PathBuf,
    reader: Reader<File>,
    start: Start,
    wanted: Wanted,
    /// Of the packet before, for those of which the file does not tell.
    time: u64,
}

impl Capture {
    pub(super) fn open(path: &Path) -> Result<Self, capture::Error> {
        let start = Start { application: "another program".to_owned(), ..Start::default() };
        let reader = Reader::open(path)?;
        Ok(Self { path: path.to_owned(), reader, start, wanted: Wanted::default(), time: 0 })
    }

    pub(super) fn start(&self) -> &Start {
        &self.start
    }

    pub(super) fn tables() -> Tables {
        let probe = Probe { name: PROBE.to_owned(), module: None, address: 0, takes_reason: false };
        let mut tables = Tables::default();
        tables.probes.push(probe);
        tables
    }

    /// Begins anew, with what is wanted alone. A capture has no index.
    pub(super) fn seek(&mut self, wanted: Wanted) -> Result<(), capture::Error> {
        self.reader = Reader::open(&self.path)?;
        self.wanted = wanted;
        self.time = 0;
        Ok(())
    }

    /// The next packet that is wanted.
    pub(super) fn next_event(&mut self) -> Result<Option<Event>, capture::Error> {
        let Wanted { from, to, journey, drops } = self.wanted;
        // Other programs record no drops.
        if drops {
            return Ok(None);
        }
        while let Some(packet) = self.reader.next_packet()? {
            self.time = packet.time.unwrap_or(self.time);
            let event = event(&packet, self.time);
            let outside = from.is_some_and(|from| event.time < from) || to.is_some_and(|to| event.time >= to);
            if !outside && journey.is_none_or(|journey| journey == packet.number) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// What could not be read.
    pub(super) fn faults(&self) -> Vec<String> {
        self.reader.warnings().map(|warning| warning.to_string()).collect()
    }
}

/// What is known of a packet outside of any kernel.
fn event(packet: &Packet<'_>, time: u64) -> Event {
    let (headers, vlan) = packet.headers();
    let kept = &packet.bytes[..packet.bytes.len().min(PACKET_BYTES)];
    Event {
        time,
        kind: EventKind::Tracepoint,
        probe: ProbeId(0),
        skb: packet.number,
        caller: None,
        branch: Some(Branch { journey: JourneyId(packet.number), number: 1, parent: None }),
        first: true,
        by_stack: false,
        generation: 0,
        reason: None,
        returned: None,
        cpu: 0,
        pid: 0,
        comm: Name::default(),
        netns: None,
        ifindex: None,
        ifname: name(packet.interface.name.as_deref().unwrap_or_default()),
        mtu: None,
        mark: 0,
        len: packet.length,
        protocol: headers.protocol,
        packet_type: 0,
        vlan,
        headers,
        details: Some(Box::new(Details { stack: None, packet: kept.to_vec(), metadata: Vec::new() })),
    }
}

fn name(bytes: &[u8]) -> Name {
    let mut name = [0; 16];
    let len = bytes.len().min(name.len() - 1);
    name[..len].copy_from_slice(&bytes[..len]);
    Name(name)
}
