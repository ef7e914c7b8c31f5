//! Once it listens, the tracer holds CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN and nothing else, in every thread, and
//! still sees packets.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
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
const FEW: &str = "ip_rcv|icmp_rcv|kfree_skb";

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    for backend in ["kprobe", "tracepoint"] {
        let mut running =
            Tracer::new(&["--backend", backend, "--filter-func", &format!("{FEW}|netif_receive_skb"), "icmp"])
                .start()?;
        let process = format!("/proc/{}", running.child.id());
        check(Path::new(&process)).with_context(|| backend.to_owned())?;
        for task in std::fs::read_dir(Path::new(&process).join("task"))? {
            check(&task?.path()).with_context(|| format!("{backend}, a thread"))?;
        }
        pair.ping(1)?;
        let seen = running.stop()?;
        seen.check()?;
        ensure!(!seen.hops.is_empty(), "{backend}: nothing seen without the rest");
    }
    Ok(())
}

/// A process or a thread.
fn check(task: &Path) -> Result<()> {
    let status = std::fs::read_to_string(task.join("status"))?;
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        u64::from_str_radix(line.trim(), 16).context("no number")
    };
    for (name, expected) in [("CapEff:", KEPT), ("CapPrm:", KEPT), ("CapBnd:", KEPT), ("CapInh:", 0), ("CapAmb:", 0)] {
        let found = mask(name)?;
        ensure!(found == expected, "{name} {found:016x}, not {expected:016x}");
    }
    Ok(())
}
