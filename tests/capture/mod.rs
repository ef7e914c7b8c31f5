//! The reader of captures against Wireshark's: the same files, packet by packet.

mod bad_files;
mod command;
mod tshark;

use std::path::{Path, PathBuf};

use skbtrail::record::capture::Reader;

use super::filter::links;
use tshark::{Seen, tool};

/// The packets of a file up to where it breaks, and whether it does.
fn ours(path: &Path) -> (Vec<Seen>, bool) {
    let mut reader = Reader::open(path).unwrap();
    let mut found = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        // tshark's list has a line a packet.
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "\\r").replace('\n', "\\n");
        found.push(Seen {
            time: packet.time,
            length: packet.length,
            kept: packet.bytes.len(),
            interface: match (packet.interface.section, &packet.interface.name) {
                (0, Some(name)) => text(name),
                // So Wireshark has it.
                (0, None) => "unknown".to_owned(),
                _ => String::new(),
            },
            comments: packet.comments.iter().map(|comment| text(comment)).collect(),
        });
    }
    let broken = reader.warnings().count() > 0;
    (found, broken)
}

/// Both see the same packets; these.
#[track_caller]
fn same(path: &Path) -> Vec<Seen> {
    let (ours, theirs) = (ours(path), tshark::packets(path));
    assert_eq!(ours, theirs, "{}", path.display());
    ours.0
}

#[test]
fn the_same_packets_as_wireshark() {
    for path in links::files() {
        assert!(!same(&path).is_empty(), "{}", path.display());
    }
}

/// Each file in every format that Wireshark writes for it.
#[test]
fn the_same_packets_in_other_formats() {
    let folder = tempfile::tempdir().unwrap();
    for path in links::files() {
        for format in ["pcap", "nsecpcap", "modpcap", "pcapng"] {
            let converted = folder.path().join(format);
            tool("editcap", &["-F", format], &[&path, &converted]);
            assert_eq!(same(&converted).len(), ours(&path).0.len(), "{} as {format}", path.display());
        }
    }
}

/// Several interfaces with names, several link types, comments, in one file.
#[test]
fn interfaces_and_comments() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let files = links::files();
    let merged = at("merged.pcapng");
    let merging: Vec<&Path> = [&merged].into_iter().chain(&files).map(PathBuf::as_path).collect();
    tool("mergecap", &["-F", "pcapng", "-w"], &merging);
    let remarked = at("remarked.pcapng");
    tool("editcap", &["-a", "1:what is this?", "-a", "7:ünïcode"], &[&merged, &remarked]);
    let packets = same(&remarked);
    assert_eq!(
        (packets[0].comments.as_slice(), packets[6].comments.as_slice()),
        (&["what is this?".to_owned()][..], &["ünïcode".to_owned()][..])
    );
    let mut reader = Reader::open(&remarked).unwrap();
    while reader.next_packet().unwrap().is_some() {}
    assert!(reader.interfaces().len() >= files.len(), "{} interfaces", reader.interfaces().len());

    let named = at("named.pcapng");
    std::fs::write(at("hex"), "0000 45 00 00 14 00 00 00 00 40 06 00 00 0a 00 00 01 0a 00 00 02\n").unwrap();
    tool("text2pcap", &["-F", "pcapng", "-l", "101", "-N", "wan0"], &[&at("hex"), &named]);
    let interfaces: Vec<String> = same(&named).into_iter().map(|packet| packet.interface).collect();
    assert_eq!(interfaces, ["wan0"]);
}

/// Both orders, several sections, obsolete and simple packets, all options. Some have no packet, or are cut short.
#[test]
fn the_same_packets_in_samples_of_others() {
    for path in links::samples() {
        same(&path);
    }
}
