//! `skbtrail filter --pcap` from outside.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub(super) fn run(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skbtrail"));
    command.args(args).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended already, having seen enough.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures").join(name)
}

/// How many packets tcpdump lets through.
fn tcpdump(path: &Path, expression: &str) -> usize {
    let output = Command::new("tcpdump").args(["-n", "-t", "-q", "-r"]).arg(path).arg(expression).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What is inside of a tunnel is shown on lines of its own.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('\t')).count()
}

#[test]
fn packets_are_counted_as_tcpdump_counts_them() {
    for name in ["ethernet.pcap", "cooked.pcap", "cooked2.pcap", "raw.pcap"] {
        for expression in
            ["icmp", "tcp[tcpflags] & tcp-syn != 0", "icmp6 and not net fe80::/10", "port 53 and not port 4789"]
        {
            let path = capture(name);
            let output = run(&["filter", expression, "--pcap", path.to_str().unwrap()], b"");
            assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
            let expected = format!(" read, {} match\n", tcpdump(&path, expression));
            assert!(stdout(&output).ends_with(&expected), "{name} {expression}: {}, not {expected}", stdout(&output));
        }
    }
}

#[test]
fn matching_packets_are_printed() {
    let path = capture("cooked2.pcap");
    let args = ["filter", "tcp port 80", "--pcap", path.to_str().unwrap(), "--print", "--limit", "2"];
    let output = run(&args, b"");
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("->10.0.0.2:80(tcp:SYN)") && text.contains("(tcp:SYN|ACK)"), "{text}");
    assert!(stderr(&output).ends_with(" read, 2 match\n"), "{}", stderr(&output));
    let frames = run(&["filter", "stp", "--pcap", capture("ethernet.pcap").to_str().unwrap(), "--print"], b"");
    assert!(stdout(&frames).lines().all(|line| line.ends_with("->01:80:c2:00:00:00(802.2)")), "{}", stdout(&frames));
    assert!(stdout(&frames).lines().count() > 1);
    let piped = run(&["filter", "tcp port 80", "--pcap", "-", "--print", "--limit", "2"], &fs::read(&path).unwrap());
    assert_eq!(stdout(&piped), text);
}

#[test]
fn json_has_an_object_for_each_packet_and_one_for_the_counts() {
    let path = capture("ethernet.pcap");
    let args = ["filter", "arp or tcp", "--pcap", path.to_str().unwrap(), "--print", "--output-json"];
    let lines: Vec<Value> = stdout(&run(&args, b"")).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (totals, packets) = lines.split_last().unwrap();
    assert_eq!((&totals["type"], totals["matched"].as_u64()), (&"totals".into(), Some(packets.len() as u64)));
    assert!(packets.iter().all(|packet| packet["type"] == "packet" && packet["wall"].is_string()));
    assert!(packets.iter().any(|packet| packet["arp"]["sender"] == "10.0.0.2"));
    assert!(packets.iter().any(|packet| packet["tuple"]["dport"] == 80));
}

/// Where a capture cannot tell, it is said, and how often.
#[test]
fn what_cannot_be_judged_is_counted() {
    let path = capture("raw.pcap");
    let output = run(&["filter", "ether host 2:0:0:0:0:1", "--pcap", path.to_str().unwrap()], b"");
    assert_eq!(
        stdout(&output),
        "8 packets read, 0 match; 8 packets could not be judged: 8 without what the filter asks for, such as Ethernet addresses\n"
    );
}

/// Names and comments in a file are foreign.
#[test]
fn nothing_in_a_file_steers_the_terminal() {
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let option = |code: u8, text: &[u8; 8]| [&[code, 0, 8, 0][..], text].concat();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let file = [
        block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX])),
        block(1, &[words(&[101, 0]), option(2, b"\x1b[31mred")].concat()),
        block(6, &[words(&[0, 0, 0, 4, 4, 0x45]), option(1, b"\x1b]0;ho\x07.")].concat()),
    ]
    .concat();
    for arguments in [&["--print"][..], &["--print", "--output-json"]] {
        let output = run(&[&["filter", "--pcap", "-"], arguments].concat(), &file);
        let text = stdout(&output);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(
            text.contains("x1b[31mred") && text.contains("x1b]0;ho") && !text.contains(['\x1b', '\x07']),
            "{text:?}"
        );
    }
}
