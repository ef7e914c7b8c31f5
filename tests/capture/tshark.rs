//! What Wireshark's command line sees in a capture.

use std::{path::Path, process::Command};

/// A packet, as far as the file tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Nanoseconds since 1970.
    pub(super) time: Option<u64>,
    pub(super) length: u32,
    pub(super) kept: usize,
    /// Left out in later sections: for those, Wireshark 4.0 shows the interface of the first that has the same number.
    pub(super) interface: String,
    pub(super) comments: Vec<String>,
}

/// Runs a tool of Wireshark's on files.
pub(super) fn tool(name: &str, flags: &[&str], files: &[&Path]) {
    let output = Command::new(name).args(flags).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is needed, apt-get install tshark: {error}"));
    assert!(output.status.success(), "{name} {flags:?} {files:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The packets of a file up to where it breaks, and whether it does.
pub(super) fn packets(path: &Path) -> (Vec<Seen>, bool) {
    let fields = ["time_epoch", "len", "cap_len", "section_number", "interface_name", "comment"];
    let mut command = Command::new("tshark");
    // Dissecting is not asked for, and must not make packets of several.
    command.args(["-n", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;", "--disable-protocol", "ip"]);
    for field in fields {
        command.args(["-e", &format!("frame.{field}")]);
    }
    let output = command.arg("-r").arg(path).output().expect("tshark is needed: apt-get install tshark");
    let packets = String::from_utf8(output.stdout).unwrap().lines().filter_map(seen).collect();
    (packets, !output.status.success())
}

/// None for what has no time and no interface: custom blocks are shown as if they were packets.
fn seen(line: &str) -> Option<Seen> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [time, length, kept, section, ref rest @ ..] = fields[..] else { panic!("{line:?}") };
    let list = |text: &str| text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let interface = rest.first().filter(|name| !name.is_empty());
    if time.is_empty() && interface.is_none() {
        return None;
    }
    Some(Seen {
        time: (!time.is_empty()).then(|| nanoseconds(time)),
        length: length.parse().unwrap(),
        kept: kept.parse().unwrap(),
        interface: match (section, interface) {
            ("" | "1", Some(name)) => (*name).to_owned(),
            ("" | "1", None) => "unknown".to_owned(),
            _ => String::new(),
        },
        comments: rest.get(1).map(|text| list(text)).unwrap_or_default(),
    })
}

/// `1795200000.123456789` as a whole number.
fn nanoseconds(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    format!("{seconds}{fraction:0<9}").parse().unwrap()
}
