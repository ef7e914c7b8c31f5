//! A bad file gets one sentence and exit code 1, or what can be read of it with a warning.

use std::fs;

use super::{Folder, text};

#[test]
fn what_is_no_recording_is_one_sentence_and_exit_code_1() {
    let folder = Folder::new();
    fs::write(folder.path("gzip"), b"\x1f\x8b\x08\0").unwrap();
    fs::write(folder.path("empty"), b"").unwrap();
    fs::write(folder.path("text"), b"hello").unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    let cases = [
        ("gzip", "cannot replay `gzip`: it is compressed; unpack it first (`gunzip`)"),
        ("empty", "cannot replay `empty`: it is empty"),
        ("text", "cannot replay `text`: it is no recording of skbtrail: it does not begin as a pcapng file"),
        ("folder", "cannot replay `folder`: it is a directory"),
        ("none", "cannot replay `none`: failed to read it: No such file or directory (os error 2)"),
        (
            "/dev/null",
            "cannot replay `/dev/null`: it is no regular file; a recording is read from where it lies, not from a pipe",
        ),
    ];
    for (name, expected) in cases {
        for args in [
            &["replay", name][..],
            &["info", name],
            &["export", "--format", "csv", name],
            &["export", "--all-hops", name],
        ] {
            let output = folder.skbtrail(args);
            assert_eq!(text(&output.stderr), format!("skbtrail: {expected}\n"), "{args:?}");
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{args:?}");
        }
    }
}

#[test]
fn a_cut_recording_is_read_as_far_as_it_goes_with_a_warning() {
    let folder = Folder::new();
    let whole = fs::read(folder.path("sample.pcapng")).unwrap();
    fs::write(folder.path("cut"), &whole[..whole.len() * 3 / 4]).unwrap();
    let output = folder.skbtrail(&["replay", "cut"]);
    let (rows, warning) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success());
    assert!(rows.lines().count() > 10, "{rows}");
    assert!(warning.starts_with("skbtrail: `cut`: it was not brought to its end"), "{warning}");
    assert!(warning.contains("bytes are a block that was cut off"), "{warning}");
    assert_eq!(warning.lines().count(), 1);
}

#[test]
fn a_damaged_recording_says_how_much_is_missing() {
    let folder = Folder::new();
    let mut bytes = fs::read(folder.path("sample.pcapng")).unwrap();
    // In the second frame of hops.
    let magic = |from: usize| bytes[from..].windows(11).position(|at| at == b"SKBTRAIL\x01\0\x03").unwrap() + from;
    let second = magic(magic(0) + 1);
    bytes[second + 200] ^= 1;
    fs::write(folder.path("damaged"), bytes).unwrap();
    let output = folder.skbtrail(&["replay", "damaged"]);
    let warning = text(&output.stderr);
    assert!(warning.contains("10 hits that were recorded are missing"), "{warning}");
    assert!(output.status.success());
}

#[test]
fn names_that_are_damaged_are_missed_aloud() {
    let folder = Folder::new();
    let mut bytes = fs::read(folder.path("sample.pcapng")).unwrap();
    let table = bytes.windows(11).position(|at| at == b"SKBTRAIL\x01\0\x02").unwrap();
    // That it claims a billion rows is not believed either.
    bytes[table + 12..table + 16].copy_from_slice(&1_000_000_000_u32.to_le_bytes());
    fs::write(folder.path("damaged"), bytes).unwrap();
    let output = folder.skbtrail(&["replay", "damaged"]);
    let (rows, warning) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && rows.lines().count() == 34, "{rows}");
    assert!(warning.contains("bytes of names and circumstances are damaged"), "{warning}");
    assert!(text(&folder.skbtrail(&["info", "damaged"]).stdout).contains("names and circumstances are damaged"));
}

#[test]
fn bad_usage_is_exit_code_2() {
    let folder = Folder::new();
    let cases: &[(&[&str], &str)] = &[
        (&["replay"], "FILE"),
        (&["replay", "sample.pcapng", "--columns", "funk"], "unknown column `funk`"),
        (&["export", "sample.pcapng"], "--format"),
        (&["export", "--format", "xls", "sample.pcapng"], "possible values"),
        (&["export", "--one-hop", "ip_rvc", "sample.pcapng"], "`ip_rvc` is no function of the recording"),
        (&["export", "--all-hops", "-o", "sample.pcapng", "sample.pcapng"], "cannot be written to while it is read"),
        (&["paths", "-r", "sample.pcapng", "--between", "ip_rcv"], "two functions with a comma"),
        (&["paths", "-r", "sample.pcapng", "--between", "ip_rcv,ip_rvc"], "`ip_rvc` is no function"),
        (&["record"], "--output"),
        (&["record", "-o", "x", "--snaplen", "0"], "--snaplen"),
        (&["record", "-o", "x", "-C", "0"], "-C"),
        (&["record", "-o", "x", "-W", "3"], "-C or -G"),
        (&["record", "-o", "x", "--last", "30s"], "--on-drop"),
        (&["record", "-o", "x", "--last", "soon", "--on-drop"], "not `soon`"),
        (&["record", "-o", "x", "--last", "30s", "--on-drop", "-C", "1"], "cannot be used with"),
        (&["record", "-o", "x", "tcp prot 80"], "^"),
    ];
    for (args, expected) in cases {
        let output = folder.skbtrail(args);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(expected), "{args:?}: {message}");
        assert!(!folder.path("x").exists());
    }
    assert!(fs::metadata(folder.path("sample.pcapng")).unwrap().len() > 1000);
}
