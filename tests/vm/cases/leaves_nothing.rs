//! After a run the kernel holds no link, program or map of ours: after Ctrl-C, SIGTERM, and a hundred times kill -9.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::Case;
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::Pair;
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "leaves_nothing",
    about: "no link, program or map stays behind, nor after kill -9, a hundred times",
    min_kernel: (5, 3),
    seconds: 300,
    run,
};

/// Functions, so all that a run can make.
const FULL: &[&str] = &["--filter-func", "ip_rcv|ip_output|icmp_rcv|kfree_skb", "icmp"];
/// No function, so that nearly a hundred starts take no minute.
const LIGHT: &[&str] = &["--backend", "tracepoint", "--filter-func", "kfree_skb|net_dev_queue", "--ring-size", "1"];
const KILLS: u32 = 100;
/// One kill in so many hits a run with functions.
const FULL_EVERY: u32 = 20;
/// Every second run is killed before it is ready, a little later each time.
const STEP: Duration = Duration::from_millis(4);

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let before = Holdings::now()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = Tracer::new(FULL).start()?;
        pair.ping(1)?;
        running.signal(signal)?;
        let seen = running.wait()?;
        seen.check().with_context(|| signal.to_string())?;
        ensure!(seen.gone_after < Duration::from_secs(2), "{signal}: prompt after {:?}", seen.gone_after);
        before.restored().with_context(|| signal.to_string())?;
    }
    for round in 0..KILLS {
        kill(round).with_context(|| format!("round {round}"))?;
    }
    before.restored().context("kill -9")
}

fn kill(round: u32) -> Result<()> {
    let args = if round.is_multiple_of(FULL_EVERY) { FULL } else { LIGHT };
    let mut running = Tracer::new(args).launch()?;
    if round.is_multiple_of(2) {
        running.wait_until_ready()?;
    } else {
        sleep(STEP * round);
        ensure!(running.child.try_wait()?.is_none(), "ended by itself: {}", running.stderr()?);
    }
    running.child.kill()?;
    running.child.wait()?;
    Ok(())
}
