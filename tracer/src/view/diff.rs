//! How two sets of packets differ, in words and as JSON.

use std::collections::BTreeSet;

use super::{
    Object, duration, flow,
    json::VERSION,
    phrase::{append, plural},
};
use crate::track::{Difference, Differs, Moved, Next, Traits, Value};

/// Most entries of a list in text; the rest is counted.
const MOST: usize = 10;
/// Values of a trait that text names.
const SHOWN: usize = 3;

/// Appends the comparison. `names` are what A and B are, where that is worth saying.
pub fn text(difference: &Difference, names: [&str; 2], out: &mut Vec<u8>) {
    let mut text = String::new();
    for (letter, name) in ["A", "B"].into_iter().zip(names).filter(|(_, name)| !name.is_empty()) {
        append(format_args!("{letter}: "), &mut text);
        super::escape(name.as_bytes(), &mut text);
        text.push('\n');
    }
    parting(difference, &mut text);
    differs(difference, &mut text);
    for (index, letter) in ["A", "B"].into_iter().enumerate() {
        only(letter, &difference.only[index], &mut text);
    }
    latency(&difference.moved, &mut text);
    unseen(&difference.unseen, &mut text);
    out.extend_from_slice(text.as_bytes());
}

fn parting(difference: &Difference, text: &mut String) {
    if let Some(side) = difference.packets.iter().position(|packets| *packets == 0) {
        let letter = ["A", "B"][side];
        return append(
            format_args!("{letter} has no packets whose path is known: there is nothing to compare.\n"),
            text,
        );
    }
    let hops = plural(difference.shared as u64, "hop");
    match (difference.parts, &difference.last) {
        (false, _) => append(format_args!("A and B go the same way for all {hops}.\n"), text),
        (true, None) => text.push_str("A and B part at the first hop:\n"),
        (true, Some(last)) => append(format_args!("A and B go the same way for {hops}, up to {last}; there\n"), text),
    }
    for (index, letter) in ["A", "B"].into_iter().enumerate() {
        next(letter, &difference.next[index], difference.parts, text);
    }
    if let [a, b] = difference.strayed
        && a + b > 0
    {
        append(format_args!("Before that, {} of A and {b} of B took other ways.\n", plural(a, "packet")), text);
    }
}

fn next(letter: &str, list: &[(Next, u64)], parts: bool, text: &mut String) {
    let packets: u64 = list.iter().map(|(_, packets)| packets).sum();
    append(format_args!("  {letter} ({})", plural(packets, "packet")), text);
    match list {
        [(Next::Goes(name), _)] => append(format_args!(" goes on to {name}\n"), text),
        [(Next::Ends(end), _)] => append(format_args!(" ends: {end}\n"), text),
        _ => {
            text.push_str(if parts { " divides:\n" } else { " ends in several ways:\n" });
            for (next, packets) in list.iter().take(MOST) {
                match next {
                    Next::Goes(name) => append(format_args!("    {packets} to {name}\n"), text),
                    Next::Ends(end) => append(format_args!("    {packets} end: {end}\n"), text),
                }
            }
            more(list.len(), text);
        }
    }
}

fn only(letter: &str, list: &[(String, u64)], text: &mut String) {
    if list.is_empty() {
        return;
    }
    append(format_args!("Only in {letter}:\n"), text);
    for (name, packets) in list.iter().take(MOST) {
        append(format_args!("  {name} ({})\n", plural(*packets, "packet")), text);
    }
    more(list.len(), text);
}

/// What tells the packets apart where they begin, which may be why they part.
fn differs(difference: &Difference, text: &mut String) {
    let Some(differs) = &difference.differs else { return };
    if differs.is_empty() {
        let names = Traits::names().join(", ");
        return append(format_args!("Where they begin, nothing tells A from B ({names}).\n"), text);
    }
    text.push_str("What tells A from B where they begin:\n");
    for Differs { what, values: [a, b] } in differs {
        append(format_args!("  {what} "), text);
        values(a, text);
        text.push_str(" in A, ");
        values(b, text);
        text.push_str(" in B\n");
    }
}

