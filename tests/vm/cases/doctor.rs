//! `skbtrail doctor` says what works, names the backend, and exits with 1 where tracing cannot work.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::guest::Guest;

pub(crate) const CASE: Case = Case {
    name: "doctor",
    about: "`skbtrail doctor` names the backend, and what is missing with its remedy",
    min_kernel: (5, 8),
    seconds: 60,
    run,
};

const ANSWERS: &[&str] = &[
    "new_enough",
    "btf",
    "tracepoints",
    "kprobes",
    "fprobe",
    "tracefs",
    "lockdown",
    "capabilities",
    "memory_lock",
    "direct_loads",
    "symbols",
    "fragments",
];

fn run(guest: &Guest) -> Result<()> {
    let (code, text) = said("skbtrail doctor")?;
    let backend = if guest.has_kprobe_multi() { "kprobe-multi" } else { "kprobe" };
    ensure!(code == Some(0) && text.contains(&guest.release), "{code:?}: {text}");
    let last = text.lines().next_back().unwrap_or_default();
    ensure!(last.split_whitespace().eq(["backend", backend]), "{text}");
    let (code, text) = said("skbtrail doctor --json")?;
    let report: Value = serde_json::from_str(&text)?;
    ensure!(code == Some(0) && report["backend"] == backend, "{code:?}: {text}");
    for key in ANSWERS {
        let answer = &report[key]["ok"];
        // 6.1 has no FPROBE and no direct loads; a machine without lockdown does not speak of it.
        let may_lack = ["fprobe", "direct_loads"].contains(key) && !guest.has_kprobe_multi();
        ensure!(*answer == !may_lack || *key == "lockdown" && answer.is_null(), "{key}: {}", report[key]);
    }
    if !guest.has_kprobe_multi() {
        ensure!(report["fprobe"]["remedy"].as_str().is_some_and(|remedy| remedy.contains("CONFIG_FPROBE=y")), "{text}");
    }
    without_privileges()
}

fn without_privileges() -> Result<()> {
    let (code, text) = said("setpriv --reuid=65534 --regid=65534 --clear-groups skbtrail doctor")?;
    ensure!(code == Some(1), "{code:?}: {text}");
    ensure!(text.contains("CAP_BPF") && text.contains("remedy: run as root"), "{text}");
    ensure!(text.lines().next_back().is_some_and(|line| line.contains("none")), "{text}");
    Ok(())
}

/// Exit code and stdout of a shell line.
fn said(line: &str) -> Result<(Option<i32>, String)> {
    let run = Command::new("bash").args(["-c", line]).output().context("failed to run bash")?;
    Ok((run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned()))
}
