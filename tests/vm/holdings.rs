//! What the kernel holds of BPF, counted by bpftool: a run must leave as much as it found.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::net::sh;

/// A kernel lets go of programs some time after the last descriptor is gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Numbers of links, programs and maps, and of perf events that run programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    links: usize,
    programs: usize,
    maps: usize,
    perf_events: usize,
}

impl Holdings {
    pub(crate) fn now() -> Result<Self> {
        let perf_events = sh("bpftool perf list")?.lines().filter(|line| line.starts_with("pid ")).count();
        Ok(Self { links: count("link")?, programs: count("prog")?, maps: count("map")?, perf_events })
    }

    /// Waits until the kernel holds this much again; an error if that takes longer than it may.
    pub(crate) fn restored(self) -> Result<()> {
        self.restored_within(GONE_WITHIN)
    }

    pub(crate) fn restored_within(self, limit: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let now = Self::now()?;
            if now == self {
                return Ok(());
            }
            if start.elapsed() > limit {
                let lists = sh("bpftool link list; bpftool prog list; bpftool map list")?;
                bail!("the kernel held {self:?} before, and {now:?} after {limit:?}: {lists}");
            }
            sleep(Duration::from_millis(200));
        }
    }
}

fn count(kind: &str) -> Result<usize> {
    Ok(sh(&format!("bpftool {kind} list"))?.lines().filter(|line| starts_entry(line)).count())
}

/// `7: kprobe_multi  prog 12`; further lines of an entry are indented.
fn starts_entry(line: &str) -> bool {
    line.split(':').next().is_some_and(|id| id.parse::<u32>().is_ok())
}
