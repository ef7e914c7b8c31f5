//! Cilium's maps as real ones: what is printed of the fixtures, and that no row is torn, doubled, lost or invented while
//! somebody else writes.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use skbtrail::inspect::cilium::{Cilium, Lookup, Wanted};
use skbtrail::kernel::Root;

use super::Case;
use crate::fixture::{CILIUM, Fixture};
use crate::guest::Guest;
use crate::maps::{Map, lay_out};
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "cilium_maps",
    about: "skbtrail cilium: fixtures to the letter, consistent rows under writing, bad maps said",
    min_kernel: (5, 8),
    seconds: 400,
    run,
};

/// Cilium's own folder; the machine that a case runs in is nobody else's.
const FOLDER: &str = "/sys/fs/bpf/tc/globals";
/// Entries that are always there, though others write to them.
const STABLE: u32 = 2000;
/// Entries that come and go.
const FLEETING: u32 = 500;
/// How often each map is read while somebody writes.
const ROUNDS: u32 = 2;

fn run(_: &Guest) -> Result<()> {
    // Mounted twice it would only be hidden.
    sh("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf")?;
    for (name, text) in CILIUM {
        printed(&Fixture::read(text)).with_context(|| format!("fixture {name}"))?;
    }
    asked()?;
    let _folder = Folder::new()?;
    for table in TABLES {
        while_written(table).with_context(|| format!("{} while others write", table.name))?;
    }
    bad_maps()?;
    watched()
}

/// The folder with the pins, empty before and gone behind.
struct Folder;

impl Folder {
    fn new() -> Result<Self> {
        std::fs::create_dir_all(FOLDER)?;
        Ok(Self)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all("/sys/fs/bpf/tc");
    }
}

/// Exit code, stdout, stderr.
fn said(args: &str) -> Result<(Option<i32>, String, String)> {
    let output = Command::new("skbtrail").arg("cilium").args(args.split(' ')).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((output.status.code(), text(output.stdout), text(output.stderr)))
}

fn printed(fixture: &Fixture) -> Result<()> {
    let _folder = Folder::new()?;
    let maps = lay_out(fixture, FOLDER)?;
    let (code, text, errors) = said(&fixture.command)?;
    ensure!(code == Some(0) && errors.is_empty(), "{code:?}: {errors}");
    let expected = if fixture.command.starts_with("ct") { sorted(&fixture.text) } else { fixture.text.clone() };
    let text = if fixture.command.starts_with("ct") { sorted(&text) } else { text };
    ensure!(text == expected, "printed\n{text}\nnot\n{expected}");
    drop(maps);
    Ok(())
}

/// Single questions are answered as Cilium's own programs would be: the longest prefix, the endpoint, the backends.
fn asked() -> Result<()> {
    let _folder = Folder::new()?;
    let mut maps = Vec::new();
    for (_, text) in CILIUM.iter().filter(|(name, _)| ["ipcache", "endpoint", "lb"].contains(name)) {
        maps.extend(lay_out(&Fixture::read(text), FOLDER)?);
    }
    let lookup = Lookup::new(Cilium::find(&Root::system(), &Wanted { minor: Some(18), ..Wanted::default() })?);
    let identity = |address: &str| -> Result<_> { Ok(lookup.identity(address.parse()?)?.map(|entry| entry.identity)) };
    ensure!(identity("10.244.2.173")? == Some(26328) && identity("10.244.1.77")? == Some(2), "identities");
    ensure!(identity("192.0.2.1")?.is_none() && identity("fd00::1")?.is_none(), "identities that nobody has");
    let endpoint = lookup.endpoint("10.244.2.20".parse()?)?.context("no endpoint")?;
    ensure!((endpoint.id, endpoint.ifindex, endpoint.identity) == (258, 32, 12196), "{endpoint:?}");
    ensure!(lookup.endpoint("10.244.9.9".parse()?)?.is_none(), "an endpoint that nobody has");
    let service = lookup.service("10.96.0.10".parse()?, 53, 17)?.context("no service")?;
    let backends: Vec<String> = service.backends.iter().map(|one| format!("{}:{}", one.address, one.port)).collect();
    // The second one is gone.
    ensure!(backends == ["10.244.2.20:53"] && service.more == 0, "{service:?}");
    ensure!(lookup.service("10.96.0.10".parse()?, 54, 17)?.is_none(), "a service that is not there");
    drop(maps);
    Ok(())
}

/// Lines of what has no order.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// A map to write to while it is read. The number of an entry is in its key, that of the write in several places of the value.
struct Table {
    name: &'static str,
    command: &'static str,
    kind: u32,
    sizes: (u32, u32, u32),
    key: fn(u32) -> Vec<u8>,
    value: fn(u32, u32) -> Vec<u8>,
    /// The number of the entry, and whether what the row says of the write is the same everywhere.
    judge: fn(&Value) -> Option<(u32, bool)>,
}

