//! Debian's tcpdump as a witness: which packets of a capture file it lets through.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use skbtrail::record::capture::LinkType;

use super::packets::Packet;

const MAGIC: u32 = 0xa1b2_c3d4;
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Writes a capture file in which a packet's time is its number in seconds.
pub(super) fn write(path: &Path, link: LinkType, packets: &[Packet]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for word in [MAGIC, 0x0004_0002, 0, 0, 262_144, link.0] {
        file.write_all(&word.to_le_bytes())?;
    }
    for (number, packet) in packets.iter().enumerate() {
        for word in [number as u32, 0, packet.bytes.len() as u32, packet.length] {
            file.write_all(&word.to_le_bytes())?;
        }
        file.write_all(&packet.bytes)?;
    }
    file.flush()
}

/// What tcpdump says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Numbers of the packets that match.
    Packets(Vec<usize>),
    /// The expression does not compile for this link type.
    Refused(String),
}

/// Runs `expression` over the file, with or without libpcap's optimizer.
pub(super) fn run(file: &Path, expression: &str, optimize: bool) -> Answer {
    let mut command = Command::new("tcpdump");
    command.arg("-r").arg(file).args(["-n", "-w", "-"]);
    if !optimize {
        command.arg("-O");
    }
    let output = command.arg("--").arg(expression).output().expect("tcpdump is needed: apt-get install tcpdump");
    if output.status.success() {
        return Answer::Packets(numbers(&output.stdout));
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let reason = message.lines().last().unwrap_or_default().trim_start_matches("tcpdump: ").to_owned();
    // The optimizer calls it an error when nothing can match; that is an answer too.
    if reason == "expression rejects all packets" { Answer::Packets(Vec::new()) } else { Answer::Refused(reason) }
}

fn numbers(capture: &[u8]) -> Vec<usize> {
    let word = |position: usize| {
        let bytes = capture[position..position + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let mut found = Vec::new();
    let mut position = FILE_HEADER;
    while position < capture.len() {
        found.push(word(position));
        position += RECORD_HEADER + word(position + 8);
    }
    found
}
