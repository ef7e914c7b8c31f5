//! What is written to files from the view.

use std::{path::PathBuf, sync::mpsc::channel};

use super::view::{View, fixture, view};

/// Presses keys and returns the file that is asked to be written then.
fn written(view: &mut View<'_>, keys: &str) -> Option<(PathBuf, Vec<u8>)> {
    let (files, asked) = channel();
    view.app.state.files = Some(files);
    view.press(keys);
    asked.try_recv().ok()
}

fn text(file: Option<(PathBuf, Vec<u8>)>) -> (String, String) {
    let (path, bytes) = file.unwrap();
    (path.to_string_lossy().into_owned(), String::from_utf8(bytes).unwrap())
}

#[test]
fn a_packet_as_capture_json_and_text() {
    view(&[fixture("6.12-path.pcapng")], (120, 24), |view| {
        let (path, bytes) = written(view, "gDe<enter>").unwrap();
        assert_eq!(path.to_str(), Some("packet-4.pcapng"));
        let capture = skbtrail::record::capture::Reader::new(bytes.as_slice(), None);
        let mut capture = capture.unwrap();
        let mut frames = 0;
        while let Some(packet) = capture.next_packet().unwrap() {
            assert!(packet.headers().0.flow().is_some_and(|flow| flow.destination.to_string() == "10.77.2.2"));
            frames += 1;
        }
        assert!(frames > 0);
        let (path, lines) = text(written(view, "e<ctrl-u>d.json<enter>"));
        assert_eq!((path.as_str(), lines.lines().count()), ("d.json", 1));
        let value: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(value["verdict"]["reason"], "NETFILTER_DROP", "{lines}");
        let (_, lines) = text(written(view, "<enter>e<ctrl-u>d.txt<enter>"));
        assert!(lines.contains("NETFILTER_DROP at nft_do_chain"), "{lines}");
    });
}

#[test]
fn rows_as_json_and_text() {
    view(&[fixture("6.12-path.pcapng")], (120, 24), |view| {
        let (path, lines) = text(written(view, "4e<enter>"));
        assert_eq!((path.as_str(), lines.lines().count()), ("drops.txt", 4));
        assert!(lines.starts_with("REASON          PLACE"), "{lines}");
        let (_, lines) = text(written(view, "3e<ctrl-u>f.json<enter>"));
        let rows: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(rows.len() > 100 && rows.iter().map(|row| row["hits"].as_u64().unwrap()).sum::<u64>() == 581);
        let (_, lines) = text(written(view, "2e<ctrl-u>p.json<enter>"));
        assert!(lines.lines().last().unwrap().contains(r#""type":"paths""#), "{lines}");
    });
}

#[test]
fn what_cannot_be_written_says_why() {
    view(&[fixture("6.12-path.pcapng")], (120, 24), |view| {
        assert_eq!(written(view, "4e<ctrl-u>rows.pcapng<enter>"), None);
        assert!(view.line("rows are no packets").contains(".json"));
        assert_eq!(written(view, "e<ctrl-u>rows.xls<enter>"), None);
        assert!(view.line("must end in").contains(".pcapng, .json or .txt"));
        assert_eq!(written(view, "<esc>5e<enter>"), None);
        assert!(view.line("nothing here").contains("to write"));
        // A search ends where another is wanted.
        view.press("1g<esc>n").press("9999<enter>");
        assert!(view.line("▶").contains("9999"));
        view.press("<esc>n");
        assert!(view.screen().contains("a text in any column"));
    });
}
