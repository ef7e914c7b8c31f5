//! Runs predicate programs over events: display filters, replay.
//!
//! The answers are those that the kernel side gave at the hit, as far as the event tells; [`UNKNOWN`] beyond.

use tracer_common::{
    event::kind,
    predicate::{OUTSIDE, Program, Source, UNKNOWN, base, field},
    tunnel::{self, Bytes, Headers, NO_LINK, is_tag},
};

use super::{is_of_the_hit, socket::Socket};
use crate::model::{Event, EventKind, Name, Origin};

const IP: u16 = 0x0800;
const IP6: u16 = 0x86dd;
const ETHERNET_HEADER: usize = 14;
const ETHERTYPE: u32 = 12;
const TAG: usize = 4;

/// An event, as a program sees it.
#[derive(Clone, Copy, Debug)]
pub struct EventSource<'a> {
    event: &'a Event,
    functions: u8,
    shown: Shown<'a>,
    /// The packet inside that was turned to.
    inner: Option<Headers>,
}

/// What the event shows of its packet.
#[derive(Clone, Copy, Debug)]
enum Shown<'a> {
    /// Bytes from the Ethernet header on, or from the network header on where `link` is empty.
    Packet {
        link: &'a [u8],
        network: &'a [u8],
    },
    /// What the sending socket knows.
    Socket(Socket),
    Nothing,
}

impl<'a> EventSource<'a> {
    /// `program` is the one that is to be run: it knows which probes its sets of functions hold.
    pub fn new(event: &'a Event, program: &Program) -> Self {
        let functions = program.functions.get(event.probe.0 as usize).copied().unwrap_or(0);
        Self { event, functions, shown: Shown::of(event), inner: None }
    }

    /// A field that needs no header.
    fn field(&self, number: u32) -> u64 {
        let event = self.event;
        u64::from(match number {
            field::NETNS => event.netns.unwrap_or(0),
            field::IFINDEX => event.ifindex.unwrap_or(0),
            field::MARK => event.mark,
            field::PID => event.pid,
            field::LENGTH => event.len,
            field::KIND => u32::from(kind_number(event.kind)),
            field::REASON => match event.reason {
                Some(reason) if event.kind == EventKind::Drop => reason,
                _ => return UNKNOWN,
            },
            field::FUNCTIONS => u32::from(self.functions),
            field::IFNAME..field::COMM => name_word(event.ifname, number - field::IFNAME),
            field::COMM..field::COUNT => name_word(event.comm, number - field::COMM),
            _ => return UNKNOWN,
        })
    }

    /// EtherType of what the network header starts.
    fn protocol(&self) -> u64 {
        let first = match self.shown {
            Shown::Socket(socket) => return u64::from(socket.ethertype()),
            Shown::Packet { network, .. } => network.first().copied(),
            Shown::Nothing => return UNKNOWN,
        };
        let stored = self.event.protocol;
        if stored != 0 && stored != IP && stored != IP6 {
            return u64::from(stored);
        }
        match first.map(|first| first >> 4) {
            Some(4) => u64::from(IP),
            Some(6) => u64::from(IP6),
            _ => UNKNOWN,
        }
    }

    /// Tags in the bytes, of so many tags passed.
    fn in_bytes(&self, tags: u8) -> u32 {
        u32::from(if self.event.vlan.is_some() { tags.saturating_sub(1) } else { tags })
    }

    fn tag(&mut self, tags: u8, width: u32) -> u64 {
        if let (0, Some((control, protocol))) = (tags, self.event.vlan) {
            return u64::from(protocol) << 16 | u64::from(control);
        }
        let Some(place) = self.ethertype_place(tags) else {
            // Without the frame, `skb->protocol` tells that there is no tag, but not what is in one.
            let stored = self.event.protocol;
            let untagged = stored != 0 && !is_tag(u32::from(stored)) && self.in_bytes(tags) == 0;
            return if untagged { 0 } else { UNKNOWN };
        };
        match self.word(place, 2) {
            word if word >= OUTSIDE => word,
            word if is_tag(word as u32 >> 16) => self.word(place, width),
            _ => 0,
        }
    }

    /// Where the EtherType behind so many tags stands, if the frame is shown.
    fn ethertype_place(&self, tags: u8) -> Option<u32> {
        match self.shown {
            Shown::Packet { link, .. } if !link.is_empty() => Some(ETHERTYPE + TAG as u32 * self.in_bytes(tags)),
            _ => None,
        }
    }

    fn protocol_behind(&mut self, tags: u8) -> u64 {
        match self.ethertype_place(tags) {
            _ if self.in_bytes(tags) == 0 => self.protocol(),
            None => UNKNOWN,
            Some(place) => match self.word(place, 2) {
                word if word >= OUTSIDE => word,
                word => word >> 16,
            },
        }
    }

