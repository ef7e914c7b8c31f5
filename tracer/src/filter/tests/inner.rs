//! Packets inside of packets, of every kind that has any.

use tracer_common::predicate::Verdict::{self, Match, Reject};

use super::samples::{event, geneve, ip4, udp, vxlan};
use super::{ARP, ETHERNET, TCP4, UDP6, bytes, program};
use crate::filter::{EventSource, Framing, PacketSource};

fn judge(framing: Framing, packet: &str, expression: &str) -> Verdict {
    let packet = bytes(&[packet]);
    program(expression).evaluate(&mut PacketSource::new(framing, &packet, packet.len() as u32))
}

/// The packet holds TCP4, and nothing inside of that.
#[track_caller]
fn holds_tcp(packet: &str) {
    for expression in [
        "inner(tcp port 80)",
        "inner(host 10.0.0.1 and dst port 80)",
        "inner(tcp[13] = 2)",
        "inner(ip) and ip proto 17 or inner(tcp)",
        "not inner(udp)",
        "not inner(inner(ip))",
        "inner(not inner(ip))",
        "inner(not ip6)",
    ] {
        assert_eq!(judge(Framing::RawIp, packet, expression), Match, "{expression} of {packet}");
        let ethertype = if packet.starts_with('6') { "86dd" } else { "0800" };
        let framed = format!("{ETHERNET} {ethertype} {packet}");
        assert_eq!(judge(Framing::Ethernet, &framed, expression), Match, "{expression} of {framed}");
    }
    for expression in ["inner(udp)", "not inner(ip)", "inner(inner(ip))", "inner(host 192.0.2.1)", "inner(ip) and tcp"]
    {
        assert_eq!(judge(Framing::RawIp, packet, expression), Reject, "{expression} of {packet}");
    }
}

#[track_caller]
fn holds_nothing(framing: Framing, packet: &str) {
    assert_eq!(judge(framing, packet, "not inner(ip or not ip)"), Match, "{packet}");
    assert_eq!(judge(framing, packet, "inner(ip or not ip)"), Reject, "{packet}");
}

#[test]
fn tunnels() {
    let frame = format!("{ETHERNET} 0800 {TCP4}");
    holds_tcp(&vxlan());
    holds_tcp(&ip4(17, &udp(8472, &format!("08000000 00002a00 {frame}"))));
    holds_tcp(&ip4(17, &udp(6081, &format!("00006558 00002a00 {frame}"))));
    holds_tcp(&ip4(17, &udp(6081, &format!("02000800 00002a00 00000000 00000000 {TCP4}"))));
    holds_tcp(&ip4(47, &format!("00000800 {TCP4}")));
    holds_tcp(&ip4(47, &format!("00006558 {frame}")));
    holds_tcp(&ip4(47, &format!("20000800 00000007 {TCP4}")));
    holds_tcp(&ip4(47, &format!("b0000800 11110000 00000007 00000001 {TCP4}")));
    holds_tcp(&ip4(4, TCP4));
    // A header with options, and a first fragment.
    holds_tcp(&format!("4600002c 00010000 40040000 c0000201 c0000202 01010101 {TCP4}"));
    holds_tcp(&format!("45000028 00012000 40040000 c0000201 c0000202 {TCP4}"));
    let six = |next: &str, payload: &str| format!("60000000 0028{next}40 {} {payload}", "fd".repeat(32));
    holds_tcp(&six("04", TCP4));
    // ip6tnl sends destination options with a limit of encapsulations.
    holds_tcp(&six("3c", &format!("04000401 04010000 {TCP4}")));
    assert_eq!(judge(Framing::RawIp, &six("29", UDP6), "inner(udp port 53) and inner(host fd00::1)"), Match);
    assert_eq!(judge(Framing::RawIp, &ip4(41, UDP6), "ip and inner(ip6 and udp)"), Match);
    assert_eq!(judge(Framing::RawIp, &geneve(), "inner(ip6 and port 5353) and src port 1234"), Match);
}

