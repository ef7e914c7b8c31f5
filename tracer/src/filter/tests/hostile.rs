//! Anything may be typed: an error or a program comes of it, soon.

use proptest::{prelude::*, sample::select};
use tracer_common::{
    event::{HEADER_BYTES, PACKET_BYTES},
    predicate::MAX_NODES,
};

use super::keys::Machine;
use super::samples::events;
use crate::filter::{Anywhere, EventSource, Framing, PacketSource, Request, compile, explain};
use crate::model::{Details, Headers, Origin, ProbeId};

const VALID: &[&str] = &[
    "netns web and (ifname == e* or not comm != \"a b\")",
    "mark & 0xff == 3 or mark 5/7 or pid >= 12",
    "drop and not drop NO_SOCKET or drop != 0x30001",
    "func ip_(rcv|output) or func \"tcp.*\" and skb->u8 & 3 >= 2",
    "(skb->i32 & 3) == 1 and skb->sk or skb->i64 < -4294967296 and skb->be16 > 0x800",
    "inner(inner(tcp port 80) or vlan 5 and net fd00::/126) and ip6 protochain 6",
    "ip[2:2] - 4 * (ip[0] & 15) > 100 and not port 80 or 443 or ssh",
    "ether host 02:00:00:00:00:01 or broadcast or llc ui or mpls 5",
];

const WORDS: &[&str] = &[
    "netns",
    "ifname",
    "comm",
    "mark",
    "pid",
    "func",
    "drop",
    "inner",
    "inner(",
    "skb->u8",
    "skb->",
    "skb->u64",
    "skb",
    "(",
    "(",
    ")",
    ")",
    "and",
    "or",
    "not",
    "!",
    "&&",
    "||",
    "==",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&",
    "|",
    "/",
    "-",
    "+",
    "*",
    "?",
    "5",
    "0xff",
    "4294967296",
    "99999999999999999999",
    "123456789012",
    "tcp",
    "port",
    "host",
    "vlan",
    "ip[",
    "]",
    ":",
    "a*",
    "veth?",
    "\"a b\"",
    "'",
    "\"",
    "web",
    "inode:5",
    "NO_SOCKET",
    "10.0.0.1",
    "::1",
    "len",
    "\\tcp",
    "[a-z]{9}{9}{9}",
    "(?i)x",
    "$",
    "^",
    "\u{1f980}",
    "\u{0}",
];

/// Compiles, and runs what comes of it over every kind of source.
fn survives(expression: &str) -> Result<(), TestCaseError> {
    for environment in [&Machine as &dyn crate::filter::Environment, &Anywhere] {
        let request = Request { expression, environment, inside: &["udp"], ..Request::default() };
        for request in [Request { inside: &[], ..request }, request] {
            let Ok(compiled) = compile(&request).map_err(|error| error.to_string()) else { continue };
            prop_assert!(compiled.program.count as usize <= MAX_NODES);
            prop_assert!(explain(&compiled).lines().count() <= MAX_NODES + 1);
            for event in events() {
                compiled.program.evaluate(&mut EventSource::new(&event, &compiled.program));
            }
        }
    }
    Ok(())
}

