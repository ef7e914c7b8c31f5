//! Paths of scripts, as people and programs read them.

use super::*;
use crate::{
    track::{
        Limits, PathLimits,
        testing::{POD, Script, name, tracked},
    },
    view::{Style, tests::Sample},
};

/// Three packets that are delivered in a pod, each slower than the one before, and one that is dropped.
pub(in crate::view) fn four_packets() -> Script {
    let mut script = Script::default();
    for packet in 1..=3_u64 {
        let (branch, start) = (packet as u32, packet * 1_000_000);
        script.hit(start, packet, branch, "ip_rcv");
        script.hit(start + 1_000 * packet, packet, branch, "nf_hook_slow");
        script.branch(start + 1_000 * packet + 10, packet, branch + 10, branch);
        script.hit(start + 1_000 * packet + 30, packet, branch + 10, "packet_rcv");
        let event = script.hit(start + 20_000 * packet, packet, branch, "tcp_v4_do_rcv");
        (event.netns, event.ifname) = (Some(POD), name(["eth0", "eth0", "eth1"][packet as usize - 1]));
        script.end(start + 50_000, packet, branch);
        script.end(start + 50_000, packet, branch + 10);
    }
    script.hit(9_000_000, 9, 9, "ip_rcv");
    script.hit(9_000_400, 9, 9, "nf_hook_slow");
    script.hit(9_000_900, 9, 9, "drop");
    script.hit(9_001_000, 9, 9, "kfree_skbmem");
    script
}

/// Calls `show` with the profile of a script.
pub(in crate::view) fn with_profile<T>(script: &Script, show: impl FnOnce(&Profile<'_>) -> T) -> T {
    let sample = Sample::new();
    let context = Context { probes: &script.probes, ..sample.context() };
    let (tracker, journeys) = tracked(script, Limits::default());
    let mut paths = Paths::new(PathLimits::default());
    for journey in &journeys {
        paths.add(journey);
    }
    show(&Profile { paths: &paths, tables: tracker.tables(), context: &context })
}

fn print(script: &Script, show: impl Fn(&Profile<'_>, &mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    with_profile(script, |profile| show(profile, &mut out));
    String::from_utf8(out).unwrap()
}

#[test]
fn as_text() {
    insta::assert_snapshot!(print(&four_packets(), |profile, out| text(profile, 9, Style::Plain, out)));
}

#[test]
fn only_the_top() {
    let text = print(&four_packets(), |profile, out| text(profile, 1, Style::Plain, out));
    assert!(!text.contains("dropped") && text.ends_with("\n1 more paths of 1 packet (--top 0 shows all)\n"), "{text}");
    assert_eq!(
        print(&Script::default(), |profile, out| super::text(profile, 1, Style::Plain, out)),
        "0 packets on 0 paths\n"
    );
}

#[test]
fn as_folded_stacks() {
    insta::assert_snapshot!(print(&four_packets(), |profile, out| folded(profile, Weight::Packets, out)), @r"
    ip_rcv;nf_hook_slow;tcp_v4_do_rcv;+_copy;packet_rcv;delivered:_to_a_TCP_socket 3
    ip_rcv;nf_hook_slow;skb:kfree_skb(NETFILTER_DROP_at_nft_do_chain+0x1c2);kfree_skbmem;dropped:_NETFILTER_DROP_at_nft_do_chain+0x1c2 1
    ");
    insta::assert_snapshot!(print(&four_packets(), |profile, out| folded(profile, Weight::Time, out)), @r"
    ip_rcv 6000
    ip_rcv;nf_hook_slow 114000
    ip_rcv;nf_hook_slow;tcp_v4_do_rcv;+_copy 60
    ip_rcv 400
    ip_rcv;nf_hook_slow 500
    ip_rcv;nf_hook_slow;skb:kfree_skb(NETFILTER_DROP_at_nft_do_chain+0x1c2) 100
    ");
}

#[test]
fn a_frame_is_one_word() {
    let mut script = Script::default();
    script.hit(0, 1, 1, "a;b c\x1b");
    let text = print(&script, |profile, out| folded(profile, Weight::Packets, out));
    assert_eq!(text, "a:b_c\\x1b;last_seen:_in_a:b_c\\x1b 1\n");
}

#[test]
fn as_json() {
    let text = print(&four_packets(), json);
    insta::assert_snapshot!(text);
    let documentation = include_str!("../../../../assets/output-json.md");
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let steps = value["steps"].as_array().cloned().unwrap_or_default();
        for key in steps.iter().chain([&value]).filter_map(|value| value.as_object()).flat_map(|object| object.keys()) {
            assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
        }
    }
}
