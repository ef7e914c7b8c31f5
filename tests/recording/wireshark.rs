//! Wireshark's own tools as witnesses: they read every file without a warning and see what we mean (packages `tshark` and
//! `wireshark-common`).

use std::process::Command;

use skbtrail::model::{EventKind, Origin, Record};

use super::{
    Folder,
    sample::{FUNCTIONS, Sample},
    text,
};

/// What a tool prints about a file here. It must have nothing to complain about.
fn tool(folder: &Folder, name: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).current_dir(folder.path("")).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; apt install tshark wireshark-common"));
    let complaints = text(&output.stderr);
    let complaints: Vec<&str> = complaints.lines().filter(|line| !line.starts_with("Running as user")).collect();
    assert!(output.status.success() && complaints.is_empty(), "{name} {args:?}: {complaints:?}");
    text(&output.stdout)
}

/// Fields of each frame, with tabs between.
fn fields(folder: &Folder, file: &str, names: &[&str]) -> Vec<String> {
    let args: Vec<&str> =
        ["-r", file, "-T", "fields"].into_iter().chain(names.iter().flat_map(|name| ["-e", *name])).collect();
    tool(folder, "tshark", &args).lines().map(str::to_owned).collect()
}

#[test]
fn every_journey_shows_and_its_drop_names_reason_and_place() {
    let folder = Folder::new();
    let frames = fields(&folder, "sample.pcapng", &["frame.packet_id", "frame.interface_queue", "frame.comment"]);
    for packet in 1..=8 {
        let id = format!("{packet}\t{}\tip_rcv", (packet - 1) % 2);
        assert!(frames.contains(&id), "{frames:#?}");
    }
    assert!(frames.contains(&"8\t1\tdropped in skb:kfree_skb at nft_do_chain+0x1c2: NETFILTER_DROP".to_owned()));
    // First hop, behind the router, and the drop; to ARP the router does nothing.
    assert_eq!(frames.len(), 8 + 7 + 1, "{frames:#?}");
}

#[test]
fn what_comes_behind_the_end_shows_nothing_new() {
    let (folder, mut sample) = (Folder::new(), Sample::new());
    let before = fields(&folder, "sample.pcapng", &["frame.packet_id", "frame.comment"]);
    // Each packet's memory is given back where its end was told.
    let hits: Vec<Record> = sample.records.iter().filter(|record| matches!(record, Record::Hit(_))).cloned().collect();
    for last in hits.chunk_by(|one, next| one.branch() == next.branch()).filter_map(|hits| hits.last()) {
        let Record::Hit(mut event) = last.clone() else { continue };
        (event.kind, event.time, event.reason) = (EventKind::Call, event.time + 500_000, None);
        sample.records.push(Record::Hit(event));
    }
    sample.records.sort_by_key(Record::time);
    sample.write(&folder.path("later.pcapng"), false, &sample.records);
    assert_eq!(fields(&folder, "later.pcapng", &["frame.packet_id", "frame.comment"]), before);
    folder.stdout(&["export", "--one-hop", "last", "-o", "last.pcapng", "later.pcapng"]);
    assert_eq!(fields(&folder, "last.pcapng", &["frame.packet_id"]).len(), 8);
}

#[test]
fn a_drop_of_which_nothing_was_read_shows_too() {
    let (folder, mut sample) = (Folder::new(), Sample::new());
    for record in &mut sample.records {
        if let Record::Hit(event) = record {
            event.headers.origin = Origin::Unknown;
            event.details = None;
        }
    }
    sample.write(&folder.path("blind.pcapng"), false, &sample.records);
    let frames = fields(&folder, "blind.pcapng", &["frame.packet_id", "frame.cap_len", "frame.len", "frame.comment"]);
    assert_eq!(frames, ["8\t0\t32\tdropped in skb:kfree_skb at nft_do_chain+0x1c2: NETFILTER_DROP"]);
    tool(&folder, "editcap", &["blind.pcapng", "editcap.pcapng"]);
    tool(&folder, "capinfos", &["blind.pcapng"]);
}

