//! Recordings filtered, as blocks of packets, and counted by path.

use super::{Folder, text};

fn rows(folder: &Folder, args: &[&str]) -> Vec<String> {
    let all = folder.stdout(&[&["replay", "sample.pcapng", "--columns", "journey,func"], args].concat());
    let words = |row: &str| row.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    all.lines().skip(1).map(|row| words(row.split('(').next().unwrap_or_default())).collect()
}

#[test]
fn a_packet_is_shown_from_its_first_hit_that_matches_on() {
    let folder = Folder::new();
    assert_eq!(rows(&folder, &[]).len(), 33);
    assert_eq!(rows(&folder, &["--filter", "udp port 53"]).len(), 5);
    let followed = rows(&folder, &["--filter", "udp and func ip_forward"]);
    assert_eq!(followed, ["8 ip_forward", "8 ip_output", "8 dev_queue_xmit", "8 skb:kfree_skb"]);
    assert_eq!(rows(&folder, &["--filter", "udp and func ip_forward", "--no-track"]), ["8 ip_forward"]);
    assert_eq!(rows(&folder, &["--filter", "drop NETFILTER_DROP"]), ["8 skb:kfree_skb"]);
    assert_eq!(rows(&folder, &["--filter-func", "ip_.*", "--filter", "arp"]).len(), 3);
    let inside = rows(&folder, &["--filter-netns", "host", "--filter-ifname", "v?", "--no-track"]);
    assert!(!inside.is_empty() && inside.len() < 33);
    assert!(rows(&folder, &["--filter-mark", "0x7777"]).is_empty());
    let limited = rows(&folder, &["--filter", "udp", "--output-limit-lines", "2"]);
    assert_eq!(limited, ["8 ip_rcv", "8 ip_forward"]);
}

#[test]
fn what_cannot_be_asked_or_judged_is_said() {
    let folder = Folder::new();
    for (filter, sentence) in [
        ("drop NETFILTER_DORP", "did you mean `NETFILTER_DROP`?"),
        ("netns hots", "the recording has no network namespace called `hots`, did you mean `host`?"),
        ("skb->mark == 1", "`skb->mark` is not in the recording"),
        ("tcp and", "expected"),
    ] {
        let output = folder.skbtrail(&["replay", "sample.pcapng", "--filter", filter]);
        assert_eq!(output.status.code(), Some(2), "{filter}");
        assert!(text(&output.stderr).contains(sentence), "{filter}: {}", text(&output.stderr));
    }
    let output = folder.skbtrail(&["replay", "sample.pcapng", "--filter", "ether host 2:0:0:0:0:1"]);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains(" hits could not be judged: "), "{said}");
}

#[test]
fn packets_are_blocks() {
    let folder = Folder::new();
    let blocks = folder.stdout(&["replay", "--group", "sample.pcapng", "--filter", "udp or arp"]);
    let blocks: Vec<&str> = blocks.trim().split("\n\n").collect();
    assert_eq!(blocks.len(), 2, "{blocks:#?}");
    assert!(
        blocks
            .iter()
            .any(|block| block.contains("dropped after") && block.contains("NETFILTER_DROP at nft_do_chain+0x1c2"))
    );
    let json = folder.stdout(&["replay", "--group", "--output-json", "sample.pcapng"]);
    let numbers: Vec<u64> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["journey"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers.len(), 8);
    assert_eq!(
        folder.stdout(&["replay", "--group", "--output-limit-lines", "3", "sample.pcapng"]).matches("packet ").count(),
        3
    );
}

/// A filter that all packets pass has every hit judged; without one, hits go to the tracker as rows.
#[test]
fn rows_and_events_give_the_same_paths_and_packets() {
    let folder = Folder::new();
    let all = "len_all or not len_all".replace("len_all", "greater 1");
    for more in [&[][..], &["--output-json"], &["--folded"], &["--by-device"]] {
        let rows = folder.stdout(&[&["paths", "-r", "sample.pcapng"], more].concat());
        let events = folder.stdout(&[&["paths", "-r", "sample.pcapng"], more, &[&all]].concat());
        assert_eq!(rows, events, "{more:?}");
        assert!(rows.contains("ip_forward"), "{rows}");
    }
    let rows = folder.stdout(&["replay", "--group", "--output-json", "sample.pcapng"]);
    assert_eq!(rows, folder.stdout(&["replay", "--group", "--output-json", "sample.pcapng", "--filter", &all]));
}

#[test]
fn paths_of_a_recording_are_counted() {
    let folder = Folder::new();
    let json = folder.stdout(&["paths", "-r", "sample.pcapng", "--output-json", "udp", "port", "53"]);
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["packets"], &lines[0]["what"]), (2, &1.into(), &"dropped".into()));
    assert_eq!(lines[0]["steps"].as_array().unwrap().len(), 5);
    let output = folder.skbtrail(&["paths", "-r", "sample.pcapng", "--duration", "3"]);
    assert_eq!(output.status.code(), Some(2));
}