#[test]
fn link_layer_of_the_inner_packet() {
    let matching = "inner(ether src 2:0:0:0:0:1 and ether[12:2] = 0x800)";
    assert_eq!(judge(Framing::RawIp, &vxlan(), matching), Match);
    let arp = ip4(17, &udp(4789, &format!("08000000 00002a00 {ETHERNET} 0806 {ARP}")));
    assert_eq!(judge(Framing::RawIp, &arp, "inner(arp host 10.0.0.2)"), Match);
    let tagged = ip4(17, &udp(4789, &format!("08000000 00002a00 {ETHERNET} 8100 2005 0800 {TCP4}")));
    assert_eq!(judge(Framing::RawIp, &tagged, "inner(vlan 5 and tcp port 80)"), Match);
    assert_eq!(judge(Framing::RawIp, &tagged, "inner(vlan 6)"), Reject);
    assert_eq!(judge(Framing::RawIp, &tagged, "inner(tcp)"), Reject);
    assert_eq!(judge(Framing::RawIp, &tagged, "inner(inner(tcp port 80))"), Match);
    assert_eq!(judge(Framing::RawIp, &ip4(4, TCP4), "inner(ether src 2:0:0:0:0:1)"), Verdict::Undecidable);
}

#[test]
fn tags() {
    let double = format!("{ETHERNET} 88a80064 81000005 0800 {TCP4}");
    for expression in
        ["inner(tcp port 80)", "inner(ether src 2:0:0:0:0:1)", "vlan 100 and inner(not vlan)", "not ip and inner(ip)"]
    {
        assert_eq!(judge(Framing::Ethernet, &double, expression), Match, "{expression}");
    }
    let deep = format!("{ETHERNET} 81000005 0800 {}", ip4(4, &vxlan()));
    assert_eq!(judge(Framing::Ethernet, &deep, "inner(inner(inner(host 192.0.2.1 and udp)))"), Reject);
    assert_eq!(judge(Framing::Ethernet, &deep, "inner(inner(host 192.0.2.1 and udp and inner(tcp port 80)))"), Match);
    assert_eq!(judge(Framing::Ethernet, &deep, "inner(inner(inner(tcp))) and vlan 5 and inner(ip proto 4)"), Match);
}

#[test]
fn no_inner_part() {
    for packet in [
        TCP4,
        UDP6,
        &ip4(17, &udp(53, "00000000")),
        &ip4(1, "08000000"),
        // A later fragment, GRE with routing, PPTP, something that GRE carries and is no packet.
        &format!("45000028 00010007 40040000 c0000201 c0000202 {TCP4}"),
        &ip4(47, &format!("40000800 00000000 00000000 {TCP4}")),
        &ip4(47, &format!("2001880b 00000000 {TCP4}")),
        &ip4(47, &format!("000088be {TCP4}")),
        &ip4(17, &udp(6081, &format!("00008847 00002a00 {TCP4}"))),
    ] {
        holds_nothing(Framing::RawIp, packet);
    }
    holds_nothing(Framing::Ethernet, &format!("{ETHERNET} 0806 {ARP}"));
}

/// As for all bytes that a packet does not have, neither the condition nor its opposite holds.
#[test]
fn cut_short() {
    let whole = bytes(&[&vxlan()]);
    for length in 20..whole.len() {
        let packet = &whole[..length];
        for expression in ["inner(tcp port 80)", "not inner(tcp port 80)"] {
            let verdict = program(expression).evaluate(&mut PacketSource::new(Framing::RawIp, packet, 1000));
            let all_there = length >= 74 && expression.starts_with('i');
            assert_eq!(verdict == Match, all_there, "{length} {expression}");
        }
    }
}

#[test]
fn inside_of_events() {
    let judge = |protocol, packet: &str, expression| {
        let event = event(protocol, packet);
        let program = program(expression);
        program.evaluate(&mut EventSource::new(&event, &program))
    };
    // 80 bytes reach to the inner ports of VXLAN over IPv4, but not to the inner TCP flags.
    assert_eq!(judge(0x800, &vxlan(), "inner(tcp port 80) and udp port 4789 and pid 4711"), Match);
    assert_eq!(judge(0x800, &vxlan(), "inner(host 10.0.0.9)"), Reject);
    assert_eq!(judge(0x800, &vxlan(), "inner(tcp[13] = 2)"), Verdict::Undecidable);
    assert_eq!(judge(0x8100, &format!("0005 0800 {TCP4}"), "inner(tcp port 80)"), Match);
    assert_eq!(judge(0x800, TCP4, "inner(ip)"), Reject);
}
