//! Maps made by bpftool, as the dataplanes make theirs, and what a command says of them.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::net::sh;

/// Balancing's maps with their names, types and sizes; the settings come last.
pub(crate) const BALANCINGS_MAPS: [(&str, &str); 7] = [
    ("map_service", "type hash key 12 value 20 entries 65536"),
    ("map_backend", "type hash key 16 value 12 entries 65536"),
    ("map_affinity", "type lru_hash key 16 value 16 entries 65536"),
    ("map_nat_record", "type lru_hash key 16 value 8 entries 65536"),
    ("map_node_ip", "type hash key 4 value 4 entries 65536"),
    ("map_node_proxy_ip", "type hash key 4 value 4 entries 65536"),
    ("map_configure", "type array key 4 value 4 entries 10"),
];

/// Makes a map with bpftool: `type hash key 4 value 4 entries 10`.
pub(crate) fn make(pin: &str, what: &str) -> Result<()> {
    let name = pin.rsplit('/').next().context("a pin")?;
    let flags = if what.contains("lpm_trie") { " flags 1" } else { "" };
    sh(&format!("bpftool map create {pin} {what} name {} {flags}", &name[..name.len().min(15)])).map(drop)
}

/// Writes an entry, of which both parts are hexadecimal digits.
pub(crate) fn put(pin: &str, key: &str, value: &str) -> Result<()> {
    sh(&update(pin, key, value)).map(drop)
}

pub(crate) fn update(pin: &str, key: &str, value: &str) -> String {
    format!("bpftool map update pinned {pin} key hex {} value hex {}", spaced(key), spaced(value))
}

/// `0a0b` as `0a 0b`.
fn spaced(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// Exit code, stdout and stderr of a shell line.
pub(crate) fn said(line: &str) -> Result<(Option<i32>, String, String)> {
    let run = Command::new("bash").args(["-c", line]).output().context("failed to run bash")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((run.status.code(), text(&run.stdout), text(&run.stderr)))
}

/// A command's whole text.
pub(crate) fn prints(line: &str, expected: &str) -> Result<()> {
    let (code, text, complaint) = said(line)?;
    ensure!(code == Some(0) && text == expected, "{line}: {code:?}\n{text}\nexpected:\n{expected}\n{complaint}");
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
