//! `skbtrail maps dump`: every entry of maps of every kind, as bpftool reads them; while others write, none torn, none twice,
//! none missing; a million entries in little memory; and what cannot be read is said.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::Map;
use crate::guest::{Guest, say};
use crate::inspected::{document, rows};
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "inspect_maps",
    about: "entries of maps are read whole, also while others write, and in bounded memory",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const HASH: u32 = 1;
const PERCPU_HASH: u32 = 5;
const LRU_HASH: u32 = 9;
const TRIE: u32 = 11;
const NO_PREALLOC: u32 = 1;

fn run(_: &Guest) -> Result<()> {
    kinds().context("kinds")?;
    by_types().context("types")?;
    for (name, kind, flags) in [("hash", HASH, 0), ("sparse", HASH, NO_PREALLOC), ("trie", TRIE, NO_PREALLOC)] {
        while_written(name, kind, flags).with_context(|| format!("a {name} that is written to"))?;
    }
    million().context("a million entries")?;
    refusals()
}

/// All kinds that may be listed hold what bpftool says.
fn kinds() -> Result<()> {
    for (name, kind, (key, value), flags) in [
        ("hash", HASH, (8_u32, 13_u32), 0),
        ("array", 2, (4, 5), 0),
        ("percpu_hash", PERCPU_HASH, (4, 12), 0),
        ("percpu_array", 6, (4, 8), 0),
        ("lru_hash", LRU_HASH, (14, 56), 0),
        ("lru_percpu", 10, (6, 16), 0),
        ("trie", TRIE, (8, 3), NO_PREALLOC),
        ("devmap_hash", 25, (4, 4), 0),
    ] {
        let map = Map::new(name, kind, (key, value), 500, flags)?;
        for number in 0..if kind == 25 { 1_u32 } else { 400 } {
            let mut bytes = vec![7; key as usize];
            bytes[..4].copy_from_slice(&number.to_ne_bytes());
            if kind == TRIE {
                bytes[..4].copy_from_slice(&(number % 33).to_ne_bytes());
                bytes[4..].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_ne_bytes());
            }
            // An entry of a devmap is the number of a device.
            let content = if kind == 25 { 1_u32.to_ne_bytes().to_vec() } else { vec![number as u8; map.value_bytes()] };
            map.set(&bytes, &content)?;
        }
        same(&map).with_context(|| name.to_owned())?;
    }
    // A table of sockets has keys, of which the kernel shows no values.
    let sockets = Map::new("sockets", 18, (4, 4), 16, 0)?;
    let said = sh(&format!("skbtrail maps dump {} 2>&1", sockets.pin))?;
    ensure!(said.contains("0 entries"), "{said}");
    Ok(())
}

/// The same entries as bpftool, whatever the order.
fn same(map: &Map) -> Result<()> {
    let theirs = document(&format!("bpftool -j map dump pinned {}", map.pin))?;
    let theirs: HashMap<String, Vec<String>> =
        theirs.as_array().into_iter().flatten().map(|entry| (hex(&entry["key"]), values(entry))).collect();
    let ours = rows(&format!("skbtrail maps dump --hex --json {}", map.pin))?;
    ensure!(ours.len() == theirs.len(), "{} entries instead of {}", ours.len(), theirs.len());
    for entry in &ours {
        let key = entry["key"].as_str().context("no key")?;
        let expected = theirs.get(key).with_context(|| format!("bpftool has no {key}"))?;
        let found: Vec<String> = match entry["values"].as_array() {
            Some(values) => values.iter().map(|one| one["value"].as_str().unwrap_or_default().to_owned()).collect(),
            None => vec![entry["value"].as_str().context("no value")?.to_owned()],
        };
        ensure!(&found == expected, "{key}: {found:?} instead of {expected:?}");
    }
    Ok(())
}

fn values(entry: &Value) -> Vec<String> {
    match entry["values"].as_array() {
        Some(values) => values.iter().map(|one| hex(&one["value"])).collect(),
        None => vec![hex(&entry["value"])],
    }
}

/// `["0x0a", …]`
fn hex(bytes: &Value) -> String {
    let bytes = bytes.as_array().into_iter().flatten().filter_map(Value::as_str);
    bytes.map(|byte| byte.trim_start_matches("0x")).collect()
}