fn values(values: &[Value], text: &mut String) {
    for (place, value) in values.iter().take(SHOWN).enumerate() {
        text.push_str(if place == 0 { "" } else { ", " });
        write_value(*value, text);
    }
    if values.len() > SHOWN {
        append(format_args!(" and {} more", values.len() - SHOWN), text);
    }
}

fn write_value(value: Value, text: &mut String) {
    match value {
        Value::Number(number) => append(format_args!("{number}"), text),
        Value::Protocol(number) => flow::write_protocol(number, text),
        Value::Mark(mark) => append(format_args!("{mark:#x}"), text),
        Value::Address(address) => flow::write_address(address, text),
        Value::Name(name) => super::escape(name.bytes(), text),
    }
}

fn more(count: usize, text: &mut String) {
    if count > MOST {
        append(format_args!("    and {} more\n", count - MOST), text);
    }
}

fn unseen(sides: &[BTreeSet<String>; 2], text: &mut String) {
    for (names, other) in sides.iter().zip(["B", "A"]).filter(|(names, _)| !names.is_empty()) {
        append(format_args!("Not compared, for {other} could not see it: "), text);
        let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
        text.push_str(&shown.join(", "));
        if names.len() > MOST {
            append(format_args!(" and {} more", names.len() - MOST), text);
        }
        text.push_str(".\n");
    }
}

fn latency(moved: &[Moved], text: &mut String) {
    for Moved { between, p50, p99 } in moved.iter().take(MOST) {
        match between {
            None => text.push_str("The whole way"),
            Some((from, to)) => append(format_args!("From {from} to {to}"), text),
        }
        text.push_str(" takes ");
        duration::write(p50[0], text);
        text.push_str(" in A, ");
        duration::write(p50[1], text);
        text.push_str(" in B (p99 ");
        duration::write(p99[0], text);
        text.push_str(", ");
        duration::write(p99[1], text);
        text.push_str(").\n");
    }
    more(moved.len(), text);
}

