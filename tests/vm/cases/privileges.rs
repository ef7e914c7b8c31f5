//! Once it listens, the tracer holds CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN and nothing else, no thread of it more,
//! and the process that holds kprobes nothing at all; packets are still seen.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "privileges",
    about: "all capabilities but CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are dropped",
    min_kernel: (5, 8),
    seconds: 100,
    run,
};

/// CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39.
const KEPT: u64 = 1 << 12 | 1 << 38 | 1 << 39;

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    if guest.has_kprobe_multi() {
        check(&pair, "kprobe-multi", "icmp_rcv").context("kprobe-multi")?;
    }
    check(&pair, "kprobe", "icmp_rcv").context("kprobe")?;
    check(&pair, "tracepoint", "net:netif_receive_skb").context("tracepoint")?;
    for_a_caller(&pair).context("for a caller")
}

/// Threads that have let go of their privileges may not become somebody else, and do not keep the others from it. What is
/// written is the caller's.
fn for_a_caller(pair: &Pair) -> Result<()> {
    let (file, user) = ("/tmp/of_the_caller", 65534);
    let always = ["--output-file", file, "--filter-func", "icmp_rcv", "icmp"];
    for flags in [&["--output-context"][..], &["--filter-trace-tc"], &["--backend", "kprobe"]] {
        let mut running = Tracer::new(&[flags, &always].concat()).for_user(user).start()?;
        pair.ping(1)?;
        running.stop()?;
        let (owner, text) = (std::fs::metadata(file)?.uid(), std::fs::read_to_string(file)?);
        ensure!(owner == user && text.contains("icmp_rcv"), "{flags:?}: {file} is of {owner}: {text}");
        std::fs::remove_file(file)?;
    }
    let said = sh(&format!("SUDO_UID={user} SUDO_GID={user} skbtrail drops --once 1 --all-netns --ready-file {file}"))?;
    let owner = std::fs::metadata(file)?.uid();
    ensure!(owner == user, "{file} is of {owner}: {said}");
    std::fs::remove_file(file).context("the file of drops")
}

fn check(pair: &Pair, backend: &str, shows: &str) -> Result<()> {
    let functions = "ip_rcv|icmp_rcv|netif_receive_skb";
    let mut running = Tracer::new(&["--backend", backend, "--filter-func", functions, "icmp"]).start()?;
    let process = format!("/proc/{}", running.child.id());
    let process = Path::new(&process);
    let held = capabilities(process)?;
    ensure!(held == [KEPT, KEPT, KEPT, 0, 0], "the process holds {held:x?}");
    for task in std::fs::read_dir(process.join("task"))? {
        let held = capabilities(&task?.path())?;
        ensure!(held.iter().all(|mask| mask & !KEPT == 0), "a thread holds {held:x?}");
    }
    for child in std::fs::read_to_string(process.join("task").join(running.child.id().to_string()).join("children"))?
        .split_whitespace()
    {
        holds_nothing(&Path::new("/proc").join(child))?;
    }
    pair.ping(1)?;
    let seen = running.stop()?;
    seen.check()?;
    ensure!(seen.functions().contains(&shows), "no {shows}, but {:?}", seen.functions());
    Ok(())
}

/// It lets go of its privileges when the last function is attached, of which the tracer hears first.
fn holds_nothing(process: &Path) -> Result<()> {
    let start = Instant::now();
    while capabilities(process)? != [0; 5] {
        ensure!(
            start.elapsed() < Duration::from_secs(5),
            "the holder of the probes still may {:x?}",
            capabilities(process)?
        );
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Effective, permitted, bounding, inheritable, ambient; of a process or a thread.
fn capabilities(task: &Path) -> Result<[u64; 5]> {
    let status = std::fs::read_to_string(task.join("status"))?;
    let mut masks = [0; 5];
    for (mask, name) in masks.iter_mut().zip(["CapEff:", "CapPrm:", "CapBnd:", "CapInh:", "CapAmb:"]) {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        *mask = u64::from_str_radix(line.trim(), 16).context("no number")?;
    }
    Ok(masks)
}