#[test]
fn interfaces_have_names_and_link_types() {
    let folder = Folder::new();
    let names =
        ["frame.interface_name", "frame.interface_description", "frame.encap_type", "frame.protocols", "frame.len"];
    let mut frames = fields(&folder, "sample.pcapng", &names);
    frames.sort();
    frames.dedup();
    let expected = [
        "va|netns host:4026531840 ifindex 3|210|sll:ethertype:arp|48",
        "va|netns host:4026531840 ifindex 3|7|raw:ip:tcp:http|58",
        "va|netns host:4026531840 ifindex 3|7|raw:ip:tcp|40",
        "va|netns host:4026531840 ifindex 3|7|raw:ip:tcp|59",
        "va|netns host:4026531840 ifindex 3|7|raw:ip:udp:dns|32",
        "vb?[31m|netns 4026531841 ifindex 3|1|eth:ethertype:ip:tcp|54",
        "vb?[31m|netns 4026531841 ifindex 3|1|eth:ethertype:ip:tcp|72",
        "vb?[31m|netns 4026531841 ifindex 3|1|eth:ethertype:ip:tcp|73",
        "vb?[31m|netns 4026531841 ifindex 3|1|eth:ethertype:ip:udp:dns|46",
    ];
    let mut frames: Vec<String> = frames.iter().map(|frame| frame.replace('\t', "|")).collect();
    frames.sort();
    assert_eq!(frames, expected);
}

#[test]
fn capinfos_counts_what_is_lost() {
    let folder = Folder::new();
    let infos = tool(&folder, "capinfos", &["sample.pcapng"]);
    assert!(infos.contains("Number of packets:   16"), "{infos}");
    assert!(infos.contains("Capture oper-sys:    Linux 6.12.0"), "{infos}");
    assert!(infos.contains("Strict time order:   True"), "{infos}");
    assert!(infos.contains("Number of stat entries = 1"), "{infos}");
    let received: usize =
        infos.lines().filter_map(|line| line.split("Number of packets = ").nth(1)?.parse::<usize>().ok()).sum();
    assert_eq!(received, 16, "{infos}");
}

#[test]
fn rewriters_keep_the_packets_valid() {
    let folder = Folder::new();
    let names = [
        "frame.time_epoch",
        "frame.packet_id",
        "frame.comment",
        "frame.interface_name",
        "frame.len",
        "frame.protocols",
    ];
    let before = fields(&folder, "sample.pcapng", &names);
    tool(&folder, "editcap", &["sample.pcapng", "editcap.pcapng"]);
    tool(&folder, "mergecap", &["-w", "mergecap.pcapng", "sample.pcapng"]);
    tool(&folder, "tshark", &["-r", "sample.pcapng", "-w", "tshark.pcapng"]);
    for file in ["editcap.pcapng", "mergecap.pcapng", "tshark.pcapng"] {
        assert_eq!(fields(&folder, file, &names), before, "{file}");
        // Our hops are gone from it, and we say so.
        let output = folder.skbtrail(&["info", file]);
        assert!(text(&output.stderr).contains("it is a capture without skbtrail's hops in it"));
    }
}

#[test]
fn tcp_analysis_works_on_one_hop() {
    let folder = Folder::new();
    for hop in ["first", "last", FUNCTIONS[1]] {
        folder.stdout(&["export", "--one-hop", hop, "-o", "one.pcapng", "sample.pcapng"]);
        let frames = fields(&folder, "one.pcapng", &["frame.packet_id", "tcp.analysis.flags", "frame.comment"]);
        let ids: Vec<&str> = frames.iter().map(|frame| frame.split('\t').next().unwrap()).collect();
        assert_eq!(ids, ["1", "2", "3", "4", "5", "6", "7", "8"], "{hop}");
        assert!(frames.iter().all(|frame| frame.split('\t').nth(1) == Some("")), "{hop}: {frames:#?}");
        let conversation = tool(&folder, "tshark", &["-r", "one.pcapng", "-q", "-z", "follow,tcp,ascii,0"]);
        assert!(conversation.contains("GET / HTTP/1.0") && conversation.contains("200 OK"), "{hop}: {conversation}");
    }
    let last = fields(&folder, "one.pcapng", &["frame.comment"]);
    assert!(last.iter().all(|comment| comment == FUNCTIONS[1]), "{last:?}");
}

