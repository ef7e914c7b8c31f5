//! Records of the ring to [`Event`]s.

use bytemuck::pod_read_unaligned;
use tracer_common::{
    event::{self as wire, flags, kind},
    journey::{self, change},
};

use super::attach::programs::hook::Place;
use crate::{
    kernel::btf::Chain,
    model::{Branch, Change, ChangeKind, Details, Event, EventKind, Headers, JourneyId, Name, Origin, ProbeId, Record},
};

/// What a run asked for, so that its records can be read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Return addresses were read.
    pub caller: bool,
    /// Stacks were read.
    pub stack: bool,
    /// Member chains asked for.
    pub chains: Vec<Chain>,
}

/// What a hit says of its probe.
pub struct Found {
    /// What kind of hit.
    pub kind: EventKind,
    /// Address of the function, number of the tracepoint, or id of the BPF program.
    pub func: u64,
    /// Where a BPF program ran.
    pub place: Place,
}

/// Reads one record; `None` where its length or kind is not one that the kernel side sends. `probe` finds its probe.
pub fn decode(record: &[u8], wanted: &Wanted, probe: impl FnOnce(Found) -> ProbeId) -> Option<Record> {
    if record.len() == size_of::<journey::Change>() {
        return change(&pod_read_unaligned(record)).map(Record::Change);
    }
    hit(record, wanted, probe).map(Record::Hit)
}

fn change(record: &journey::Change) -> Option<Change> {
    let kind = match record.kind {
        change::COPIED => ChangeKind::Copied,
        change::FRAGMENT => ChangeKind::Fragment,
        change::SPLIT => ChangeKind::Split,
        change::MERGED => ChangeKind::Merged,
        change::STACK => ChangeKind::Stack,
        change::ENDED => ChangeKind::Ended,
        _ => return None,
    };
    Some(Change {
        time: record.time,
        kind,
        branch: branch(record.journey, record.branch, record.parent)?,
        skb: record.skb,
        other: (record.other != 0).then_some(record.other),
        cpu: record.cpu,
    })
}

fn branch(journey: u64, number: u32, parent: u32) -> Option<Branch> {
    (journey != 0).then_some(Branch { journey: JourneyId(journey), number, parent: (parent != 0).then_some(parent) })
}

fn hit(record: &[u8], wanted: &Wanted, probe: impl FnOnce(Found) -> ProbeId) -> Option<Event> {
    let head = record.get(..size_of::<wire::Event>())?;
    let head: wire::Event = pod_read_unaligned(head);
    let kind = match head.kind {
        kind::CALL => EventKind::Call,
        kind::TRACEPOINT => EventKind::Tracepoint,
        kind::DROP => EventKind::Drop,
        kind::TC => EventKind::Tc,
        kind::XDP => EventKind::Xdp,
        _ => return None,
    };
    let details = if head.flags & flags::EXTRA == 0 {
        None
    } else {
        let extra = record.get(size_of::<wire::Event>()..)?.get(..size_of::<wire::Extra>())?;
        Some(Box::new(details(&pod_read_unaligned(extra), wanted)))
    };
    let device = head.flags & flags::DEVICE != 0;
    let program = matches!(kind, EventKind::Tc | EventKind::Xdp);
    Some(Event {
        time: head.time,
        kind,
        probe: probe(Found { kind, func: head.func, place: Place { hook: head.hook, ifindex: head.ifindex } }),
        skb: head.skb,
        caller: (head.caller != 0 && (wanted.caller || kind == EventKind::Drop)).then_some(head.caller),
        branch: branch(head.journey, head.branch, head.parent),
        first: head.flags & flags::FIRST != 0,
        by_stack: head.flags & flags::BY_STACK != 0,
        generation: head.generation,
        reason: (head.flags & flags::ARGUMENT != 0 && !program).then_some(head.argument),
        returned: program.then_some(head.argument),
        cpu: head.cpu,
        pid: head.pid,
        comm: Name(head.comm),
        netns: (head.netns != 0).then_some(head.netns),
        ifindex: device.then_some(head.ifindex),
        ifname: Name(head.ifname),
        mtu: device.then_some(head.mtu),
        mark: head.mark,
        len: head.len,
        protocol: head.protocol,
        packet_type: head.packet_type,
        vlan: (head.flags & flags::VLAN != 0).then_some((head.vlan_tci, head.vlan_proto)),
        headers: headers(&head),
        details,
    })
}

