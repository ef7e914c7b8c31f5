//! A filter over what is in the store: the one language, judged by the one evaluator, over what was kept of each hit.

use tracer_common::predicate::Verdict;

use crate::{
    filter::{Compiled, EventSource},
    model::{Event, EventKind, Headers, Name, Origin, Probe},
    track::{self, By, Hop, Kind, Step, Tables, way},
    tui::engine::{Packet, Sight},
};

/// Which packets to show.
#[derive(Clone, Debug, Default)]
pub struct DisplayFilter {
    compiled: Option<Compiled>,
    only: Option<(Only, String)>,
    /// Probes that it knows.
    bound: usize,
    /// Packets of which no hit matched, and some hit could not be judged.
    undecided: u64,
}

/// What no expression says: the packets of a row of another tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// Dropped in this way.
    Drops(Kind),
    /// They took this path.
    Path(Box<[Step]>),
}

impl DisplayFilter {
    /// Shows packets of which a hit matches.
    pub fn new(compiled: Compiled) -> Self {
        Self { compiled: Some(compiled), only: None, bound: usize::MAX, undecided: 0 }
    }

    /// The same, and of these only some, which `words` tell.
    #[must_use]
    pub fn narrowed(self, only: Only, words: String) -> Self {
        Self { only: Some((only, words)), undecided: 0, ..self }
    }

    /// The expression, as typed.
    pub fn text(&self) -> &str {
        self.compiled.as_ref().map_or("", |compiled| &compiled.text)
    }

    /// All of it in words.
    pub fn label(&self) -> String {
        let only = self.only.as_ref().map(|(_, words)| words.as_str());
        let parts = [Some(self.text()).filter(|text| !text.is_empty()), only];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Packets that it could not judge, and that are not shown: what it asks for was not kept with their hits.
    pub fn undecided(&self) -> u64 {
        self.undecided
    }

    /// All packets are judged anew.
    pub(super) fn begin(&mut self) {
        self.undecided = 0;
    }

    /// Whether a hit of the packet matches.
    pub fn matches(&mut self, packet: &Packet, tables: &Tables, probes: &[Probe]) -> bool {
        if !self.only.as_ref().is_none_or(|(only, _)| only.holds(packet, tables)) {
            return false;
        }
        let Some(compiled) = &mut self.compiled else { return true };
        if self.bound != probes.len() {
            self.bound = probes.len();
            // A table that has grown beyond what a filter can tell apart: the functions beyond match no set.
            let _ = compiled.bind(probes);
        }
        let program = &compiled.program;
        let mut undecided = false;
        let matches = packet.journey.hops.iter().any(|hop| {
            let event = event(packet, hop, tables);
            let verdict = program.evaluate(&mut EventSource::new(&event, program));
            undecided |= verdict == Verdict::Undecidable;
            verdict == Verdict::Match
        });
        self.undecided += u64::from(undecided && !matches);
        matches
    }
}

impl Only {
    /// Whether the packet is one of these.
    pub fn holds(&self, packet: &Packet, tables: &Tables) -> bool {
        match self {
            Self::Drops(kind) => drops(packet, tables).any(|(_, other)| other == *kind),
            Self::Path(steps) => way(&packet.journey, true).is_some_and(|way| *way == **steps),
        }
    }
}

/// The hops at which it was dropped, as they are told apart. A program of XDP drops without giving a reason.
pub(crate) fn drops<'a>(packet: &'a Packet, tables: &'a Tables) -> impl Iterator<Item = (&'a Hop, Kind)> {
    let by = By { process: false, ..By::default() };
    let verdict = packet.journey.verdict();
    let of_program = match verdict {
        track::Verdict::Dropped { hop, .. } => packet.journey.hops.get(hop).filter(|hop| hop.kind != EventKind::Drop),
        _ => None,
    };
    let hops = packet.journey.hops.iter().filter(|hop| hop.kind == EventKind::Drop);
    hops.chain(of_program).map(move |hop| (hop, Kind::of(&event(packet, hop, tables), by)))
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
