//! After a run the kernel holds no link, program or map of ours: after Ctrl-C, SIGTERM, and a hundred times kill -9.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "leaves_nothing",
    about: "no link, program or map stays behind, nor after kill -9, a hundred times",
    min_kernel: (5, 3),
    seconds: 900,
    run,
};

/// Few, so that a hundred starts take no hour.
const FEW: &[&str] = &["--filter-func", "ip_rcv|ip_output|icmp_rcv", "icmp"];
/// A kernel lets go of programs some time after the descriptor is gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let before = holdings()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = Tracer::new(FEW).start()?;
        pair.ping(1)?;
        running.signal(signal)?;
        let seen = running.wait()?;
        seen.check().with_context(|| signal.to_string())?;
        ensure!(seen.gone_after < Duration::from_secs(5), "{signal}: prompt after {:?}", seen.gone_after);
        back_to(before).with_context(|| signal.to_string())?;
    }
    for round in 0..100 {
        let mut running = Tracer::new(FEW).start().with_context(|| format!("round {round}"))?;
        running.child.kill()?;
        running.child.wait()?;
    }
    back_to(before).context("kill -9")
}

/// Numbers of links, programs and maps in the kernel.
fn holdings() -> Result<[usize; 3]> {
    Ok([count("link")?, count("prog")?, count("map")?])
}

fn count(kind: &str) -> Result<usize> {
    let list = sh(&format!("bpftool {kind} list"))?;
    Ok(list.lines().filter(|line| starts_entry(line)).count())
}

/// `7: kprobe_multi  prog 12`; further lines of an entry are indented.
fn starts_entry(line: &str) -> bool {
    line.split(':').next().is_some_and(|id| id.parse::<u32>().is_ok())
}

fn back_to(before: [usize; 3]) -> Result<()> {
    let start = Instant::now();
    loop {
        let now = holdings()?;
        if now == before {
            return Ok(());
        }
        ensure!(start.elapsed() < GONE_WITHIN, "links, programs, maps: {before:?} before, {now:?} after");
        sleep(Duration::from_millis(200));
    }
}
