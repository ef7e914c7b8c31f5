//! What a run of the program costs. A process knows the peak memory of its largest child alone, so each run is started by a
//! process of its own.

use std::{
    env,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeVal,
    },
    time::{ClockId, clock_gettime},
};

/// First argument of the process in between.
pub(crate) const ROLE: &str = "measure";

/// Seconds on a CPU, and the peak of its memory in megabytes.
pub(crate) struct Cost {
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) peak: f64,
}

/// CPU time of this process so far.
pub(crate) fn own_cpu() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// Runs skbtrail with these arguments.
pub(crate) fn measured(args: &[&str]) -> anyhow::Result<Cost> {
    let output = Command::new(env::current_exe()?).arg(ROLE).args(args).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{args:?}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next().context("too few numbers");
    Ok(Cost { user: next()??, system: next()??, peak: next()?? })
}

/// The process in between.
pub(crate) fn role(args: &[String]) -> anyhow::Result<()> {
    let program = env::current_exe()?.with_file_name("../skbtrail");
    let mut command = Command::new(&program);
    let status = command.args(args).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("no `{}`; `cargo build --release` makes it", program.display()))?;
    ensure!(status.success(), "{status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    println!("{} {} {}", seconds(usage.user_time()), seconds(usage.system_time()), usage.max_rss() as f64 / 1e3);
    Ok(())
}
