//! Rows of a frame back to records.

use std::ops::Range;

use bytemuck::{AnyBitPattern, pod_read_unaligned};

use super::details;
use crate::{
    model::{Branch, Change, ChangeKind, Event, EventKind, Headers, JourneyId, Name, Origin, ProbeId, Record},
    record::format::{
        frame::Header,
        rows::{Device, HeaderBytes, NONE, PARTS, Packet, Part, Row, Task, flags, kind},
    },
};

/// The content of a frame of hops.
pub(super) struct Hops {
    content: Vec<u8>,
    parts: [Range<usize>; PARTS],
    rows: usize,
    details: Vec<usize>,
}

impl Hops {
    /// No hops.
    pub(super) fn empty() -> Self {
        Self { content: Vec::new(), parts: [const { 0..0 }; PARTS], rows: 0, details: Vec::new() }
    }

    /// The content of a frame; `None` where its parts do not fit into it.
    pub(super) fn new(header: &Header, content: Vec<u8>) -> Option<Self> {
        let mut start = PARTS * size_of::<u32>();
        let mut parts = [const { 0..0 }; PARTS];
        for (number, part) in parts.iter_mut().enumerate() {
            let len = content.get(4 * number..)?.first_chunk().map(|len| u32::from_le_bytes(*len))? as usize;
            *part = start..start.checked_add(len)?;
            start = part.end;
        }
        let rows = parts[Part::Rows as usize].len() / size_of::<Row>();
        if start > content.len() || rows != header.count as usize {
            return None;
        }
        let details = details::offsets(&content[parts[Part::Details as usize].clone()]);
        Some(Self { content, parts, rows, details })
    }

    /// Gives the memory back.
    pub(super) fn into_content(self) -> Vec<u8> {
        self.content
    }

    pub(super) fn len(&self) -> usize {
        self.rows
    }

    fn part(&self, part: Part) -> &[u8] {
        &self.content[self.parts[part as usize].clone()]
    }

    fn at<T: AnyBitPattern>(&self, part: Part, place: usize) -> Option<T> {
        let start = place * size_of::<T>();
        Some(pod_read_unaligned(self.part(part).get(start..start + size_of::<T>())?))
    }

    /// All of a dictionary.
    pub(super) fn all<T: AnyBitPattern>(&self, part: Part) -> impl Iterator<Item = T> {
        self.part(part).chunks_exact(size_of::<T>()).map(pod_read_unaligned)
    }

    /// A row with the packet that it is about.
    pub(super) fn row(&self, number: usize) -> Option<(Row, Packet)> {
        let row: Row = self.at(Part::Rows, number)?;
        Some((row, self.at(Part::Packets, row.packet.into())?))
    }

    /// The time of a row.
    pub(super) fn time(&self, number: usize) -> Option<u64> {
        Some(self.at::<Row>(Part::Rows, number)?.time)
    }

    /// A row is a drop.
    pub(super) fn is_drop(&self, number: usize) -> bool {
        self.at::<Row>(Part::Rows, number).is_some_and(|row| row.kind == kind::DROP)
    }

    /// The journey of a row; 0 where it has none.
    pub(super) fn journey(&self, number: usize) -> Option<u64> {
        Some(self.row(number)?.1.journey)
    }

    /// A row as a record; `None` where it refers to what is not there.
    pub(super) fn record(&self, number: usize) -> Option<Record> {
        let (row, packet) = self.row(number)?;
        match change_kind(row.kind) {
            Some(kind) => self.change(&row, &packet, kind).map(Record::Change),
            None => self.hit(&row, &packet).map(Record::Hit),
        }
    }

    pub(super) fn change(&self, row: &Row, packet: &Packet, kind: ChangeKind) -> Option<Change> {
        let other = self.address(row.address)?;
        Some(Change { time: row.time, kind, branch: branch(packet)?, skb: packet.skb, other, cpu: row.cpu })
    }

    fn hit(&self, row: &Row, packet: &Packet) -> Option<Event> {
        let task: Task = self.at(Part::Tasks, row.task.into())?;
        let device: Device = self.at(Part::Devices, row.device.into())?;
        let kind = hit_kind(row.kind)?;
        let program = matches!(kind, EventKind::Tc | EventKind::Xdp);
        let value = (row.flags & flags::VALUE != 0).then_some(row.value);
        let known = |bit: u32, value: u32| (device.known >> bit & 1 == 1).then_some(value);
        Some(Event {
            time: row.time,
            kind,
            probe: ProbeId(row.probe),
            skb: packet.skb,
            caller: self.address(row.address)?,
            branch: branch(packet),
            first: row.flags & flags::FIRST != 0,
            by_stack: row.flags & flags::BY_STACK != 0,
            generation: packet.generation,
            reason: value.filter(|_| !program),
            returned: value.filter(|_| program),
            cpu: row.cpu,
            pid: task.pid,
            comm: Name(task.comm),
            netns: known(0, device.netns),
            ifindex: known(1, device.ifindex),
            ifname: Name(device.ifname),
            mtu: known(2, device.mtu),
            mark: row.mark,
            len: row.len,
            protocol: row.protocol,
            packet_type: row.packet_type,
            vlan: (row.flags & flags::VLAN != 0).then_some((row.vlan_tci, row.vlan_proto)),
            headers: headers(&self.at(Part::Headers, row.headers.into())?)?,
            details: match row.detail {
                NONE => None,
                place => {
                    let offset = *self.details.get(usize::from(place))?;
                    Some(Box::new(details::read(self.part(Part::Details), offset, self.part(Part::Blobs))?))
                }
            },
        })
    }

    /// The outer `None` says that there is no such place.
    #[expect(clippy::option_option, reason = "no address, and no such address, are two things")]
    pub(super) fn address(&self, place: u16) -> Option<Option<u64>> {
        if place == NONE { Some(None) } else { self.at(Part::Addresses, place.into()).map(Some) }
    }
}

pub(super) fn branch(packet: &Packet) -> Option<Branch> {
    (packet.known & 1 == 1).then_some(Branch {
        journey: JourneyId(packet.journey),
        number: packet.branch,
        parent: (packet.known & 2 == 2).then_some(packet.parent),
    })
}

pub(super) fn headers(headers: &HeaderBytes) -> Option<Headers> {
    let origin = match headers.origin {
        0 => Origin::Packet,
        1 => Origin::Socket,
        2 => Origin::Unknown,
        _ => return None,
    };
    Some(Headers { origin, bytes: headers.bytes, len: headers.len, protocol: headers.protocol })
}

pub(super) fn hit_kind(number: u8) -> Option<EventKind> {
    Some(match number {
        kind::CALL => EventKind::Call,
        kind::TRACEPOINT => EventKind::Tracepoint,
        kind::DROP => EventKind::Drop,
        kind::TC => EventKind::Tc,
        kind::XDP => EventKind::Xdp,
        _ => return None,
    })
}

pub(super) fn change_kind(number: u8) -> Option<ChangeKind> {
    Some(match number {
        kind::COPIED => ChangeKind::Copied,
        kind::FRAGMENT => ChangeKind::Fragment,
        kind::SPLIT => ChangeKind::Split,
        kind::MERGED => ChangeKind::Merged,
        kind::STACK => ChangeKind::Stack,
        kind::ENDED => ChangeKind::Ended,
        _ => return None,
    })
}
