//! The fields of a row, one list for all formats.

use super::Entry;
use crate::{
    model::{EventKind, Flow, Transport},
    view::{escape, flow, number},
};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number from 0 to 2⁶⁴ − 1.
    Number,
    /// Nanoseconds since the epoch.
    Time,
    /// True or false.
    Truth,
    /// UTF-8, without control characters.
    Text,
}

/// The value of a field; a text stands in the buffer that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Not known, or there is none.
    Nothing,
    Number(u64),
    Time(i64),
    Truth(bool),
    Text,
}

/// A field.
pub struct Field {
    /// Its name, in every format.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What that means.
    pub help: &'static str,
    pub(super) value: fn(&Entry<'_>, &mut String) -> Cell,
}

const fn field(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&Entry<'_>, &mut String) -> Cell,
) -> Field {
    Field { name, kind, help, value }
}

/// All fields, in their order. `assets/export.md` has them too.
pub const FIELDS: &[Field] = &[
    field("time", Kind::Time, "real time of the hit", |entry, _| {
        Cell::Time((entry.row.event.time as i64).saturating_add(entry.clock_offset))
    }),
    field("time_ns", Kind::Number, "the same by the kernel's monotonic clock", |entry, _| {
        Cell::Number(entry.row.event.time)
    }),
    field("host", Kind::Text, "machine", |entry, out| foreign(Some(entry.host.as_bytes()), out)),
    field("type", Kind::Text, "`call`, `tracepoint`, `drop`, `tc` or `xdp`", |entry, out| {
        out.push_str(match entry.row.event.kind {
            EventKind::Call => "call",
            EventKind::Tracepoint => "tracepoint",
            EventKind::Drop => "drop",
            EventKind::Tc => "tc",
            EventKind::Xdp => "xdp",
        });
        Cell::Text
    }),
    field("func", Kind::Text, "function or tracepoint", |entry, out| {
        foreign(entry.row.probe().map(|probe| probe.name.as_bytes()), out)
    }),
    field("module", Kind::Text, "module that holds it; of a BPF program where it is attached", |entry, out| {
        foreign(entry.row.probe().and_then(|probe| probe.module.as_deref()).map(str::as_bytes), out)
    }),
    field("journey", Kind::Number, "number of the packet's journey", |entry, _| {
        count(entry.row.event.branch.map(|branch| branch.journey.0))
    }),
    field("branch", Kind::Number, "number of its `sk_buff` in it", |entry, _| {
        count(entry.row.event.branch.map(|branch| branch.number))
    }),
    field("parent", Kind::Number, "number of the one it was made from", |entry, _| {
        count(entry.row.event.branch.and_then(|branch| branch.parent))
    }),
    field("first", Kind::Truth, "the filter matched here", |entry, _| Cell::Truth(entry.row.event.first)),
    field("skb", Kind::Text, "address of the `sk_buff`", |entry, out| {
        out.push_str("0x");
        number::hex(entry.row.event.skb, 1, out);
        Cell::Text
    }),
    field("cpu", Kind::Number, "CPU", |entry, _| count(Some(entry.row.event.cpu))),
    field("pid", Kind::Number, "process that ran there", |entry, _| count(Some(entry.row.event.pid))),
    field("comm", Kind::Text, "its name", |entry, out| foreign(Some(entry.row.event.comm.bytes()), out)),
    field("netns", Kind::Number, "inode of the network namespace", |entry, _| count(entry.row.event.netns)),
    field("netns_name", Kind::Text, "its name", |entry, out| {
        let name = entry.row.event.netns.and_then(|inode| entry.row.context.namespaces.get(&inode));
        foreign(name.map(String::as_bytes), out)
    }),
    field("ifindex", Kind::Number, "index of the device", |entry, _| count(entry.row.event.ifindex)),
    field("ifname", Kind::Text, "its name", |entry, out| foreign(Some(entry.row.event.ifname.bytes()), out)),
    field("mtu", Kind::Number, "its MTU, bytes", |entry, _| count(entry.row.event.mtu)),
    field("mark", Kind::Number, "`skb->mark`", |entry, _| count(Some(entry.row.event.mark))),
    field("len", Kind::Number, "`skb->len`, bytes", |entry, _| count(Some(entry.row.event.len))),
    field("ethertype", Kind::Number, "`skb->protocol`", |entry, _| count(Some(entry.row.event.protocol))),
    field("pkt_type", Kind::Number, "`skb->pkt_type`", |entry, _| count(Some(entry.row.event.packet_type))),
    field("vlan", Kind::Number, "VLAN id that the hardware took off", |entry, _| {
        count(entry.row.event.vlan.map(|(tag, _)| tag & 0xfff))
    }),
    field("saddr", Kind::Text, "source address", |entry, out| {
        address(entry.flow.as_ref().map(|flow| flow.source), out)
    }),
    field("daddr", Kind::Text, "destination address", |entry, out| {
        address(entry.flow.as_ref().map(|flow| flow.destination), out)
    }),
    field("proto", Kind::Text, "transport protocol, by name where it has one", |entry, out| {
        let Some(found) = &entry.flow else { return Cell::Nothing };
        flow::write_protocol(found.protocol, out);
        Cell::Text
    }),
    field("sport", Kind::Number, "source port", |entry, _| count(ports(entry.flow.as_ref()).map(|ports| ports.0))),
    field("dport", Kind::Number, "destination port", |entry, _| count(ports(entry.flow.as_ref()).map(|ports| ports.1))),
    field("tcp_flags", Kind::Text, "`SYN|ACK`", |entry, out| {
        let Some(Transport::Ports { tcp_flags: Some(flags), .. }) = entry.flow.map(|flow| flow.transport) else {
            return Cell::Nothing;
        };
        flow::write_tcp_flags(flags, out);
        Cell::Text
    }),
    field("icmp_type", Kind::Number, "ICMP type", |entry, _| count(icmp(entry.flow.as_ref()).map(|icmp| icmp.0))),
    field("icmp_code", Kind::Number, "ICMP code", |entry, _| count(icmp(entry.flow.as_ref()).map(|icmp| icmp.1))),
    field("reason", Kind::Text, "drop reason", |entry, out| {
        let Some(code) = entry.row.event.reason else { return Cell::Nothing };
        entry.row.write_reason(code, out);
        Cell::Text
    }),
    field("reason_code", Kind::Number, "its number", |entry, _| count(entry.row.event.reason)),
    field("returned", Kind::Number, "what a BPF program returned", |entry, _| count(entry.row.event.returned)),
    field("caller", Kind::Text, "who called the function, or where the packet was dropped", |entry, out| {
        let Some(address) = entry.row.event.caller else { return Cell::Nothing };
        entry.row.write_place(address, out);
        Cell::Text
    }),
];

fn count(value: Option<impl Into<u64>>) -> Cell {
    value.map_or(Cell::Nothing, |value| Cell::Number(value.into()))
}

/// Foreign bytes; nothing where there are none.
fn foreign(bytes: Option<&[u8]>, out: &mut String) -> Cell {
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Cell::Nothing };
    escape(bytes, out);
    Cell::Text
}

fn address(address: Option<std::net::IpAddr>, out: &mut String) -> Cell {
    let Some(address) = address else { return Cell::Nothing };
    flow::write_address(address, out);
    Cell::Text
}

fn ports(flow: Option<&Flow>) -> Option<(u16, u16)> {
    match flow?.transport {
        Transport::Ports { source, destination, .. } => Some((source, destination)),
        _ => None,
    }
}

fn icmp(flow: Option<&Flow>) -> Option<(u8, u8)> {
    match flow?.transport {
        Transport::Icmp { kind, code, .. } => Some((kind, code)),
        _ => None,
    }
}