/// A map that was made with types is read by them, field by field as bpftool has them; nothing else could tell the names.
fn by_types() -> Result<()> {
    for (name, kind) in [("typed", HASH), ("typed_percpu", PERCPU_HASH)] {
        let map = Map::typed(name, kind, 50)?;
        let cpus = map.value_bytes() / VALUE_BYTES;
        for number in 0..40_u32 {
            let key = [(0x0a00_0000 + number).to_ne_bytes(), (7000 + number).to_ne_bytes()].concat();
            let values = (0..cpus as u64).flat_map(|cpu| typed_value(number, cpu));
            map.set(&key, &values.collect::<Vec<u8>>())?;
        }
        let theirs = document(&format!("bpftool -j map dump pinned {}", map.pin))?;
        let theirs: HashMap<String, &Value> = theirs
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| (entry["formatted"]["key"].to_string(), &entry["formatted"]))
            .collect();
        let ours = rows(&format!("skbtrail maps dump --json {}", map.pin))?;
        ensure!(ours.len() == 40 && theirs.len() == 40, "{} entries, {}: {ours:?}", ours.len(), theirs.len());
        for entry in &ours {
            let expected = theirs.get(&entry["key"].to_string()).with_context(|| format!("bpftool has no {entry}"))?;
            for part in ["value", "values"] {
                ensure!(entry.get(part) == expected.get(part), "{entry} instead of {expected}");
            }
        }
        let text = sh(&format!("skbtrail maps dump {}", map.pin))?;
        ensure!(text.contains("{address: 167772167, port: 7007}") && text.contains("drift: -7"), "{text}");
    }
    Ok(())
}

const VALUE_BYTES: usize = 16;

fn typed_value(number: u32, cpu: u64) -> Vec<u8> {
    let packets = (u64::from(number) << 33 | cpu).to_ne_bytes();
    let drift = (-(number.cast_signed())).to_ne_bytes();
    [&packets[..], &drift, &[number as u8, 1, 2, 0]].concat()
}

/// Entries that stay, and those that come and go beside them.
const STAY: u32 = 5_000;
const PASS: u32 = 5_000;

/// A value that says which key it belongs to, twice: half of one and half of another would show.
fn value(key: u32, generation: u64) -> Vec<u8> {
    let word = u64::from(key) << 32 | (generation & 0xffff_ffff);
    [word; 4].into_iter().flat_map(u64::to_ne_bytes).collect()
}

fn key(kind: u32, number: u32) -> Vec<u8> {
    if kind == TRIE {
        [32, number.to_be()].into_iter().flat_map(u32::to_ne_bytes).collect()
    } else {
        number.to_ne_bytes().to_vec()
    }
}

fn while_written(name: &str, kind: u32, flags: u32) -> Result<()> {
    let key_bytes = if kind == TRIE { 8 } else { 4 };
    let map = Map::new(name, kind, (key_bytes, 32), STAY + PASS, flags)?;
    for number in 0..STAY {
        map.set(&key(kind, number), &value(number, 0))?;
    }
    let (end, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            let mut generation = 0;
            while !end.load(Ordering::Relaxed) {
                generation += 1;
                for number in (STAY..STAY + PASS).step_by(7) {
                    map.set(&key(kind, number), &value(number, generation))?;
                    map.set(&key(kind, number % STAY), &value(number % STAY, generation))?;
                    map.remove(&key(kind, number.wrapping_mul(31) % PASS + STAY));
                    written.fetch_add(2, Ordering::Relaxed);
                    if end.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
            Ok(())
        });
        let read = (0..3).try_for_each(|_| whole(&map, kind));
        end.store(true, Ordering::Relaxed);
        writer.join().ok().context("the writer panicked")??;
        read
    })?;
    let written = written.load(Ordering::Relaxed);
    ensure!(written > 100, "only {written} entries were written meanwhile");
    Ok(())
}

