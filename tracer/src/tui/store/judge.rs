//! A filter over what is in the store: the one language, judged by the one evaluator, over what was kept of each hit.

use tracer_common::predicate::Verdict;

use crate::{
    filter::{Compiled, EventSource},
    model::{Event, Headers, Name, Origin, Probe},
    track::{Hop, Tables},
    tui::engine::{Packet, Sight},
};

/// Which packets to show.
#[derive(Debug)]
pub struct DisplayFilter {
    compiled: Compiled,
    /// Probes that it knows.
    bound: usize,
}

impl DisplayFilter {
    /// Shows packets of which a hit matches.
    pub fn new(compiled: Compiled) -> Self {
        Self { compiled, bound: usize::MAX }
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// Whether a hit of the packet matches.
    pub fn matches(&mut self, packet: &Packet, tables: &Tables, probes: &[Probe]) -> bool {
        if self.bound != probes.len() {
            self.bound = probes.len();
            // A table that has grown beyond what a filter can tell apart: the functions beyond match no set.
            let _ = self.compiled.bind(probes);
        }
        let program = &self.compiled.program;
        packet.journey.hops.iter().any(|hop| {
            let event = event(packet, hop, tables);
            program.evaluate(&mut EventSource::new(&event, program)) == Verdict::Match
        })
    }
}

/// The hit as it was, as far as it was kept.
pub(crate) fn event(packet: &Packet, hop: &Hop, tables: &Tables) -> Event {
    let sight = sight(packet, hop);
    let look = packet.journey.look(hop);
    let device = tables.device_of(hop.device);
    let headers = sight.map_or(NO_HEADERS, |sight| sight.headers);
    Event {
        time: hop.time,
        kind: hop.kind,
        probe: hop.probe,
        skb: 0,
        caller: hop.drop_place(),
        branch: None,
        first: hop.has(Hop::FIRST),
        by_stack: hop.has(Hop::BY_STACK),
        generation: 0,
        reason: hop.reason(),
        returned: hop.returned(),
        cpu: hop.cpu,
        pid: hop.pid,
        comm: tables.task_of(hop.task).unwrap_or_default(),
        netns: tables.netns_of(hop.netns),
        ifindex: device.map(|device| device.ifindex),
        ifname: device.map_or(Name::default(), |device| device.name),
        mtu: None,
        mark: look.map_or(0, |look| look.mark),
        len: hop.len,
        protocol: headers.protocol,
        packet_type: sight.map_or(0, |sight| sight.packet_type),
        vlan: look.and_then(|look| look.vlan),
        headers,
        details: None,
    }
}

/// The headers at a hop: those seen last on its branch.
pub(crate) fn sight<'a>(packet: &'a Packet, hop: &Hop) -> Option<&'a Sight> {
    let seen = packet.sights.partition_point(|sight| sight.time <= hop.time);
    let before = packet.sights.get(..seen)?;
    before.iter().rev().find(|sight| sight.branch == hop.branch).or_else(|| before.last())
}

const NO_HEADERS: Headers =
    Headers { origin: Origin::Unknown, bytes: [0; tracer_common::event::HEADER_BYTES], len: 0, protocol: 0 };