const TABLES: [&Table; 3] = [
    &Table {
        name: "cilium_lxc",
        command: "endpoint list --json --release 1.18",
        kind: 1,
        sizes: (20, 48, 65535),
        key: |number| [&address(number)[..], &[0; 12], &[1, 0, 0, 0]].concat(),
        value: |number, write| {
            let mut value = vec![0; 48];
            value[..4].copy_from_slice(&write.to_ne_bytes());
            value[6..8].copy_from_slice(&(number as u16).to_ne_bytes());
            value[32..36].copy_from_slice(&write.to_ne_bytes());
            value[36..40].copy_from_slice(&write.to_ne_bytes());
            value
        },
        judge: |row| {
            let number = number_of(row["address"].as_str()?)?;
            let same = row["ifindex"] == row["identity"] && row["identity"] == row["parent_ifindex"];
            Some((number, same && row["id"].as_u64()? == u64::from(number as u16)))
        },
    },
    &Table {
        name: "cilium_ipcache_v2",
        command: "ipcache list --json --release 1.18",
        kind: 11,
        sizes: (24, 24, 512_000),
        key: |number| [&[64, 0, 0, 0, 0, 0, 0, 1], &address(number)[..], &[0; 12]].concat(),
        value: |_, write| {
            let mut value = vec![0; 24];
            value[..4].copy_from_slice(&write.to_ne_bytes());
            value[4..8].copy_from_slice(&address(write));
            value[22] = write as u8;
            value[23] = 2;
            value
        },
        judge: |row| {
            let number = number_of(row["prefix"].as_str()?.strip_suffix("/32")?)?;
            let write = row["identity"].as_u64()?;
            let tunnel = u64::from(number_of(row["tunnel_endpoint"].as_str()?)?);
            Some((number, tunnel == write && row["encrypt_key"].as_u64()? == write & 0xff))
        },
    },
    &Table {
        name: "cilium_ct4_global",
        command: "ct list --json --release 1.18",
        kind: 9,
        sizes: (14, 56, 524_288),
        key: |number| [&address(number)[..], &[10, 0, 0, 9, 1, 187, 161, 18, 6, 0]].concat(),
        value: |_, write| {
            let mut value = vec![0; 56];
            for at in [32, 44, 48, 52] {
                value[at..at + 4].copy_from_slice(&write.to_ne_bytes());
            }
            value
        },
        judge: |row| {
            let number = number_of(row["source"].as_str()?)?;
            let writes = ["expires", "source_identity", "last_tx_report", "last_rx_report"].map(|key| &row[key]);
            Some((number, writes.iter().all(|write| *write == writes[0])))
        },
    },
];

/// An address that is a number, below 10.0.0.0/8.
fn address(number: u32) -> [u8; 4] {
    (0x0a00_0000 | number & 0x00ff_ffff).to_be_bytes()
}

fn number_of(address: &str) -> Option<u32> {
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    Some(address.to_bits() & 0x00ff_ffff)
}

fn while_written(table: &Table) -> Result<()> {
    let map = Map::new(table.name, table.kind, table.sizes.0, table.sizes.1, table.sizes.2)?;
    let path = format!("{FOLDER}/{}", table.name);
    map.pin(&path)?;
    for number in 1..=STABLE {
        map.set(&(table.key)(number), &(table.value)(number, 1))?;
    }
    let stop = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        let writer = scope.spawn(|| write(table, &map, &stop));
        let read: Result<()> = (0..ROUNDS).try_for_each(|_| read(table));
        stop.store(true, Ordering::Relaxed);
        let count = writer.join().ok().context("the writer panicked")??;
        ensure!(count > 200, "only {count} writes in the meantime");
        read
    });
    std::fs::remove_file(path)?;
    outcome
}

/// Writes to entries that stay, and adds and removes others, until it is told to stop; how often it wrote.
fn write(table: &Table, map: &Map, stop: &AtomicBool) -> Result<u32> {
    let mut writes = 1;
    while !stop.load(Ordering::Relaxed) {
        let stays = 1 + writes % STABLE;
        let goes = STABLE + 1 + writes % FLEETING;
        map.set(&(table.key)(stays), &(table.value)(stays, writes & 0x00ff_ffff))?;
        map.set(&(table.key)(goes), &(table.value)(goes, writes & 0x00ff_ffff))?;
        map.remove(&(table.key)(STABLE + 1 + writes.wrapping_mul(7) % FLEETING))?;
        writes += 1;
    }
    Ok(writes)
}

