//! A call of the kernel that fails, at the first, the second or any other place of a command that looks at maps and programs:
//! what was read before is printed, all of it as it is without the failure, and that something is missing is said.
//!
//! strace makes the calls fail, each in a run of its own.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::bpf::{Kind, Loaded, Map};
use crate::guest::{Guest, read_if_there, say};

pub(crate) const CASE: Case = Case {
    name: "failing_reads",
    about: "each bpf call that fails leaves what was read before, and is said",
    min_kernel: (5, 8),
    seconds: 300,
    run,
};

/// More than fit into a batch.
const ENTRIES: u32 = 6000;
/// Calls of a command; more than this would take the case too long.
const MOST_CALLS: usize = 120;
const LOG: &str = "/tmp/calls";

fn run(_: &Guest) -> Result<()> {
    let connections = Map::new("cilium_ct4_global", 9, (14, 56), 2 * ENTRIES, 0)?;
    let endpoints = Map::new("cilium_lxc", 1, (20, 48), 2 * ENTRIES, 0)?;
    for number in 0..ENTRIES {
        let [_, b, c, d] = number.to_be_bytes();
        connections.set(&[10, b, c, d, 10, 0, 0, 1, 0, 80, c, d, 6, 1], &[d; 56])?;
        endpoints.set(&[&[10, b, c, d][..], &[0; 12], &[1, 0, 0, 0]].concat(), &[d; 48])?;
    }
    let devices = Map::new("devices", 25, (4, 4), 4, 0)?;
    devices.set(&[1, 0, 0, 0], &1_u32.to_ne_bytes())?;
    let program = Loaded::using(Kind::Xdp, "pass", &[&devices.pin], 2)?;
    for command in [
        format!("maps dump --json {}", connections.pin),
        format!("maps dump --json {}", devices.pin),
        "cilium ct list --json".to_owned(),
        "cilium endpoint list".to_owned(),
        "maps --json".to_owned(),
        "progs --json".to_owned(),
        "net --json".to_owned(),
        "cgroups --json".to_owned(),
    ] {
        each_failure(&command).with_context(|| command.clone())?;
    }
    drop(program);
    Ok(())
}

fn each_failure(command: &str) -> Result<()> {
    let whole = Outcome::of(command, None)?;
    ensure!(whole.code == Some(0) && !whole.lines.is_empty(), "without a failure: {whole:?}");
    let mut partly = 0;
    let mut call = 1;
    loop {
        let outcome = Outcome::of(command, Some(call))?;
        if !read_if_there(LOG.as_ref())?.contains("(INJECTED)") {
            break;
        }
        outcome.is_honest(&whole).with_context(|| format!("call {call} fails"))?;
        partly += usize::from(outcome.code != Some(0) && !outcome.lines.is_empty());
        call += 1;
        ensure!(call <= MOST_CALLS, "more than {MOST_CALLS} calls");
    }
    ensure!(call > 1, "no call of bpf is made");
    say(&format!("{command}: {} calls, {partly} times a part was printed", call - 1));
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
            ensure!(self.lines == whole.lines, "something is missing in silence: {:?}", self.missing(whole));
            return Ok(());
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
