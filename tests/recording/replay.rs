//! Replay shows what a live run shows.

use skbtrail::{
    model::Record,
    symbol::Cache,
    view::{Clock, Context, Printer, Row, Selection, Style, Timestamp, json, text as text_view},
};

use super::{
    Folder,
    sample::{OneSymbol, Sample},
    text,
};

/// The sample as a live run prints it.
fn live(sample: &Sample, as_json: bool) -> String {
    let symbols = Cache::new(&OneSymbol);
    let clock = Clock::new(sample.start.clock_offset, jiff::tz::TimeZone::UTC);
    let context = Context {
        probes: &sample.probes,
        symbols: &symbols,
        reasons: &sample.reasons,
        namespaces: &sample.namespaces,
        clock: Some(&clock),
        metadata: &sample.start.metadata,
        facts: None,
        timestamp: Timestamp::Absolute,
        tcp_flags: true,
    };
    let selection = Selection { timestamp: Timestamp::Absolute, netns_names: true, ..Selection::default() };
    let mut printer = if as_json {
        Printer::Json(json::Printer::new(&selection.json().unwrap()))
    } else {
        Printer::Text(text_view::Printer::new(&selection.text().unwrap(), &context, Style::Plain))
    };
    let mut out = Vec::new();
    printer.header(&mut out);
    for record in &sample.records {
        if let Record::Hit(event) = record {
            printer.event(&Row::new(event, &context), &mut out);
        }
    }
    text(&out)
}

#[test]
fn a_replay_shows_what_the_live_run_showed() {
    let (folder, sample) = (Folder::new(), Sample::new());
    let flags = ["--timestamp", "absolute", "--output-tcp-flags", "--output-netns-names"];
    for compress in [false, true] {
        sample.write(&folder.path("sample.pcapng"), compress, &sample.records);
        for (json, more) in [(false, &[][..]), (true, &["--output-json"][..])] {
            let args = [&["replay", "sample.pcapng"], &flags[..], more].concat();
            let expected = live(&sample, json);
            assert!(expected.lines().count() >= 33 && !expected.contains('\x1b'));
            assert_eq!(folder.stdout(&args), expected, "{args:?}");
        }
    }
}

#[test]
fn parts_of_a_recording_are_merged_by_time() {
    let (folder, sample) = (Folder::new(), Sample::new());
    let whole = folder.stdout(&["replay", "sample.pcapng", "--output-json"]);
    // The halves are split, and one of them is woven of both ends.
    let (first, second) = sample.records.split_at(17);
    let (even, odd): (Vec<_>, Vec<_>) =
        sample.records.iter().cloned().enumerate().partition(|(number, _)| number % 2 == 0);
    let strip = |records: Vec<(usize, Record)>| records.into_iter().map(|(_, record)| record).collect::<Vec<_>>();
    for (a, b) in [(first.to_vec(), second.to_vec()), (strip(even), strip(odd))] {
        sample.write(&folder.path("a"), false, &a);
        sample.write(&folder.path("b"), true, &b);
        assert_eq!(folder.stdout(&["replay", "b", "a", "--output-json"]), whole);
    }
}

#[test]
fn recordings_of_two_machines_share_a_clock_and_no_numbers() {
    let (folder, mut other) = (Folder::new(), Sample::new());
    other.start.run = 2;
    other.start.host = "node2".to_owned();
    other.start.clock_offset += 500_000;
    // On that machine everything has another number.
    other.probes.reverse();
    other.reasons = [(6, "TAP".to_owned()), (9, "NETFILTER_DROP".to_owned())].into();
    for record in &mut other.records {
        if let Record::Hit(event) = record {
            event.probe.0 = 4 - event.probe.0;
            event.reason = event.reason.map(|_| 9);
        }
    }
    other.write(&folder.path("other"), false, &other.records);
    let rows =
        folder.stdout(&["replay", "other", "sample.pcapng", "--columns", "time,func", "--timestamp", "absolute"]);
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert_eq!(rows.len(), 66);
    assert!(rows.is_sorted(), "{rows:#?}");
    let drops: Vec<&&str> = rows.iter().filter(|row| row.contains("kfree_skb")).collect();
    assert_eq!(drops.len(), 2);
    assert!(drops.iter().all(|row| row.ends_with("skb:kfree_skb(NETFILTER_DROP at nft_do_chain+0x1c2)")), "{drops:?}");
    assert_eq!(rows.iter().filter(|row| row.contains("ip_rcv")).count(), 16);
    // Packet 3 is that of the first machine alone.
    assert_eq!(folder.stdout(&["replay", "other", "sample.pcapng", "--packet", "3"]).lines().count(), 5);
}

