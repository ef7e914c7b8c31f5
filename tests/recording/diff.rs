//! Two recordings compared, and two filters over one.

use skbtrail::model::{EventKind, Record};

use super::{Folder, sample::Sample, text};

/// The sample once more, with the datagram let through.
fn good(folder: &Folder) {
    let mut sample = Sample::new();
    sample.records.retain(|record| !matches!(record, Record::Hit(event) if event.kind == EventKind::Drop));
    sample.write(&folder.path("good.pcapng"), true, &sample.records);
}

#[test]
fn two_recordings_part_where_one_drops() {
    let folder = Folder::new();
    good(&folder);
    let found = folder.stdout(&["diff", "good.pcapng", "sample.pcapng", "--filter", "udp"]);
    insta::assert_snapshot!(found, @r"
    A: good.pcapng, udp
    B: sample.pcapng, udp
    A and B go the same way for 4 hops, up to dev_queue_xmit; there
      A (1 packet) ends: freed: in good order, last in dev_queue_xmit
      B (1 packet) ends: dropped: NETFILTER_DROP at nft_do_chain+0x1c2
    Where they begin, nothing tells A from B (protocol, source, source port, destination, destination port, ICMP type, length, mark, process, device).
    ");
    let same = folder.stdout(&["diff", "sample.pcapng", "sample.pcapng"]);
    assert!(same.contains("A and B go the same way for all "), "{same}");
    let json: serde_json::Value = serde_json::from_str(&folder.stdout(&[
        "diff",
        "good.pcapng",
        "sample.pcapng",
        "--filter",
        "udp",
        "--output-json",
    ]))
    .unwrap();
    assert_eq!((&json["type"], &json["parts"], &json["b"]["packets"]), (&"diff".into(), &true.into(), &1.into()));
}

#[test]
fn two_filters_over_one_recording() {
    let folder = Folder::new();
    let found = folder.stdout(&["diff", "sample.pcapng", "--filter-a", "tcp", "--filter-b", "udp"]);
    assert!(found.starts_with("A: sample.pcapng, tcp\nB: sample.pcapng, udp\n"), "{found}");
    assert!(found.contains("dropped: NETFILTER_DROP at nft_do_chain+0x1c2"), "{found}");
    for args in [&["diff", "sample.pcapng"][..], &["diff", "sample.pcapng", "--filter", "tcp"]] {
        let output = folder.skbtrail(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("give a second recording, or --filter-a and --filter-b"));
    }
}