    /// Where the network header behind so many tags starts.
    fn network(&self, tags: u8) -> Option<u32> {
        match self.shown {
            Shown::Packet { link, .. } if self.in_bytes(tags) == 0 => Some(link.len() as u32),
            _ => self.ethertype_place(tags).map(|place| place + 2),
        }
    }

    fn outermost(&mut self) -> Result<Headers, u64> {
        let Shown::Packet { link, .. } = self.shown else { return Err(UNKNOWN) };
        let protocol = match self.protocol() {
            protocol if protocol >= OUTSIDE => return Err(protocol),
            protocol => protocol as u32,
        };
        let network = link.len() as u32;
        Ok(Headers { link: if link.is_empty() { NO_LINK } else { 0 }, network, protocol })
    }

    fn bytes(&mut self, place: u8, offset: u32, width: u32) -> u64 {
        let tags = base::tags(place);
        if let Shown::Socket(socket) = self.shown {
            return if tags == 0 { socket.load(place, offset, width) } else { UNKNOWN };
        }
        if base::kind(place) == base::LINK {
            return if self.ethertype_place(0).is_some() { self.word(offset, width) } else { UNKNOWN };
        }
        let Some(network) = self.network(tags) else { return UNKNOWN };
        let length = match base::kind(place) {
            base::TRANSPORT => match self.word(network, 1) {
                word if word >= OUTSIDE => return word,
                word if word >> 28 == 6 => 40,
                word => (word as u32 >> 24 & 15) * 4,
            },
            _ => 0,
        };
        (network + length).checked_add(offset).map_or(OUTSIDE, |start| self.word(start, width))
    }
}

impl Bytes for EventSource<'_> {
    fn word(&mut self, offset: u32, width: u32) -> u64 {
        let Shown::Packet { link, network } = self.shown else { return UNKNOWN };
        let start = offset as usize;
        let byte = |index: usize| link.get(index).or_else(|| network.get(index.checked_sub(link.len())?)).copied();
        let available = link.len() + network.len();
        if start.checked_add(width as usize).is_none_or(|end| end > available) {
            // What was sent along ends here; the packet need not.
            return UNKNOWN;
        }
        let word = [0, 1, 2, 3].map(|index| start.checked_add(index).and_then(byte).unwrap_or(0));
        u64::from(u32::from_be_bytes(word))
    }
}

impl Source for EventSource<'_> {
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        if is_of_the_hit(base, offset) {
            return if base::kind(base) == base::FIELD { self.field(offset) } else { UNKNOWN };
        }
        if let Some(inner) = self.inner {
            return inner.load(self, base, offset, width);
        }
        match (base::kind(base), offset) {
            (base::FIELD, field::PROTOCOL) => self.protocol_behind(base::tags(base)),
            (base::FIELD, _) => self.tag(base::tags(base), width),
            _ => self.bytes(base, offset, width),
        }
    }

    fn layer(&mut self, depth: u32) -> u64 {
        if depth == 0 {
            self.inner = None;
            return 1;
        }
        let outer = match self.inner {
            Some(inner) => Ok(inner),
            None => self.outermost(),
        };
        match outer.and_then(|outer| tunnel::inside(self, outer)) {
            Ok(inner) => {
                self.inner = Some(inner);
                1
            }
            Err(none) => none,
        }
    }
}

impl<'a> Shown<'a> {
    fn of(event: &'a Event) -> Self {
        let headers = &event.headers.bytes[..event.headers.bytes.len().min(usize::from(event.headers.len))];
        match event.headers.origin {
            Origin::Unknown => Self::Nothing,
            Origin::Socket => Socket::read(headers).map_or(Self::Nothing, Self::Socket),
            Origin::Packet => {
                let packet = event.details.as_ref().map_or(&[][..], |details| &details.packet);
                let (link, behind) = packet.split_at(link_length(packet, headers));
                Self::Packet { link, network: if behind.len() > headers.len() { behind } else { headers } }
            }
        }
    }
}

/// Bytes of `packet` that lie before the network header, which `headers` starts with.
fn link_length(packet: &[u8], headers: &[u8]) -> usize {
    let starts_at = |&length: &usize| {
        let both = packet.get(length..).map(|behind| behind.iter().zip(headers));
        both.is_some_and(|mut both| both.len() > 0 && both.all(|(left, right)| left == right))
    };
    [0, ETHERNET_HEADER, ETHERNET_HEADER + TAG, ETHERNET_HEADER + 2 * TAG].into_iter().find(starts_at).unwrap_or(0)
}

/// Four bytes of a name as a number; zeros behind its end.
fn name_word(name: Name, index: u32) -> u32 {
    let byte = |at: u32| name.bytes().get((4 * index + at) as usize).copied().unwrap_or(0);
    u32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)])
}

fn kind_number(event: EventKind) -> u8 {
    match event {
        EventKind::Call => kind::CALL,
        EventKind::Tracepoint => kind::TRACEPOINT,
        EventKind::Drop => kind::DROP,
        EventKind::Tc => kind::TC,
        EventKind::Xdp => kind::XDP,
    }
}
