//! Events and packets written by hand.

use tracer_common::event::{HEADER_BYTES, SocketTuple};

use super::{ARP, ETHERNET, TCP4, UDP6, bytes};
use crate::model::{Details, Event, EventKind, Headers, Name, Origin, Probe, ProbeId};

/// 192.0.2.1 to 192.0.2.2 with a protocol and a size.
pub(super) fn ip4(protocol: u8, payload: &str) -> String {
    let length = 20 + payload.split_whitespace().map(str::len).sum::<usize>() / 2;
    format!("4500{length:04x} 00010000 40{protocol:02x}0000 c0000201 c0000202 {payload}")
}

/// UDP from port 1234.
pub(super) fn udp(port: u16, payload: &str) -> String {
    format!("04d2{port:04x} 00080000 {payload}")
}

/// TCP4 in Ethernet in VXLAN.
pub(super) fn vxlan() -> String {
    ip4(17, &udp(4789, &format!("08000000 00002a00 {ETHERNET} 0800 {TCP4}")))
}

/// UDP6 in IPv6 in Geneve with four bytes of options.
pub(super) fn geneve() -> String {
    ip4(17, &udp(6081, &format!("010086dd 00002a00 00000000 {UDP6}")))
}

pub(super) fn name(text: &str) -> Name {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Name(bytes)
}

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name: &str| Probe { name: name.to_owned(), module: None, address: 0, takes_reason: false };
    ["ip_rcv", "tcp_v4_rcv", "skb:kfree_skb"].map(probe).to_vec()
}

/// A hit with this packet, from its network header on.
pub(super) fn event(protocol: u16, packet: &str) -> Event {
    let packet = bytes(&[packet]);
    let mut headers = [0; HEADER_BYTES];
    let length = packet.len().min(HEADER_BYTES);
    headers[..length].copy_from_slice(&packet[..length]);
    Event {
        time: 1,
        kind: EventKind::Call,
        probe: ProbeId(0),
        skb: 0xffff_8880_0000_0000,
        caller: None,
        branch: None,
        first: true,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: 0,
        pid: 4711,
        comm: name("curl"),
        netns: Some(4_026_531_840),
        ifindex: Some(2),
        ifname: name("veth12"),
        mtu: Some(1500),
        mark: 0x105,
        len: packet.len() as u32,
        protocol,
        packet_type: 0,
        vlan: None,
        headers: Headers { origin: Origin::Packet, bytes: headers, len: length as u16, protocol },
        details: None,
    }
}

/// With the whole frame beside the headers.
pub(super) fn framed(event: Event, frame: &str) -> Event {
    let mut event = event;
    event.details = Some(Box::new(Details { packet: bytes(&[frame]), ..Details::default() }));
    event
}

/// A drop at the tracepoint.
pub(super) fn dropped(event: Event, reason: u32) -> Event {
    Event { kind: EventKind::Drop, probe: ProbeId(2), reason: Some(reason), ..event }
}

/// What a socket of IPv4 tells: 10.0.0.1 port 1024 to 10.0.0.2, TCP, the remote port not known yet.
pub(super) fn socket() -> Event {
    let (mut source, mut destination) = ([0; 16], [0; 16]);
    source[..4].copy_from_slice(&[10, 0, 0, 1]);
    destination[..4].copy_from_slice(&[10, 0, 0, 2]);
    let tuple = SocketTuple { source, destination, source_port: 1024, destination_port: 0, family: 2, protocol: 6 };
    with_tuple(&tuple)
}

/// The same of IPv6, fd00::1 port 53 to fd00::2 port 5353, UDP.
pub(super) fn socket6() -> Event {
    let address = |last| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    with_tuple(&SocketTuple {
        source: address(1),
        destination: address(2),
        source_port: 53,
        destination_port: 5353,
        family: 10,
        protocol: 17,
    })
}

fn with_tuple(tuple: &SocketTuple) -> Event {
    let mut event = event(0, "");
    let size = size_of::<SocketTuple>();
    event.headers.bytes[..size].copy_from_slice(bytemuck::bytes_of(tuple));
    event.headers = Headers { origin: Origin::Socket, len: size as u16, ..event.headers };
    event
}

/// One of each kind.
pub(super) fn events() -> Vec<Event> {
    let tagged = format!("{ETHERNET} 81000005 0800 {TCP4}");
    let unknown = event(0, "");
    let unknown =
        Event { headers: Headers { origin: Origin::Unknown, ..unknown.headers }, ifname: name(""), ..unknown };
    vec![
        event(0x800, TCP4),
        event(0x86dd, UDP6),
        event(0x806, ARP),
        event(0x800, &vxlan()),
        event(0x800, &geneve()),
        framed(event(0x8100, &format!("0005 0800 {TCP4}")), &tagged),
        Event { vlan: Some((5, 0x8100)), ..event(0x800, TCP4) },
        dropped(event(0x800, TCP4), 3),
        Event { netns: None, ifindex: None, ifname: name(""), mark: 0, ..socket() },
        socket6(),
        Event { probe: ProbeId(1), comm: name("ksoftirqd/12"), pid: 0, ..event(0, TCP4) },
        unknown,
    ]
}
