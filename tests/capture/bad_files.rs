//! `skbtrail filter --pcap` on what is no capture, or only half of one.

use std::{fs, io::Write, path::Path, process::Command};

use super::command::{run, stderr, stdout};
use crate::filter::links;

/// One sentence and exit code 1.
#[track_caller]
fn check(path: &Path, expected: &str) {
    let output = run(&["filter", "ip", "--pcap", path.to_str().unwrap()], b"");
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(output.stdout.is_empty(), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains(expected) && message.contains(path.to_str().unwrap()), "{message}");
}

#[test]
fn one_sentence_for_what_is_no_capture() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    check(folder.path(), "it is a folder, not a capture");
    check(&folder.path().join("missing"), "No such file");
    check(&write("empty", b""), "it is empty");
    check(&write("gzip", b"\x1f\x8b\x08\0\0\0\0\0"), "`gzip -dc`");
    check(&write("text", b"hello, world"), "neither a pcap nor a pcapng file");
    check(&write("short", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]), "it ends inside its own header");
    let wireless = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], &[0; 12][..], &[105, 0, 0, 0], &[0; 16]].concat();
    check(&write("wireless", &wireless), "of the link type IEEE802_11 (105)");
}

/// The readable part counts, and a warning says how much is missing.
#[test]
fn half_a_file_is_read_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for path in links::files() {
        let bytes = fs::read(&path).unwrap();
        let half = folder.path().join("half");
        fs::write(&half, &bytes[..=bytes.len() / 2]).unwrap();
        let output = run(&["filter", "--pcap", half.to_str().unwrap()], b"");
        assert_eq!(output.status.code(), Some(0), "{}", path.display());
        assert!(stderr(&output).contains("the file is cut short: its last "), "{}", stderr(&output));
        assert!(!stdout(&output).starts_with("0 packets"), "{}", stdout(&output));
    }
}

/// A packet block of 400 MB that is really there, and one that only claims to be, under a limit of 128 MB.
#[test]
fn memory_does_not_follow_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let section = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    let huge = 400_000_000;
    for (name, there, expected) in [("there", u64::from(huge), "1 packet is"), ("claimed", 8, "the file is cut short")]
    {
        let path = folder.path().join(name);
        fs::write(&path, [&section[..], &words(&[1, 20, 1, 0, 20, 6, huge])].concat()).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.set_len(48 + there).unwrap();
        if there > 8 {
            file.set_len(48 + there - 4).unwrap();
            file.write_all(&words(&[huge])).unwrap();
        }
        let limited = "ulimit -v 131072 && exec \"$0\" filter --pcap \"$1\"";
        let program = env!("CARGO_BIN_EXE_skbtrail");
        let output = Command::new("sh").args(["-c", limited, program]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
        assert_eq!(stdout(&output), "0 packets read, 0 match\n", "{name}");
    }
}
