//! A frame of hops in the making.

use std::{collections::HashSet, ops::Range};

use super::{details::Side, dictionary::Dictionary};
use crate::{
    model::{Branch, Change, ChangeKind, Event, EventKind, Headers, Origin},
    record::format::{
        FRAME_BYTES, FRAME_HOPS,
        frame::{Header, kind as frame_kind},
        rows::{Device, HeaderBytes, NONE, PARTS, Packet, Row, Task, flags, kind},
    },
};

/// Hops and changes of a frame, with its dictionaries.
#[derive(Default)]
pub(super) struct Hops {
    rows: Vec<Row>,
    tasks: Dictionary<Task>,
    devices: Dictionary<Device>,
    packets: Dictionary<Packet>,
    headers: Dictionary<HeaderBytes>,
    /// Place of the headers that each packet had last: most hops leave them as they were, which is cheaper to find out.
    last_headers: Vec<u16>,
    addresses: Dictionary<u64>,
    /// Addresses in stacks.
    stacks: HashSet<u64>,
    side: Side,
}

impl Hops {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// It is time to write it.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= FRAME_HOPS || self.bytes() >= FRAME_BYTES
    }

    fn bytes(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Addresses that rows and stacks refer to.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u64> {
        self.addresses.values().iter().chain(&self.stacks).copied()
    }

    /// Adds a hit.
    pub(super) fn hit(&mut self, event: &Event) {
        let packet = self.packets.place(packet(event.skb, event.branch, event.generation));
        let headers = self.headers_of(packet, header_bytes(&event.headers));
        if let Some(Ok(frames)) = event.details.as_ref().and_then(|details| details.stack.as_ref()) {
            self.stacks.extend(frames);
        }
        let mut bits = 0;
        let mut set = |bit, condition| bits |= if condition { bit } else { 0 };
        // Only one of the two can be there: a BPF program returns, and a function has a reason.
        let value = event.reason.or(event.returned);
        set(flags::VALUE, value.is_some());
        set(flags::VLAN, event.vlan.is_some());
        set(flags::FIRST, event.first);
        set(flags::BY_STACK, event.by_stack);
        let (vlan_tci, vlan_proto) = event.vlan.unwrap_or_default();
        self.rows.push(Row {
            time: event.time,
            probe: event.probe.0,
            mark: event.mark,
            len: event.len,
            value: value.unwrap_or_default(),
            vlan_tci,
            vlan_proto,
            cpu: event.cpu,
            protocol: event.protocol,
            headers,
            task: self.tasks.place(Task { pid: event.pid, comm: event.comm.0 }),
            device: self.devices.place(device(event)),
            packet,
            address: event.caller.map_or(NONE, |caller| self.addresses.place(caller)),
            detail: event.details.as_ref().map_or(NONE, |details| self.side.add(details)),
            kind: hit_kind(event.kind),
            packet_type: event.packet_type,
            flags: bits,
        });
    }

    /// Adds a change.
    pub(super) fn change(&mut self, change: &Change) {
        let row = Row {
            time: change.time,
            cpu: change.cpu,
            packet: self.packets.place(packet(change.skb, Some(change.branch), 0)),
            address: change.other.map_or(NONE, |other| self.addresses.place(other)),
            kind: change_kind(change.kind),
            headers: NONE,
            task: NONE,
            device: NONE,
            detail: NONE,
            ..bytemuck::Zeroable::zeroed()
        };
        self.rows.push(row);
    }

    fn headers_of(&mut self, packet: u16, headers: HeaderBytes) -> u16 {
        let index = usize::from(packet);
        if self.last_headers.len() <= index {
            self.last_headers.resize(index + 1, NONE);
        }
        let last = self.last_headers[index];
        if self.headers.at(last) == Some(&headers) {
            return last;
        }
        let place = self.headers.place(headers);
        self.last_headers[index] = place;
        place
    }

    fn parts(&self) -> [&[u8]; PARTS] {
        [
            bytemuck::cast_slice(&self.rows),
            bytemuck::cast_slice(self.tasks.values()),
            bytemuck::cast_slice(self.devices.values()),
            bytemuck::cast_slice(self.packets.values()),
            bytemuck::cast_slice(self.headers.values()),
            bytemuck::cast_slice(self.addresses.values()),
            &self.side.blobs,
            &self.side.details,
        ]
    }

    /// Appends the content of the frame and empties it; the frame's header, without `before`.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) -> Header {
        let parts = self.parts();
        out.extend(parts.iter().flat_map(|part| (part.len() as u32).to_le_bytes()));
        for part in parts {
            out.extend_from_slice(part);
        }
        let times = bounds(self.rows.iter().map(|row| row.time));
        let journeys =
            bounds(self.packets.values().iter().map(|packet| packet.journey).filter(|journey| *journey != 0));
        let header = Header {
            first_time: times.start,
            last_time: times.end,
            first_journey: journeys.start,
            last_journey: journeys.end,
            drops: 1 + self.rows.iter().filter(|row| row.kind == kind::DROP).count() as u32,
            ..Header::new(frame_kind::HOPS, self.rows.len() as u32)
        };
        self.rows.clear();
        self.tasks.clear();
        self.devices.clear();
        self.packets.clear();
        self.headers.clear();
        self.last_headers.clear();
        self.addresses.clear();
        self.stacks.clear();
        self.side.clear();
        header
    }
}

/// Smallest and largest; 0 and 0 of none.
fn bounds(numbers: impl Iterator<Item = u64>) -> Range<u64> {
    let (low, high) = numbers.fold((u64::MAX, 0), |(low, high), number| (low.min(number), high.max(number)));
    low.min(high)..high
}

fn packet(skb: u64, branch: Option<Branch>, generation: u32) -> Packet {
    let Some(branch) = branch else {
        return Packet { skb, generation, ..bytemuck::Zeroable::zeroed() };
    };
    Packet {
        skb,
        journey: branch.journey.0,
        branch: branch.number,
        parent: branch.parent.unwrap_or_default(),
        generation,
        known: 1 | u32::from(branch.parent.is_some()) << 1,
    }
}

fn device(event: &Event) -> Device {
    let known = [event.netns.is_some(), event.ifindex.is_some(), event.mtu.is_some()];
    Device {
        netns: event.netns.unwrap_or_default(),
        ifindex: event.ifindex.unwrap_or_default(),
        mtu: event.mtu.unwrap_or_default(),
        known: known.iter().enumerate().map(|(bit, known)| u32::from(*known) << bit).sum(),
        ifname: event.ifname.0,
    }
}

pub(super) fn header_bytes(headers: &Headers) -> HeaderBytes {
    let origin = match headers.origin {
        Origin::Packet => 0,
        Origin::Socket => 1,
        Origin::Unknown => 2,
    };
    HeaderBytes { origin, len: headers.len, protocol: headers.protocol, reserved: 0, bytes: headers.bytes }
}

fn hit_kind(hit: EventKind) -> u8 {
    match hit {
        EventKind::Call => kind::CALL,
        EventKind::Tracepoint => kind::TRACEPOINT,
        EventKind::Drop => kind::DROP,
        EventKind::Tc => kind::TC,
        EventKind::Xdp => kind::XDP,
    }
}

fn change_kind(change: ChangeKind) -> u8 {
    match change {
        ChangeKind::Copied => kind::COPIED,
        ChangeKind::Fragment => kind::FRAGMENT,
        ChangeKind::Split => kind::SPLIT,
        ChangeKind::Merged => kind::MERGED,
        ChangeKind::Stack => kind::STACK,
        ChangeKind::Ended => kind::ENDED,
    }
}
