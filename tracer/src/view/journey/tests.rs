//! Scripts of records, and what people and programs read of them.

use super::*;
use crate::{
    model::{ChangeKind, Event, EventKind},
    track::{
        Limits,
        testing::{POD, Script, name, tracked, udp},
    },
    view::{Style, facts::testing::Few, tests::Sample},
};

fn print(script: &Script, style: Style) -> String {
    let sample = Sample::new();
    let context = Context { probes: &script.probes, ..sample.context() };
    let (tracker, journeys) = tracked(script, Limits::default());
    let mut out = Vec::new();
    for journey in &journeys {
        text(&Story { journey, tables: tracker.tables(), context: &context }, style, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn print_json(script: &Script) -> String {
    let sample = Sample::new();
    let context = Context { probes: &script.probes, ..sample.context() };
    let (tracker, journeys) = tracked(script, Limits::default());
    let mut out = Vec::new();
    for journey in &journeys {
        json(&Story { journey, tables: tracker.tables(), context: &context }, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn in_pod(event: &mut Event) {
    (event.netns, event.ifindex, event.ifname) = (Some(POD), Some(2), name("eth0"));
}

/// From one namespace to another, changed on the way, read there.
fn through_a_pod() -> Script {
    let mut script = Script::default();
    let start = 1_002_003_004;
    let first = script.hit(start, 12, 12, "ip_send_skb");
    (first.ifindex, first.ifname) = (None, name(""));
    script.hit(start + 1_250, 12, 12, "nf_hook_slow");
    let nat = script.hit(start + 2_000, 12, 12, "ip_finish_output");
    nat.headers = udp([10, 0, 0, 1], [10, 244, 1, 7], 5353);
    nat.mark = 0x100;
    let after = |event: &mut Event| {
        in_pod(event);
        event.headers = udp([10, 0, 0, 1], [10, 244, 1, 7], 5353);
        event.mark = 0x100;
        event.cpu = 1;
    };
    after(script.hit(start + 90_600, 12, 12, "__netif_receive_skb"));
    after(script.hit(start + 92_000, 12, 12, "udp_queue_rcv_one_skb"));
    after(script.hit(start + 93_000, 12, 12, "skb_consume_udp"));
    after(script.hit(start + 95_000, 12, 12, "kfree_skbmem"));
    script.end(start + 95_100, 12, 12);
    script
}

#[test]
fn a_packet_in_its_context() {
    let script = through_a_pod();
    let sample = Sample::new();
    let context = Context { probes: &script.probes, facts: Some(&Few), ..sample.context() };
    let (tracker, journeys) = tracked(&script, Limits::default());
    let mut out = Vec::new();
    let story = Story { journey: &journeys[0], tables: tracker.tables(), context: &context };
    text(&story, Style::Plain, &mut out);
    json(&story, &mut out);
    let out = String::from_utf8(out).unwrap();
    insta::assert_snapshot!(out);
    let mut found = Vec::new();
    keys(&serde_json::from_str(out.lines().last().unwrap()).unwrap(), &mut found);
    let documentation = include_str!("../../../../assets/output-json.md");
    for key in found {
        assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
    }
}

#[test]
fn a_packet_that_is_delivered() {
    insta::assert_snapshot!(print(&through_a_pod(), Style::Plain));
}

#[test]
fn a_packet_that_is_dropped_and_its_copy() {
    let mut script = Script::default();
    script.hit(0, 4, 4, "ip_rcv");
    script.branch(100, 4, 7, 4);
    script.hit(120, 4, 7, "packet_rcv");
    script.hit(130, 4, 7, "consume_skb");
    script.hit(300, 4, 4, "nf_hook_slow");
    script.hit(400, 4, 4, "drop");
    script.end(500, 4, 4);
    script.end(510, 4, 7);
    insta::assert_snapshot!(print(&script, Style::Plain));
}

#[test]
fn how_packets_end() {
    type Change = fn(&mut Script);
    let ends: [(&str, Change); 8] = [
        ("sent", |script| {
            script.hit(10, 1, 1, "dev_hard_start_xmit");
            script.end(11, 1, 1);
        }),
        ("freed", |script| script.end(11, 1, 1)),
        ("merged", |script| {
            script.change(10, ChangeKind::Merged, 1, 2, Some(1));
            script.end(11, 1, 1);
            script.end(12, 1, 2);
        }),
        ("on its way", |_| ()),
        ("silence", |script| {
            script.hit(9_000_000_000, 2, 2, "ip_rcv");
        }),
        ("program", |script| {
            let event = script.hit(10, 1, 1, "xdp_filter");
            (event.kind, event.returned) = (EventKind::Xdp, Some(1));
        }),
        ("no reason", |script| {
            let event = script.hit(10, 1, 1, "drop");
            (event.reason, event.caller) = (None, None);
        }),
        ("address", |script| {
            script.hit(10, 0, 1, "kfree_skbmem");
        }),
    ];
    let mut found = String::new();
    for (what, change) in ends {
        let mut script = Script::default();
        script.hit(0, 1, 1, "ip_rcv");
        change(&mut script);
        let text = print(&script, Style::Plain);
        let last = |line: &&str| line.starts_with("  ") && line.contains(" after ");
        found.extend(text.lines().filter(last).map(|line| format!("{what}: {}\n", line.trim())));
    }
    insta::assert_snapshot!(found);
}

#[test]
fn lines_fit_eighty_columns() {
    let mut script = through_a_pod();
    for record in &mut script.records {
        if let crate::model::Record::Hit(event) = record {
            event.time += 3_000_000_000_000;
            event.ifname = name("abcdefghijklmno");
            event.comm = name("abcdefghijklmno");
            event.pid = 4_194_304;
        }
    }
    script.hit(3_001_100_000_000, 12, 12, "drop");
    for line in print(&script, Style::Plain).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn names_do_not_steer_the_terminal() {
    let mut script = Script::default();
    let event = script.hit(0, 1, 1, "skb_copy_datagram_iter\x1b[1m");
    (event.ifname, event.comm) = (name("a\x1b[2J"), name("b\x07"));
    for text in [print(&script, Style::Plain), print_json(&script)] {
        assert!(!text.contains('\x1b') && !text.contains('\x07') && text.contains("x1b[2J"), "{text}");
    }
    assert!(print(&script, Style::Colour).contains("\x1b[1mpacket 1"));
}

#[test]
fn as_json() {
    insta::assert_snapshot!(print_json(&through_a_pod()));
}

/// Names of all keys in a line.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    if let Some(list) = value.as_array() {
        for value in list {
            keys(value, found);
        }
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        found.push(key.clone());
        keys(value, found);
    }
}

#[test]
fn every_key_is_documented() {
    let mut script = through_a_pod();
    script.branch(1_002_003_100, 12, 14, 12);
    script.hit(1_002_003_200, 12, 14, "drop");
    script.end(1_002_003_300, 12, 14);
    let sent = script.hit(1_002_003_400, 0, 5, "dev_hard_start_xmit");
    sent.headers = crate::view::tests::headers(0x0806, &crate::view::tests::ARP);
    let program = script.hit(1_002_003_401, 0, 5, "tc");
    (program.kind, program.returned) = (EventKind::Tc, Some(2));
    script.hit(1_002_003_402, 0, 5, "kfree_skbmem");
    script.hit(1_002_003_500, 20, 20, "a").first = false;
    script.change(1_002_003_600, ChangeKind::Merged, 20, 21, Some(20));
    let documentation = include_str!("../../../../assets/output-json.md");
    let mut found = Vec::new();
    for line in print_json(&script).lines() {
        keys(&serde_json::from_str(line).unwrap(), &mut found);
    }
    assert!(found.len() > 50);
    for key in found {
        assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
    }
}