#[test]
fn all_hops_are_a_frame_each() {
    let folder = Folder::new();
    folder.stdout(&["export", "--all-hops", "-o", "all.pcapng", "sample.pcapng"]);
    let comments = fields(&folder, "all.pcapng", &["frame.comment"]);
    assert_eq!(comments.len(), 33);
    assert_eq!(comments.iter().filter(|comment| *comment == "ip_forward").count(), 8);
    // The same through a pipe.
    assert_eq!(
        folder.skbtrail(&["export", "--all-hops", "sample.pcapng"]).stdout,
        std::fs::read(folder.path("all.pcapng")).unwrap()
    );
}

#[test]
fn a_killed_recorder_leaves_what_wireshark_reads_up_to_the_cut() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.path("sample.pcapng")).unwrap();
    // Between two blocks, where most kills leave it: no complaint at all.
    let end = whole.windows(8).rposition(|at| at == b"SKBTRAIL").unwrap() - 8;
    std::fs::write(folder.path("killed.pcapng"), &whole[..end]).unwrap();
    assert_eq!(fields(&folder, "killed.pcapng", &["frame.number"]).len(), 16);
}

/// Recordings of real kernels: read without a warning, rewritten, and analysed as one frame a packet.
#[test]
fn recordings_of_real_kernels() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut names: Vec<String> =
        std::fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".pcapng"));
    assert!(names.len() >= 2);
    for name in names {
        let folder = Folder::new();
        std::fs::copy(fixtures.join(&name), folder.path("real.pcapng")).unwrap();
        tool(&folder, "capinfos", &["real.pcapng"]);
        let fields_of = ["frame.packet_id", "frame.interface_name", "frame.comment", "frame.len", "frame.protocols"];
        let frames = fields(&folder, "real.pcapng", &fields_of);
        for (tool_name, args) in [
            ("editcap", &["real.pcapng", "out.pcapng"][..]),
            ("mergecap", &["-w", "out.pcapng", "real.pcapng"]),
            ("tshark", &["-r", "real.pcapng", "-w", "out.pcapng"]),
        ] {
            tool(&folder, tool_name, args);
            assert_eq!(fields(&folder, "out.pcapng", &fields_of), frames, "{name}: {tool_name}");
        }
        // Every packet and every drop shows.
        let info = folder.stdout(&["info", "--json", "real.pcapng"]);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        let ids: std::collections::BTreeSet<&str> =
            frames.iter().filter_map(|frame| frame.split('\t').next()).collect();
        assert_eq!(ids.len() as u64, info["packets"].as_u64().unwrap(), "{name}: {frames:#?}");
        let drops: u64 = info["drops"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        let shown = frames.iter().filter(|frame| frame.contains("dropped in ")).count() as u64;
        assert_eq!(shown, drops, "{name}: {frames:#?}");
        for hop in ["first", "last"] {
            folder.stdout(&["export", "--one-hop", hop, "-o", "one.pcapng", "real.pcapng"]);
            let one = fields(&folder, "one.pcapng", &["frame.packet_id", "tcp.analysis.flags"]);
            assert_eq!(one.len(), ids.len(), "{name}: {one:#?}");
            // Where NAT stands between the ends, the first hops of each have addresses of their own: two halves of a conversation.
            let analysed = name.contains("-path");
            assert!(!analysed || one.iter().all(|frame| frame.ends_with('\t')), "{name}: {one:#?}");
        }
    }
}