/// Every entry that stays, once; no key twice; no value of another key, nor of two.
fn whole(map: &Map, kind: u32) -> Result<()> {
    let text = sh(&format!("skbtrail maps dump --hex --json {}", map.pin))?;
    let mut seen = HashSet::new();
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let (key, value) = (bytes(&entry["key"]), bytes(&entry["value"]));
        let number = match key.as_slice() {
            [_, _, _, _, a, b, c, d] if kind == TRIE => u32::from_be_bytes([*a, *b, *c, *d]),
            [a, b, c, d] => u32::from_ne_bytes([*a, *b, *c, *d]),
            _ => anyhow::bail!("a key of {} bytes", key.len()),
        };
        ensure!(number < STAY + PASS, "an invented key {number}");
        ensure!(seen.insert(number), "{number} comes twice");
        let words: Vec<u64> = value.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        ensure!(words.len() == 4 && words.iter().all(|word| *word == words[0]), "{number} is torn: {words:x?}");
        ensure!((words[0] >> 32) as u32 == number, "{number} has the value of another: {words:x?}");
    }
    let missing = (0..STAY).filter(|number| !seen.contains(number)).count();
    ensure!(missing == 0, "{missing} entries that were there all the time are missing");
    Ok(())
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap_or_default().as_bytes();
    hex.chunks_exact(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// All of them, in memory that does not grow with the map, and no slower than bpftool.
fn million() -> Result<()> {
    const ENTRIES: u32 = 1_000_000;
    const SMALL: u32 = 1_000;
    let mut peaks = Vec::new();
    for entries in [SMALL, ENTRIES] {
        let map = Map::new("many", HASH, (4, 16), entries, 0)?;
        for number in 0..entries {
            map.set(&number.to_ne_bytes(), &[number as u8; 16])?;
        }
        let start = Instant::now();
        let said = sh(&format!("skbtrail maps dump --hex {} 2>/tmp/said | wc -l; cat /tmp/said", map.pin))?;
        let took = start.elapsed();
        ensure!(said.contains(&format!("{entries}\n")) && said.contains(&format!("{entries} entries")), "{said}");
        say(&format!("{entries} entries: {took:.1?}"));
        peaks.push(peak(&map)?);
    }
    say(&format!("peak memory for {SMALL} and {ENTRIES} entries: {peaks:?} kB"));
    ensure!(peaks[1] < peaks[0] + 4096, "memory grows with the map: {peaks:?} kB");
    let count = rows("skbtrail maps --count --json")?;
    ensure!(count.iter().all(|row| row["name"] != "many"), "the map is still there: {count:?}");
    Ok(())
}

/// Most memory that a dump took, kB.
fn peak(map: &Map) -> Result<u64> {
    use std::os::unix::process::CommandExt as _;
    let mut command = std::process::Command::new("skbtrail");
    command.args(["maps", "dump", "--hex", "--json", &map.pin]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(high.unwrap_or_default());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    ensure!(peak > 0, "no peak was seen");
    Ok(peak)
}

fn refusals() -> Result<()> {
    let map = Map::new("private", HASH, (4, 4), 4, 0)?;
    let _other = Map::new("private2", HASH, (4, 4), 4, 0)?;
    // Of both names the kernel keeps the same 15 bytes.
    let (one, _two) =
        (Map::new("a_long_name_of_one", HASH, (4, 4), 4, 0)?, Map::new("a_long_name_of_two", HASH, (4, 4), 4, 0)?);
    one.set(&[1; 4], &[2; 4])?;
    sh(&format!("chmod 600 {}; chmod 755 /run/bpf", map.pin))?;
    let nobody = "setpriv --reuid 65534 --clear-groups";
    for (command, code, words) in [
        (format!("{nobody} skbtrail maps dump {}", map.pin), 1, "Permission denied".to_owned()),
        (format!("{nobody} skbtrail maps dump 1"), 1, "needs CAP_SYS_ADMIN".to_owned()),
        ("skbtrail maps dump 4000000000".to_owned(), 2, "there is no map with the id 4000000000 (any more)".to_owned()),
        ("skbtrail maps dump privat".to_owned(), 2, "no map is called `privat`, did you mean `private`?".to_owned()),
        ("skbtrail maps dump a_long_name_of_one".to_owned(), 0, "value: 02 02 02 02".to_owned()),
        ("skbtrail maps dump a_long_name_of_two".to_owned(), 0, "0 entries".to_owned()),
        ("skbtrail maps dump a_long_name_of_three".to_owned(), 2, "did you mean `a_long_name_of_".to_owned()),
        ("skbtrail maps dump /run/bpf".to_owned(), 2, "`/run/bpf` is no pinned map".to_owned()),
        ("skbtrail maps dump /etc/passwd".to_owned(), 2, "`/etc/passwd` is no pinned map".to_owned()),
        ("skbtrail maps dump /run/bpf/none".to_owned(), 2, "failed to open `/run/bpf/none`".to_owned()),
        ("skbtrail maps dump".to_owned(), 2, "required arguments".to_owned()),
    ] {
        let said = sh(&format!("{command} 2>&1; echo code $?"))?;
        ensure!(said.contains(&words) && said.contains(&format!("code {code}")), "`{command}`: {said}");
    }
    let ring = Map::new("ring", 27, (0, 0), 4096, 0)?;
    let said = sh(&format!("skbtrail maps dump {} 2>&1; echo code $?", ring.pin))?;
    ensure!(said.contains("does not list the entries of a ringbuf map") && said.contains("code 1"), "{said}");
    // It is held while it is read, whoever else lets go.
    let gone = Map::new("gone", HASH, (4, 4), 4, 0)?;
    let id = rows("skbtrail maps --json")?.iter().find(|row| row["name"] == "gone").context("no map")?["id"].clone();
    drop(gone);
    let start = Instant::now();
    loop {
        let said = sh(&format!("skbtrail maps dump {id} 2>&1; echo code $?"))?;
        if said.contains("there is no map with the id") && said.contains("code 2") {
            return Ok(());
        }
        ensure!(start.elapsed().as_secs() < 10, "{said}");
    }
}