fn headers(head: &wire::Event) -> Headers {
    let origin = if head.flags & flags::NETWORK != 0 {
        Origin::Packet
    } else if head.flags & flags::SOCKET != 0 {
        Origin::Socket
    } else {
        Origin::Unknown
    };
    let len = head.header_len.min(wire::HEADER_BYTES as u16);
    let mut bytes = head.headers;
    bytes[usize::from(len)..].fill(0);
    Headers { origin, bytes, len, protocol: head.protocol }
}

fn details(extra: &wire::Extra, wanted: &Wanted) -> Details {
    let stack = wanted.stack.then(|| {
        let frames = usize::try_from(extra.stack_bytes).map_err(|_| extra.stack_bytes)? / size_of::<u64>();
        Ok(extra.stack[..frames.min(wire::STACK_FRAMES)].to_vec())
    });
    let packet_len = (extra.packet_len as usize).min(wire::PACKET_BYTES);
    let values = wanted.chains.iter().zip(extra.metadata).enumerate();
    let metadata = values
        .map(|(index, (chain, raw))| (extra.metadata_valid >> index & 1 == 1).then(|| chain.decode(raw)))
        .collect();
    Details { stack, packet: extra.packet[..packet_len].to_vec(), metadata }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::btf::ValueKind, model::Value};

    fn event() -> wire::Event {
        bytemuck::Zeroable::zeroed()
    }

    fn read(record: &[u8]) -> Option<Event> {
        // A member of three bits, of which the lowest is bit 4 of what is read.
        let bits = Chain { offsets: vec![0], size: 1, shift: 4, width: 3, kind: ValueKind::Unsigned };
        let wanted = Wanted { caller: true, stack: true, chains: vec![bits.clone(), bits] };
        hit(record, &wanted, |found| ProbeId(found.func as u32))
    }

    #[test]
    fn what_was_not_read_is_absent() {
        let event = read(bytemuck::bytes_of(&event())).unwrap();
        assert_eq!((event.netns, event.ifindex, event.mtu, event.reason, event.caller), (None, None, None, None, None));
        assert_eq!(event.headers.origin, Origin::Unknown);
        assert!(event.details.is_none());
    }

    #[test]
    fn short_records_and_unknown_kinds_are_refused() {
        let whole = event();
        let bytes = bytemuck::bytes_of(&whole);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_none());
        }
        assert!(read(bytemuck::bytes_of(&wire::Event { kind: 9, ..event() })).is_none());
        assert!(read(bytemuck::bytes_of(&wire::Event { flags: flags::EXTRA, ..event() })).is_none());
    }

    #[test]
    fn extra_lengths_are_bounded() {
        let mut extra: wire::Extra = bytemuck::Zeroable::zeroed();
        extra.stack_bytes = i32::MAX;
        extra.packet_len = u32::MAX;
        extra.metadata_valid = 2;
        extra.metadata[1] = 0b1101_0110;
        let head = wire::Event { flags: flags::EXTRA, ..event() };
        let record = [bytemuck::bytes_of(&head), bytemuck::bytes_of(&extra)].concat();
        let details = read(&record).unwrap().details.unwrap();
        assert_eq!(details.stack.unwrap().unwrap().len(), wire::STACK_FRAMES);
        assert_eq!(details.packet.len(), wire::PACKET_BYTES);
        assert_eq!(details.metadata, [None, Some(Value::Unsigned(0b101))]);
        extra.stack_bytes = -14;
        let record = [bytemuck::bytes_of(&head), bytemuck::bytes_of(&extra)].concat();
        assert_eq!(read(&record).unwrap().details.unwrap().stack, Some(Err(-14)));
    }
}