#[test]
fn every_prefix() {
    for expression in VALID {
        assert!(compile(&Request { expression, environment: &Machine, ..Request::default() }).is_ok(), "{expression}");
        for (end, _) in expression.char_indices() {
            survives(&expression[..end]).expect("an error or a program");
            survives(&expression[end..]).expect("an error or a program");
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn soup(words in proptest::collection::vec(select(WORDS), 0..24), glue in select(&[" ", ""][..])) {
        survives(&words.join(glue))?;
    }

    #[test]
    fn bytes_at_random(text in "\\PC{0,60}") {
        survives(&text)?;
    }

    #[test]
    fn a_letter_changed(expression in select(VALID), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut letters: Vec<char> = expression.chars().collect();
        let at = at.index(letters.len());
        letters[at] = with;
        survives(&letters.into_iter().collect::<String>())?;
    }

    /// No packet, whatever its bytes, leads a program astray.
    #[test]
    fn packets_at_random(packet in proptest::collection::vec(any::<u8>(), 0..120), tunnel in 0..4usize, ethernet in any::<bool>()) {
        let mut packet = packet;
        let start: &[u8] = [&[][..], &[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 47], &[0x46, 0, 0, 40, 0, 0, 0, 0, 64, 4], &[0x60, 0, 0, 0, 0, 0, 60]][tunnel];
        packet.iter_mut().zip(start).for_each(|(byte, new)| *byte = *new);
        let framing = if ethernet { Framing::Ethernet } else { Framing::RawIp };
        for expression in ["inner(tcp port 80)", "inner(inner(inner(vlan and ip6 host ::1)))", "not inner(ether[2:4] = 7)"] {
            super::program(expression).evaluate(&mut PacketSource::new(framing, &packet, packet.len() as u32));
        }
    }
}

proptest! {
    #![proptest_config(config())]

    /// No event does either, whatever a damaged recording made of it.
    #[test]
    fn events_at_random(
        headers in proptest::collection::vec(any::<u8>(), HEADER_BYTES),
        packet in proptest::collection::vec(any::<u8>(), 0..PACKET_BYTES),
        (len, protocol, probe, vlan) in (any::<u16>(), any::<u16>(), any::<u32>(), any::<Option<(u16, u16)>>()),
        (origin, whole) in (select(&[Origin::Packet, Origin::Socket, Origin::Unknown][..]), any::<bool>()),
    ) {
        let mut event = super::samples::event(protocol, "");
        event.headers = Headers { origin, len, protocol, bytes: headers.clone().try_into().expect("so many bytes") };
        (event.probe, event.vlan) = (ProbeId(probe), vlan);
        let packet = if whole { [&packet[..14.min(packet.len())], &headers].concat() } else { packet };
        event.details = Some(Box::new(Details { packet, ..Details::default() }));
        for expression in ["inner(tcp port 80) or drop 5 or func x", "vlan and vlan 5 and ip[60:4] = 1 or port 80 and ether[12:2] = 8"] {
            let program = super::program(expression);
            program.evaluate(&mut EventSource::new(&event, &program));
        }
    }
}

#[test]
fn too_much_of_everything() {
    let refused = |expression: String, expected: &str| {
        let request = Request { expression: &expression, environment: &Machine, ..Request::default() };
        let error = compile(&request).map(|_| ());
        let error = error.expect_err(&expression[..expression.len().min(50)]).to_string();
        assert!(error.contains(expected) && error.chars().count() < 500, "{error}");
    };
    let many = |count: u32, part: fn(u32) -> String, join: &str| (0..count).map(part).collect::<Vec<_>>().join(join);
    refused("ifname a or ".repeat(10_000), "bytes");
    refused("not (".repeat(1000), "100 deep");
    refused("inner(".repeat(1000), "3 packets inside");
    refused(format!("func {}", "(".repeat(5000)), "regular expression");
    refused(r"func (\w{900}){900}".to_owned(), "regular expression");
    refused(many(1000, |i| format!("func f{i}"), " or "), "more than 8");
    refused(many(250, |i| format!("mark & {i} = 0"), " and "), "may");
    refused(many(200, |i| format!("inner(port {i} and host 10.0.0.{i})"), " or "), "fit");
    refused(many(150, |i| format!("inner(ip[{i}] = 1) and ip[{i}] = 1"), " and "), "fit");
    refused(format!("skb->{}", "a->".repeat(5000)), "no member");
    refused(format!("drop {}", "A".repeat(16_000)), "no such reason");
    refused(format!("comm {}", "a".repeat(16_000)), "at most 15 bytes");
    for expression in
        [many(100, |i| format!("ifname e{i} and netns {i}"), " or "), many(1000, |i| format!("ifname a{i}"), " or ")]
    {
        let compiled = compile(&Request { expression: &expression, ..Request::default() });
        assert!(compiled.is_ok_and(|compiled| compiled.program.count as usize <= MAX_NODES), "{expression}");
    }
}
