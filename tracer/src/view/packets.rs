//! The way of one packet as a block, for `skbtrail demo`: its flow, the functions it passed under the device and
//! namespace they ran in, and what became of it.
//!
//! ```text
//! 10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)  84 bytes
//!   netns client, va:3
//!             0  ip_output
//!         +1250  dev_hard_start_xmit
//!   dropped after 41 µs: NETFILTER_DROP at nft_do_chain+0x1c2
//! ```
//!
//! It takes the events of one packet and judges no more than they say.

use super::{Context, Row, Style, Tone, columns, escape, flow, number};
use crate::model::{Event, EventKind};

/// Letters of the column of time gaps.
const GAP_WIDTH: usize = 12;

/// Where a packet reaches whoever it was for: a socket's queue, or the protocol that answers for the kernel. A
/// trailing `*` stands for any ending.
const DELIVERIES: &[&str] = &[
    "sock_queue_rcv_skb*",
    "__sock_queue_rcv_skb*",
    "__udp_enqueue_schedule_skb",
    "udp_queue_rcv_one_skb",
    "tcp_data_queue*",
    "tcp_rcv_established",
    "skb_copy_datagram_*",
    "skb:skb_copy_datagram_iovec",
    "icmp_echo*",
    "ping_rcv",
    "arp_process",
];
/// Where the kernel lets go of a packet that did its duty.
const CONSUMES: &[&str] =
    &["consume_skb", "__consume_stateless_skb", "skb_consume_udp", "napi_consume_skb", "skb:consume_skb"];

/// Where a packet comes in, and where one goes out again.
const RECEIVES: &[&str] = &["net:netif_receive_skb*", "__netif_receive_skb*", "netif_receive_skb*"];
const SENDS: &[&str] = &["net:net_dev_queue", "net:net_dev_start_xmit", "__dev_queue_xmit", "dev_hard_start_xmit"];

/// Appends the block of one packet; `events` are its own, in order.
pub fn packet(events: &[Event], context: &Context<'_>, style: Style, out: &mut Vec<u8>) {
    let mut text = String::new();
    painted(Tone::Title, style, &mut text, |text| write_title(events, text));
    let mut last: Option<&Event> = None;
    for event in events {
        let row = Row::new(event, context);
        if last.is_none_or(|last| whereabouts(last) != whereabouts(event)) {
            write_whereabouts(&row, &mut text);
        }
        write_hop(&row, last, style, &mut text);
        last = Some(event);
    }
    write_verdict(events, context, style, &mut text);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a line in its colour.
fn painted(tone: Tone, style: Style, text: &mut String, write: impl FnOnce(&mut String)) {
    let start = text.len();
    write(text);
    style.paint(tone, start, text);
    text.push('\n');
}

fn write_title(events: &[Event], text: &mut String) {
    let packet = events.iter().find_map(|event| event.headers.flow());
    let arp = || events.iter().find_map(|event| event.headers.arp());
    if let Some(found) = packet {
        flow::write_flow(&found, true, text);
    } else if let Some(arp) = arp() {
        flow::write_arp(&arp, text);
    } else {
        text.push_str("packet of an unknown flow");
    }
    if let Some(longest) = events.iter().map(|event| event.len).max() {
        text.push_str("  ");
        number::decimal(longest, text);
        text.push_str(" bytes");
    }
}

fn whereabouts(event: &Event) -> (Option<u32>, Option<u32>) {
    (event.netns, event.ifindex)
}

fn write_whereabouts(row: &Row<'_>, text: &mut String) {
    text.push_str("  netns ");
    let name = row.event.netns.and_then(|inode| row.context.namespaces.get(&inode));
    match (name, row.event.netns) {
        (Some(name), _) => escape(name.as_bytes(), text),
        (None, Some(inode)) => number::decimal(inode, text),
        (None, None) => text.push_str("not known"),
    }
    text.push_str(", ");
    let start = text.len();
    write_column("iface", row, text);
    if text.len() == start {
        text.push_str("no device");
    }
    text.push('\n');
}

fn write_hop(row: &Row<'_>, last: Option<&Event>, style: Style, text: &mut String) {
    let mut gap = String::new();
    if let Some(last) = last {
        gap.push('+');
        number::decimal(row.event.time.saturating_sub(last.time), &mut gap);
    } else {
        gap.push('0');
    }
    text.extend(std::iter::repeat_n(' ', GAP_WIDTH.saturating_sub(gap.len())));
    text.push_str(&gap);
    text.push_str("  ");
    let tone = if row.event.kind == EventKind::Drop { Tone::Drop } else { Tone::Plain };
    painted(tone, style, text, |text| write_column("func", row, text));
}

fn write_column(name: &str, row: &Row<'_>, text: &mut String) {
    if let Some(column) = columns::find(name) {
        column.text(row, text);
    }
}

fn write_verdict(events: &[Event], context: &Context<'_>, style: Style, text: &mut String) {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return;
    };
    let dropped = events.iter().rev().find(|event| event.kind == EventKind::Drop);
    let last_at = |names: &[&str]| events.iter().rposition(|event| is_one_of(names, &Row::new(event, context)));
    let passed = |names: &[&str]| last_at(names).is_some();
    // Let go of in good order after it came in, and not sent on: somebody has taken it. Tracepoints tell no more.
    let taken = || last_at(RECEIVES) > last_at(SENDS) && last_at(CONSUMES) > last_at(RECEIVES);
    let (tone, word) = match dropped {
        Some(_) => (Tone::Drop, "dropped"),
        None if passed(DELIVERIES) || taken() => (Tone::Title, "delivered"),
        None if passed(CONSUMES) => (Tone::Title, "freed"),
        None => (Tone::Title, "last seen"),
    };
    painted(tone, style, text, |text| {
        text.push_str("  ");
        text.push_str(word);
        let end = dropped.unwrap_or(last);
        text.push_str(" after ");
        number::decimal(end.time.saturating_sub(first.time) / 1000, text);
        text.push_str(" µs");
        if let Some(event) = dropped {
            text.push_str(": ");
            Row::new(event, context).write_drop(text);
        }
    });
}

