//! Who talks to whom: the flow of an IP packet, an ARP packet's question or answer, and the VLAN tag taken off it.

use super::{Column, Context, Object, Row};
use crate::model::{Arp, Flow, Headers, Origin, Transport};
use crate::view::{flow, number};

/// `skb->vlan_tci`: 3 bits of priority, 1 of drop eligibility, 12 of VLAN id.
const VLAN_ID: u16 = 0xfff;
const PRIORITY_SHIFT: u16 = 13;

pub(super) struct Tuple;

impl Column for Tuple {
    fn name(&self) -> &'static str {
        "tuple"
    }

    fn help(&self) -> &'static str {
        "addresses, ports and protocol; ICMP type, ARP addresses, VLAN tag"
    }

    fn header(&self) -> &'static str {
        "TUPLE"
    }

    /// IPv4 with both ports and the protocol, IPv6 with short addresses.
    fn width(&self, context: &Context<'_>) -> usize {
        if context.tcp_flags { 52 } else { 46 }
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        write_text(&row.event.headers, row.event.vlan, row.context.tcp_flags, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        write_json(&row.event.headers, row.event.vlan, object);
    }
}

/// Appends the flow or the ARP packet, and the VLAN tag (TCI and TPID); nothing where there is none of them.
pub(in crate::view) fn write_text(headers: &Headers, vlan: Option<(u16, u16)>, tcp_flags: bool, out: &mut String) {
    let start = out.len();
    if let Some(found) = headers.flow() {
        flow::write_flow(&found, tcp_flags, out);
    } else if let Some(arp) = headers.arp() {
        flow::write_arp(&arp, out);
    }
    if let Some((tag, _)) = vlan {
        out.push_str(if out.len() == start { "vlan " } else { " vlan " });
        number::decimal(tag & VLAN_ID, out);
    }
}

/// The same as keys of an object.
pub(in crate::view) fn write_json(headers: &Headers, vlan: Option<(u16, u16)>, object: &mut Object<'_>) {
    if let Some(flow) = headers.flow() {
        object.object("tuple", |inner| write_tuple(&flow, headers.origin == Origin::Socket, inner));
    } else if let Some(arp) = headers.arp() {
        object.object("arp", |inner| write_arp(&arp, inner));
    }
    if let Some((tag, protocol)) = vlan {
        object.object("vlan", |inner| {
            inner.number("id", tag & VLAN_ID);
            inner.number("priority", tag >> PRIORITY_SHIFT);
            inner.number("proto", protocol);
        });
    }
}

/// Adds the keys of a flow.
pub(in crate::view) fn write_tuple(found: &Flow, from_socket: bool, object: &mut Object<'_>) {
    object.text("saddr", |out| flow::write_address(found.source, out));
    object.text("daddr", |out| flow::write_address(found.destination, out));
    object.text("proto", |out| flow::write_protocol(found.protocol, out));
    match found.transport {
        Transport::Ports { source, destination, tcp_flags } => {
            object.number("sport", source);
            object.number("dport", destination);
            if let Some(flags) = tcp_flags {
                object.text("tcp_flags", |out| flow::write_tcp_flags(flags, out));
            }
        }
        Transport::Icmp { kind, code, echo } => {
            object.number("icmp_type", kind);
            object.number("icmp_code", code);
            if let Some((id, sequence)) = echo {
                object.number("icmp_id", id);
                object.number("icmp_seq", sequence);
            }
        }
        Transport::Opaque => {}
    }
    if from_socket {
        object.text("from", |out| out.push_str("socket"));
    }
}

/// Adds the keys of an ARP packet.
pub(in crate::view) fn write_arp(arp: &Arp, object: &mut Object<'_>) {
    object.number("op", arp.operation);
    object.text("sender", |out| flow::write_address(arp.sender.into(), out));
    object.text("sender_mac", |out| flow::write_mac(arp.sender_mac, out));
    object.text("target", |out| flow::write_address(arp.target.into(), out));
    object.text("target_mac", |out| flow::write_mac(arp.target_mac, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{ARP, SYN, check, headers, socket};

    #[test]
    fn ip_packets() {
        check(
            &Tuple,
            |_, _| (),
            "10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)",
            r#"{"tuple":{"saddr":"10.77.0.1","daddr":"10.77.0.2","proto":"icmp","icmp_type":8,"icmp_code":0,"icmp_id":7,"icmp_seq":1}}"#,
        );
        let json = r#"{"tuple":{"saddr":"10.77.0.1","daddr":"10.77.0.2","proto":"tcp","sport":37026,"dport":8080,"tcp_flags":"SYN"}}"#;
        check(&Tuple, |event, _| event.headers = headers(0x0800, &SYN), "10.77.0.1:37026->10.77.0.2:8080(tcp)", json);
        check(
            &Tuple,
            |event, context| (event.headers, context.tcp_flags) = (headers(0x0800, &SYN), true),
            "10.77.0.1:37026->10.77.0.2:8080(tcp:SYN)",
            json,
        );
    }

    #[test]
    fn what_the_socket_says_is_marked() {
        check(
            &Tuple,
            |event, _| event.headers = socket(),
            "10.77.0.1:37026->10.77.0.2:8080(tcp)",
            r#"{"tuple":{"saddr":"10.77.0.1","daddr":"10.77.0.2","proto":"tcp","sport":37026,"dport":8080,"from":"socket"}}"#,
        );
    }

    #[test]
    fn arp_tags_and_nothing() {
        check(
            &Tuple,
            |event, _| (event.headers, event.vlan) = (headers(0x0806, &ARP), Some((0x6005, 0x8100))),
            "ARP who-has 10.77.0.2 tell 10.77.0.1 vlan 5",
            r#"{"arp":{"op":1,"sender":"10.77.0.1","sender_mac":"02:00:00:00:00:01","target":"10.77.0.2","target_mac":"00:00:00:00:00:00"},"vlan":{"id":5,"priority":3,"proto":33024}}"#,
        );
        let nothing = r#"{"vlan":{"id":5,"priority":0,"proto":33024}}"#;
        check(
            &Tuple,
            |event, _| (event.headers, event.vlan) = (headers(0x88cc, &ARP), Some((5, 0x8100))),
            "vlan 5",
            nothing,
        );
        check(&Tuple, |event, _| event.headers = headers(0x88cc, &ARP), "", "{}");
    }
}
