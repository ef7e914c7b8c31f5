//! A call of the kernel that fails, at the first, the second or any other place of a command that looks at maps and programs:
//! what was read before is printed, all of it as it is without the failure, and that something is missing is said.
//!
//! strace makes the calls fail, each in a run of its own.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Body, Kind, Loaded, Map};
use crate::guest::{Guest, read_if_there, say};

pub(crate) const CASE: Case = Case {
    name: "failing_reads",
    about: "each bpf call that fails leaves what was read before, and is said",
    min_kernel: (5, 8),
    seconds: 900,
    run,
};

/// More than fit into a batch.
const ENTRIES: u32 = 4200;
/// Calls of a command that fail one by one; those behind them ask the same of one thing after the other, and every fourth fails.
const EACH: usize = 24;
const STEP: usize = 4;
/// More calls than this would take the case too long.
const MOST_CALLS: usize = 200;
/// Where a program is attached.
const GROUP: &str = "/sys/fs/cgroup/failing";
const LOG: &str = "/tmp/calls";

fn run(_: &Guest) -> Result<()> {
    let connections = Map::new("cilium_ct4_global", 9, (14, 56), 2 * ENTRIES, 0)?;
    let endpoints = Map::new("cilium_lxc", 1, (20, 48), 2 * ENTRIES, 0)?;
    let pairs = Map::new("pair_original_dst", 9, (12, 12), 4 * ENTRIES, 0)?;
    for number in 0..ENTRIES {
        let [_, b, c, d] = number.to_be_bytes();
        connections.set(&[10, b, c, d, 10, 0, 0, 1, 0, 80, c, d, 6, 1], &[d; 56])?;
        endpoints.set(&[&[10, b, c, d][..], &[0; 12], &[1, 0, 0, 0]].concat(), &[d; 48])?;
        pairs.set(&[127, 0, 0, 1, 127, 128, c, d, c, d, 0x3a, 0x99], &[0, 0, 0, 0, 10, 96, 0, 1, 0, 80, 1, 0])?;
    }
    let devices = Map::new("devices", 25, (4, 4), 4, 0)?;
    devices.set(&[1, 0, 0, 0], &1_u32.to_ne_bytes())?;
    let program = Loaded::using(Kind::Xdp, "pass", &[&devices.pin], 2)?;
    let connect = Loaded::new(Kind::Connect4, "connect", Body::Return(1))?;
    std::fs::create_dir_all(GROUP)?;
    let link = connect.at_cgroup(GROUP)?;
    for command in [
        format!("maps dump --json {}", connections.pin),
        format!("maps dump --json {}", devices.pin),
        "cilium ct list --json".to_owned(),
        "cilium endpoint list".to_owned(),
        "merbridge redirects --json".to_owned(),
        "maps --json".to_owned(),
        "progs --json".to_owned(),
        "net --json".to_owned(),
        "cgroups --json".to_owned(),
    ] {
        each_failure(&command).with_context(|| command.clone())?;
    }
    drop((program, link));
    std::fs::remove_dir(GROUP).context("the control group stays")
}

fn each_failure(command: &str) -> Result<()> {
    let whole = Outcome::of(command, None)?;
    ensure!(whole.code == Some(0) && !whole.lines.is_empty(), "without a failure: {whole:?}");
    let (mut partly, mut failed) = (0, 0);
    let mut call = 1;
    loop {
        let outcome = Outcome::of(command, Some(call))?;
        if !read_if_there(LOG.as_ref())?.contains("(INJECTED)") {
            break;
        }
        outcome.is_honest(&whole).with_context(|| format!("call {call} fails"))?;
        partly += usize::from(outcome.code != Some(0) && !outcome.lines.is_empty());
        failed += 1;
        call += if call < EACH { 1 } else { STEP };
        ensure!(call <= MOST_CALLS, "more than {MOST_CALLS} calls");
    }
    ensure!(failed > 0, "no call of bpf is made");
    say(&format!("{command}: {failed} calls failed, {partly} times a part was printed"));
    Ok(())
}

/// A row is as it should be, or says of a field that it is not known, or in its notes that something is missing.
fn owns_up(ours: &str, whole: &str) -> Result<()> {
    if ours == whole {
        return Ok(());
    }
    let (ours, whole): (Value, Value) = (serde_json::from_str(ours)?, serde_json::from_str(whole)?);
    let (fields, expected) = (ours.as_object().context("no object")?, whole.as_object().context("no object")?);
    ensure!(fields.keys().eq(expected.keys()), "other fields: {ours}, not {whole}");
    if fields.get("notes").and_then(Value::as_array).is_some_and(|notes| !notes.is_empty()) {
        return Ok(());
    }
    for (name, value) in fields {
        ensure!(
            value.is_null() || *value == expected[name],
            "{name} is wrong in silence: {value}, not {}",
            expected[name]
        );
    }
    Ok(())
}

/// What a run came to.
#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    lines: Vec<String>,
    said: String,
}

impl Outcome {
    fn of(command: &str, failing: Option<usize>) -> Result<Self> {
        let inject = failing.map(|call| format!("-e inject=bpf:error=EIO:when={call} ")).unwrap_or_default();
        let line = format!("exec strace -f -o {LOG} -e trace=bpf {inject}skbtrail {command}");
        let output = Command::new("bash").args(["-c", &line]).output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let lines = text(output.stdout).lines().map(str::to_owned).collect();
        Ok(Self { code: output.status.code(), lines, said: text(output.stderr) })
    }

    /// Nothing is invented, and what is missing is said.
    fn is_honest(&self, whole: &Self) -> Result<()> {
        ensure!(!self.said.contains("panicked"), "{}", self.said);
        let notes = self.said.lines().filter(|line| line.starts_with("skbtrail: ")).count();
        if self.code == Some(0) && notes == 0 {
            ensure!(self.lines.len() == whole.lines.len(), "rows are missing in silence: {:?}", self.missing(whole));
            return self.lines.iter().zip(&whole.lines).try_for_each(|(ours, whole)| owns_up(ours, whole));
        }
        ensure!(notes > 0, "exit code {:?} without a word: {}", self.code, self.said);
        let foreign = self.lines.iter().find(|line| !whole.lines.contains(line));
        ensure!(self.code == Some(0) || foreign.is_none(), "invented: {foreign:?}");
        Ok(())
    }

    fn missing<'a>(&self, whole: &'a Self) -> Option<&'a String> {
        whole.lines.iter().find(|line| !self.lines.contains(line))
    }
}