#[test]
fn captures_of_other_programs_are_a_hop_a_packet() {
    let folder = Folder::new();
    folder.stdout(&["export", "--one-hop", "first", "-o", "foreign.pcapng", "sample.pcapng"]);
    let rows = |args: &[&str]| {
        let columns = ["--columns", "time,len,tuple,func", "--timestamp", "absolute"];
        let rows = folder.stdout(&[&["replay"], args, &columns[..]].concat());
        rows.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let all = rows(&["foreign.pcapng"]);
    assert_eq!(all.len(), 8, "{all:#?}");
    assert_eq!(all[1], "2026-11-19 14:53:30.001000 40 10.77.0.1:37026->10.77.0.2:80(tcp) captured");
    assert_eq!(rows(&["foreign.pcapng", "--packet", "2"]), all[1..2]);
    assert_eq!(rows(&["foreign.pcapng", "--from", "0.006"]), all[6..]);
    // Beside a recording it keeps its real times.
    let both = rows(&["foreign.pcapng", "sample.pcapng"]);
    assert_eq!(both.len(), 8 + 33);
    assert!(both.is_sorted_by_key(|row| row[..26].to_owned()), "{both:#?}");
}

#[test]
fn a_time_a_packet_and_a_number_of_lines_narrow_it() {
    let folder = Folder::new();
    let count = |args: &[&str]| {
        let args = [&["replay", "sample.pcapng"], args].concat();
        folder.stdout(&args).lines().count() - 1
    };
    assert_eq!(count(&[]), 33);
    assert_eq!(count(&["--packet", "8"]), 5);
    assert_eq!(count(&["--packet", "99"]), 0);
    assert_eq!(count(&["--from", "0.007"]), 5);
    assert_eq!(count(&["--from", "0.002", "--to", "0.004"]), 8);
    assert_eq!(count(&["--output-limit-lines", "7"]), 7);
}

#[test]
fn info_says_what_is_in_it() {
    let folder = Folder::new();
    let size = std::fs::metadata(folder.path("sample.pcapng")).unwrap().len();
    let info = folder.stdout(&["info", "sample.pcapng"]).replace(&format!("{size} bytes"), "SIZE");
    insta::assert_snapshot!(info, @r"
    file        sample.pcapng, SIZE
    machine     node1, Linux 6.12.0
    made by     skbtrail test, kprobe-multi, 5 probes
    command     skbtrail record
    filter      tcp or udp or arp
    time        2026-11-19 14:53:30.000 to 14:53:30.007, 0.007 s
    hits        33 of 8 packets that begin here, 8 changes
    counts      seen 36, shown 33, lost 3 (ring full 3)
    missing     nothing
    drops                1 NETFILTER_DROP
    functions            8 dev_queue_xmit
                         8 ip_forward
                         8 ip_output
                         8 ip_rcv
                         1 skb:kfree_skb
    interfaces          17 vb\x1b[31m:3, netns 4026531841
                        16 va:3, netns host:4026531840
    ");
    let json: serde_json::Value = serde_json::from_str(&folder.stdout(&["info", "--json", "sample.pcapng"])).unwrap();
    assert_eq!(json["hits"], 33);
    assert_eq!(json["counts"]["ring_full"], 3);
    assert_eq!(json["drops"]["NETFILTER_DROP"], 1);
    assert_eq!(json["start"]["filter"], "tcp or udp or arp");
    assert_eq!(json["missing"]["unfinished"], false);
}

#[test]
fn times_between_two_functions() {
    let folder = Folder::new();
    let args = [
        "paths",
        "-r",
        "sample.pcapng",
        "--top",
        "1",
        "--between",
        "ip_rcv,ip_output",
        "--between",
        "ip_rcv,kfree_skb",
    ];
    let text = folder.stdout(&args);
    let lines: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(
        lines[1],
        "from ip_rcv to ip_output: 8 packets, p50 2.00 µs, p90 2.00 µs, p99 2.00 µs, longest 2.00 µs (packet 1)"
    );
    let drop = "from ip_rcv to kfree_skb: 1 packet, p50 4.00 µs, p90 4.00 µs, p99 4.00 µs, longest 4.00 µs (packet 8); 7 never got there";
    assert_eq!(lines[0], drop);
    let json = folder.stdout(&[&args[..], &["--output-json"]].concat());
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["p50_ns"], &last["only_from"]), (&"between".into(), &4000.into(), &7.into()));
}