fn read(table: &Table) -> Result<()> {
    let (code, text, errors) = said(table.command)?;
    ensure!(code == Some(0), "{code:?}: {errors}");
    let mut seen = HashSet::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        let (number, is_whole) = (table.judge)(&row).with_context(|| format!("no such row was written: {line}"))?;
        ensure!(is_whole, "a row of two writes: {line}");
        ensure!((1..=STABLE + FLEETING).contains(&number), "nobody wrote {line}");
        ensure!(seen.insert(number), "twice: {line}");
    }
    let lost = (1..=STABLE).filter(|number| !seen.contains(number)).count();
    ensure!(lost == 0, "{lost} entries that were there all the time are missing, of {} rows", seen.len());
    Ok(())
}

/// What cannot be read is said, with exit code 1 (2 for what was typed), and not guessed at.
fn bad_maps() -> Result<()> {
    let check = |args: &str, code: i32, part: &str| {
        let (got, text, errors) = said(args)?;
        ensure!(got == Some(code) && errors.contains(part), "{args}: {got:?} `{errors}`, not `{part}`");
        ensure!(text.is_empty(), "{args} printed {text}");
        Ok(())
    };
    check("ipcache list", 1, "no map of Cilium is pinned in")?;
    let map = Map::new("cilium_auth_map", 1, 12, 16, 8)?;
    map.pin(&format!("{FOLDER}/cilium_auth_map"))?;
    check(
        "auth list",
        1,
        "no known release has a map `cilium_auth_map` of type 1 with keys of 12 and values of 16 bytes",
    )?;
    check("tunnel list", 1, "holds `tunnel`")?;
    check("auth list --release 1.11", 2, "expected a release from 1.12 to 1.20")?;
    let (code, text, _) = said("maps")?;
    ensure!(code == Some(0) && text.contains("no known release has"), "{code:?} {text}");
    let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups skbtrail cilium auth 2>&1; echo $?";
    let text = sh(nobody)?;
    ensure!(text.contains("which this process does not have; run it as root") && text.ends_with("1\n"), "{text}");
    std::fs::remove_file(format!("{FOLDER}/cilium_auth_map"))?;
    vanishing()
}

/// A pin that goes while it is looked for: either its rows or a sentence.
fn vanishing() -> Result<()> {
    let mut outcomes = HashMap::new();
    for round in 0..6 {
        let path = format!("{FOLDER}/cilium_tunnel_map");
        let map = Map::new("cilium_tunnel_map", 1, 20, 20, 8)?;
        map.set(&[0; 20], &[0; 20])?;
        map.pin(&path)?;
        let running = thread::spawn(|| said("tunnel list --release 1.17"));
        thread::sleep(std::time::Duration::from_millis(round * 4));
        std::fs::remove_file(&path)?;
        drop(map);
        let (code, text, errors) = running.join().ok().context("panicked")??;
        let fine = match code {
            Some(0) => text.contains("nil"),
            Some(1) => text.is_empty() && errors.starts_with("skbtrail: "),
            _ => false,
        };
        ensure!(fine && !errors.contains("panicked"), "{code:?} `{text}` `{errors}`");
        *outcomes.entry(code).or_insert(0) += 1;
    }
    println!("vanishing pins: {outcomes:?}");
    Ok(())
}

/// `--watch` tells how fast counters rise: not in the first round, 0 while they rest, more when they have risen.
fn watched() -> Result<()> {
    let counted = |packets: u8| {
        let text =
            "map cilium_metrics percpu_hash 8 16 1024\nentry 8501000002000000 = XX000000000000006400000000000000";
        Fixture::read(&format!("{}\ntext\n", text.replace("XX", &format!("{packets:02x}"))))
    };
    let maps = lay_out(&counted(10), FOLDER)?;
    let mut command = Command::new("skbtrail");
    command.args(["cilium", "metrics", "--watch=0.3", "--json", "--release", "1.18"]).stdout(Stdio::piped());
    let mut running = command.spawn()?;
    let mut lines = BufReader::new(running.stdout.take().context("no stdout")?).lines();
    let mut rate = || -> Result<Option<f64>> {
        let line = lines.next().context("it ended")??;
        Ok(serde_json::from_str::<Value>(&line)?["packets_per_s"].as_f64())
    };
    let outcome = (|| {
        let (first, second) = (rate()?, rate()?);
        ensure!(first.is_none() && second == Some(0.0), "{first:?}, {second:?}");
        maps[0].set_all(&counted(200).maps[0].entries[0])?;
        // A few rounds may have been on their way.
        let risen = (0..50).find_map(|_| rate().ok().flatten().filter(|rate| *rate > 0.0));
        ensure!(risen.is_some(), "nothing rose");
        Ok(())
    })();
    kill(Pid::from_raw(running.id().cast_signed()), Signal::SIGTERM)?;
    let status = running.wait()?;
    outcome?;
    ensure!(status.code() == Some(128 + 15), "{status}");
    std::fs::remove_file(format!("{FOLDER}/cilium_metrics"))?;
    Ok(())
}
