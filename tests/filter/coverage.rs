//! Every word of the language is met by packets: each has a packet that matches it, and one that does not.

use skbtrail::{filter, record::capture::LinkType};
use tracer_common::predicate::Verdict;

use super::Capture;

/// The words of the language, as its source has them.
const WORDS: &str = include_str!("../../tracer/src/filter/syntax/words.rs");

/// Words that no packet can tell apart, and why.
const EXCEPTIONS: &[(&str, &str)] =
    &[("ether", "the link layer is no condition"), ("link", "the link layer is no condition")];

/// What each kind of word stands in.
fn expression(table: &str, word: &str) -> String {
    match (table, word) {
        ("PROTOCOLS", _) => word.to_owned(),
        ("KINDS", "host") => "host 10.0.0.1".to_owned(),
        ("KINDS", "net") => "net 10.0.0.0/8".to_owned(),
        ("KINDS", "port") => "port 80".to_owned(),
        ("KINDS", "portrange") => "portrange 1-100".to_owned(),
        ("KINDS", "proto") => "ip proto 17".to_owned(),
        ("KINDS", "protochain") => "ip6 protochain 58".to_owned(),
        ("NUMBERS", _) => number(word),
        other => panic!("no expression for {other:?}"),
    }
}

fn number(word: &str) -> String {
    match word.split('-').next() {
        Some("tcp") => format!("tcp[tcpflags] & {word} != 0"),
        Some("tcpflags") => "tcp[tcpflags] = tcp-syn".to_owned(),
        Some("icmp") => format!("icmp[icmptype] = {word}"),
        Some("icmp6") => format!("icmp6[icmp6type] = {word}"),
        Some("icmp6type") => "icmp6[icmp6type] = 128".to_owned(),
        Some("icmp6code") => "icmp6[icmp6code] = 1".to_owned(),
        Some("icmpcode") => "icmp[icmpcode] = 1".to_owned(),
        _ => "icmp[icmptype] = 8".to_owned(),
    }
}

/// What stands for itself: no table holds it.
const OTHERS: &[&str] = &[
    "src 10.0.0.1",
    "dst 10.0.0.1",
    "src and dst net 10",
    "net 10.0.0.0 mask 255.0.0.0",
    "host fd77::1",
    "net fd77::/16",
    "ether host 02:00:00:00:00:01",
    "ether src 02:00:00:00:00:01",
    "ether proto 0x0800",
    "broadcast",
    "multicast",
    "ip broadcast",
    "ip multicast",
    "ip6 multicast",
    "less 100",
    "greater 100",
    "len = 60",
    "vlan",
    "vlan 5",
    "vlan and vlan",
    "mpls",
    "mpls 5",
    "mpls and mpls",
    "pppoed",
    "pppoes",
    "pppoes 5",
    "llc",
    "llc i",
    "llc s",
    "llc u",
    "llc rr",
    "llc rnr",
    "llc rej",
    "llc ui",
    "llc ua",
    "llc disc",
    "llc sabme",
    "llc test",
    "llc xid",
    "llc frmr",
    "ip6 proto 44",
    "iso proto 0x81",
    "isis proto 20",
    "tcp port 80",
    "udp port 53",
    "sctp port 80",
    "ip[6:2] & 0x1fff != 0",
    "ip6[6] = 58",
    "arp[7] = 1",
    "ether[0] & 1 = 1",
];

/// Words of a table: the first string of each of its entries.
fn words(table: &str) -> Vec<&'static str> {
    let start = WORDS.split(&format!("const {table}:")).nth(1).expect("the table");
    let body = start.split("];").next().unwrap_or_default();
    let entries = body.split("(\"").skip(1);
    entries.filter_map(|entry| entry.split('"').next()).collect()
}

#[test]
fn every_word_matches_a_packet_and_rejects_one() {
    let folder = tempfile::tempdir().expect("failed to make a folder");
    let capture = Capture::new(&folder, LinkType::ETHERNET);
    let tables = [("PROTOCOLS", 30), ("KINDS", 6), ("NUMBERS", 30)];
    let mut expressions: Vec<String> = OTHERS.iter().map(|&text| text.to_owned()).collect();
    for (table, least) in tables {
        let words = words(table);
        assert!(words.len() >= least, "{} words in {table}", words.len());
        let met = words.iter().filter(|word| !EXCEPTIONS.iter().any(|(exception, _)| exception == *word));
        expressions.extend(met.map(|word| expression(table, word)));
    }
    let faults: Vec<String> = expressions.iter().filter_map(|expression| fault(&capture, expression)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn fault(capture: &Capture, expression: &str) -> Option<String> {
    let compiled = filter::compile(&filter::Request { expression, ..filter::Request::default() });
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return Some(format!("`{expression}`: {error}")),
    };
    let says = |verdict| {
        let judge = |packet| capture.judge(&compiled, packet, &mut super::Tally::default());
        capture.packets.iter().any(|packet| judge(packet) == verdict)
    };
    let missing = [Verdict::Match, Verdict::Reject].into_iter().find(|verdict| !says(*verdict));
    missing.map(|verdict| format!("`{expression}`: no packet gives {verdict:?}"))
}