/// Appends the comparison as a JSON object on a line of its own.
pub fn json(difference: &Difference, out: &mut Vec<u8>) {
    let mut line = String::new();
    let mut object = Object::begin(&mut line);
    object.number("v", VERSION);
    object.text("type", |out| out.push_str("diff"));
    object.truth("parts", difference.parts);
    object.number("shared", difference.shared as u64);
    if let Some(last) = &difference.last {
        object.text("last", |out| out.push_str(last));
    }
    for (index, key) in ["a", "b"].into_iter().enumerate() {
        object.object(key, |inner| side(difference, index, inner));
    }
    object.objects("moved", &difference.moved, |moved, inner| {
        if let Some((from, to)) = &moved.between {
            inner.text("from", |out| out.push_str(from));
            inner.text("to", |out| out.push_str(to));
        }
        for (key, value) in [("a_p50_ns", moved.p50[0]), ("b_p50_ns", moved.p50[1])] {
            inner.number(key, value);
        }
        for (key, value) in [("a_p99_ns", moved.p99[0]), ("b_p99_ns", moved.p99[1])] {
            inner.number(key, value);
        }
    });
    if let Some(differs) = &difference.differs {
        object.objects("differs", differs, |differs, inner| {
            inner.text("what", |out| out.push_str(differs.what));
            for (key, values) in ["a", "b"].into_iter().zip(&differs.values) {
                inner.list(key, values, |value, out| write_value(*value, out));
            }
        });
    }
    object.end();
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

fn side(difference: &Difference, index: usize, object: &mut Object<'_>) {
    object.number("packets", difference.packets[index]);
    object.number("strayed", difference.strayed[index]);
    object.objects("next", &difference.next[index], |(next, packets), inner| {
        match next {
            Next::Goes(name) => inner.text("func", |out| out.push_str(name)),
            Next::Ends(end) => inner.text("end", |out| out.push_str(end)),
        }
        inner.number("packets", *packets);
    });
    object.objects("only", &difference.only[index], |(name, packets), inner| {
        inner.text("func", |out| out.push_str(name));
        inner.number("packets", *packets);
    });
    object.objects("unseen", &difference.unseen[index], |name, inner| inner.text("func", |out| out.push_str(name)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        track::{Side, diff, testing::Script},
        view::paths::{
            side,
            tests::{four_packets, with_profile},
        },
    };

    /// As many packets as are enough to speak of latency, of which some are dropped.
    fn packets(slower: u64, dropped: bool) -> Side {
        let mut script = Script::default();
        for packet in 1..=20_u64 {
            let (branch, start) = (packet as u32, packet * 1_000_000);
            script.hit(start, packet, branch, "ip_rcv");
            script.hit(start + 2_000 * slower, packet, branch, "nf_hook_slow");
            if dropped {
                script.hit(start + 50_000, packet, branch, "drop");
            } else {
                script.hit(start + 50_000, packet, branch, "ip_local_deliver");
                script.hit(start + 51_000, packet, branch, "tcp_v4_do_rcv");
            }
            script.hit(start + 60_000, packet, branch, "kfree_skbmem");
        }
        all_known(with_profile(&script, side))
    }

    /// Each script has probes of its own.
    fn all_known(side: Side) -> Side {
        Side { probes: BTreeSet::new(), ..side }
    }

    fn print(a: &Side, b: &Side) -> String {
        let mut out = Vec::new();
        text(&diff(a, b), ["a.pcapng", "b\x1b.pcapng"], &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_firewall_rule_and_a_slow_hook() {
        insta::assert_snapshot!(print(&packets(1, false), &packets(3, true)), @r"
        A: a.pcapng
        B: b\x1b.pcapng
        A and B go the same way for 2 hops, up to nf_hook_slow; there
          A (20 packets) goes on to ip_local_deliver
          B (20 packets) ends: dropped: NETFILTER_DROP at nft_do_chain+0x1c2
        Only in A:
          ip_local_deliver (20 packets)
          tcp_v4_do_rcv (20 packets)
        From ip_rcv to nf_hook_slow takes 2.00 µs in A, 6.00 µs in B (p99 2.00 µs, 6.00 µs).
        ");
    }

    #[test]
    fn no_difference_and_nothing_to_compare() {
        let one = packets(1, false);
        let text = print(&one, &one);
        assert!(text.contains("go the same way for all 4 hops.\n") && !text.contains("Only"), "{text}");
        assert!(print(&one, &Side::default()).contains("B has no packets"));
    }

    #[test]
    fn what_the_other_kernel_does_not_have() {
        let (mut a, mut b) = (packets(1, false), packets(1, true));
        a.probes = ["ip_rcv", "nf_hook_slow", "ip_local_deliver", "tcp_v4_do_rcv"].map(str::to_owned).into();
        b.probes = ["ip_rcv", "ip_local_deliver"].map(str::to_owned).into();
        let text = print(&a, &b);
        assert!(
            text.contains(
                "go the same way for 1 hop, up to ip_rcv; there\n  A (20 packets) goes on to ip_local_deliver"
            ),
            "{text}"
        );
        assert!(text.contains("Not compared, for B could not see it: nf_hook_slow, tcp_v4_do_rcv.\n"), "{text}");
    }

    #[test]
    fn a_side_that_divides() {
        let divided = all_known(with_profile(&four_packets(), side));
        let text = print(&packets(1, true), &divided);
        assert!(text.contains("  B (4 packets) divides:\n    3 to tcp_v4_do_rcv\n    1 end: dropped"), "{text}");
    }

    #[test]
    fn as_json() {
        let mut out = Vec::new();
        json(&diff(&packets(1, false), &packets(3, true)), &mut out);
        let text = String::from_utf8(out).unwrap();
        insta::assert_snapshot!(text);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let documentation = include_str!("../../../assets/output-json.md");
        let parts = [&value, &value["a"], &value["a"]["next"][0], &value["b"]["next"][0], &value["moved"][0]];
        for key in parts.iter().filter_map(|part| part.as_object()).flat_map(|object| object.keys()) {
            assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
        }
    }
}