fn is_one_of(names: &[&str], row: &Row<'_>) -> bool {
    row.probe().is_some_and(|probe| {
        names.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => probe.name.starts_with(beginning),
            None => probe.name == *name,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProbeId;
    use crate::view::tests::{Sample, headers, make_drop};

    fn print(change: impl Fn(usize, &mut Event), count: usize) -> String {
        let sample = Sample::new();
        let events: Vec<Event> = (0..count)
            .map(|index| {
                let mut event = sample.event.clone();
                event.time += 1250 * index as u64;
                change(index, &mut event);
                event
            })
            .collect();
        let mut out = Vec::new();
        packet(&events, &sample.context(), Style::Plain, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_dropped_packet() {
        let text = print(
            |index, event| match index {
                0 => event.ifindex = None,
                1 => event.netns = None,
                2 => event.netns = Some(7),
                _ => make_drop(event),
            },
            4,
        );
        insta::assert_snapshot!(text, @r"
        10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)  84 bytes
          netns host, no device
                   0  ip_rcv
          netns not known, va:3
               +1250  ip_rcv
          netns 7, va:3
               +1250  ip_rcv
          netns host, va:3
               +1250  skb:kfree_skb(NETFILTER_DROP at nft_do_chain+0x1c2)
          dropped after 3 µs: NETFILTER_DROP at nft_do_chain+0x1c2
        ");
    }

    #[test]
    fn packets_that_end_otherwise() {
        let cases = [
            ("ping_rcv", "delivered after 1 µs"),
            ("skb:consume_skb", "freed after 1 µs"),
            ("x", "last seen after 1 µs"),
        ];
        for (last, expected) in cases {
            let sample = Sample::new();
            let mut probes = sample.context().probes.to_vec();
            last.clone_into(&mut probes[1].name);
            let context = Context { probes: &probes, ..sample.context() };
            let mut end = sample.event.clone();
            end.probe = ProbeId(1);
            end.time += 1999;
            let mut out = Vec::new();
            packet(&[sample.event.clone(), end], &context, Style::Plain, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.trim_end().lines().last().unwrap().trim(), expected);
        }
    }

    #[test]
    fn what_tracepoints_tell_of_a_delivery() {
        let cases = [
            (["net:netif_receive_skb", "skb:consume_skb"], "delivered after 1 µs"),
            (["skb:consume_skb", "net:netif_receive_skb"], "freed after 1 µs"),
            (["net:netif_receive_skb", "net:net_dev_queue"], "last seen after 1 µs"),
            (["net:net_dev_queue", "skb:consume_skb"], "freed after 1 µs"),
        ];
        for (names, expected) in cases {
            let sample = Sample::new();
            let mut probes = sample.context().probes.to_vec();
            let mut events = [sample.event.clone(), sample.event.clone()];
            for (index, name) in names.into_iter().enumerate() {
                name.clone_into(&mut probes[index].name);
                events[index].probe = ProbeId(index as u32);
                events[index].time += 1000 * index as u64;
            }
            let context = Context { probes: &probes, ..sample.context() };
            let mut out = Vec::new();
            packet(&events, &context, Style::Plain, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.trim_end().lines().last().unwrap().trim(), expected, "{names:?}");
        }
    }

    #[test]
    fn nothing_known_and_no_events() {
        assert!(
            print(|_, event| event.headers = headers(0x88cc, &[]), 1)
                .starts_with("packet of an unknown flow  84 bytes")
        );
        print(|_, _| (), 0);
    }
}
