//! What the kernel holds of BPF, counted by bpftool: a run must leave as much as it found.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::net::sh;

/// The kernel waits for a grace period for each kprobe.
const HELD_WITHIN: Duration = Duration::from_mins(2);
/// A kernel lets go of programs some time after the last descriptor is gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const SETTLING: Duration = Duration::from_millis(500);

/// Numbers of links, programs and maps, and of perf events that run programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    links: usize,
    programs: usize,
    maps: usize,
    perf_events: usize,
}

impl Holdings {
    /// What it holds when nothing is being let go any more.
    pub(crate) fn at_rest() -> Result<Self> {
        wait_for_holders()?;
        sleep(SETTLING);
        Self::now()
    }

    pub(crate) fn now() -> Result<Self> {
        let perf_events = sh("bpftool perf list")?.lines().filter(|line| line.starts_with("pid ")).count();
        Ok(Self { links: count("link")?, programs: count("prog")?, maps: count("map")?, perf_events })
    }

    /// Waits until the kernel holds this much again; an error if that takes longer than it may.
    ///
    /// It looks only when nobody holds anything any more. bpftool opens every map of what it lists, and a table of
    /// programs that is opened and closed while the kernel is about to empty it leaks: `prog_array_map_clear` takes a
    /// reference for work that may already be pending (seen on 6.12).
    pub(crate) fn restored(self) -> Result<()> {
        wait_for_holders()?;
        let start = Instant::now();
        loop {
            sleep(SETTLING);
            let now = Self::now()?;
            if now == self {
                return Ok(());
            }
            if start.elapsed() > GONE_WITHIN {
                let lists = sh("bpftool link list; bpftool prog list; bpftool map list")?;
                bail!("the kernel held {self:?} before, and {now:?} after {GONE_WITHIN:?}: {lists}");
            }
        }
    }
}

/// The kernel is told to hurry meanwhile: 1500 kprobes would take it two minutes.
fn wait_for_holders() -> Result<()> {
    let hurry = Path::new("/sys/kernel/rcu_expedited");
    std::fs::write(hurry, "1")?;
    let start = Instant::now();
    while holders()? > 0 {
        ensure!(start.elapsed() < HELD_WITHIN, "kprobes are still held after {HELD_WITHIN:?}");
        sleep(Duration::from_millis(20));
    }
    std::fs::write(hurry, "0").context("failed to let the kernel take its time again")
}

/// Processes that hold kprobes for a tracer.
fn holders() -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc")? {
        let command = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        count += usize::from(command.split(|&byte| byte == 0).any(|word| word == b"hold-kprobes"));
    }
    Ok(count)
}

fn count(kind: &str) -> Result<usize> {
    Ok(sh(&format!("bpftool {kind} list"))?.lines().filter(|line| starts_entry(line)).count())
}

/// `7: kprobe_multi  prog 12`; further lines of an entry are indented.
fn starts_entry(line: &str) -> bool {
    line.split(':').next().is_some_and(|id| id.parse::<u32>().is_ok())
}
