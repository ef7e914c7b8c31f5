//! After a run the kernel holds no link, program or map of ours: after Ctrl-C, SIGTERM, and a hundred times kill -9.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::Case;
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::Pair;
use crate::tracer::{Running, Tracer};

pub(crate) const CASE: Case = Case {
    name: "leaves_nothing",
    about: "no link, program or map stays behind, nor after kill -9, a hundred times",
    min_kernel: (5, 3),
    seconds: 300,
    run,
};

/// Functions, so all that a run can make.
const FULL: &[&str] = &["--filter-func", "ip_rcv|ip_output|icmp_rcv|kfree_skb", "icmp"];
/// No function and one tracepoint, so that nearly a hundred starts take no minute: 7.2 verifies a program for 1.4 s.
const LIGHT: &[&str] = &["--backend", "tracepoint", "--filter-func", "kfree_skb", "--ring-size", "1"];
/// Two kills a round, one for each CPU.
const ROUNDS: u32 = 50;
/// One round in so many has functions.
const FULL_EVERY: u32 = 16;

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let before = Holdings::at_rest()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = Tracer::new(FULL).start()?;
        pair.ping(1)?;
        running.signal(signal)?;
        let seen = running.wait()?;
        seen.check().with_context(|| signal.to_string())?;
        ensure!(seen.gone_after < Duration::from_secs(5), "{signal}: prompt after {:?}", seen.gone_after);
        before.restored().with_context(|| signal.to_string())?;
    }
    let [full, light] = [ready_after(FULL)?, ready_after(LIGHT)?];
    for round in 0..ROUNDS {
        let (args, ready_after) = if round.is_multiple_of(FULL_EVERY) { (FULL, full) } else { (LIGHT, light) };
        // A little later in each round: while it starts first, then while it attaches, then when it listens.
        let moment = ready_after * 5 / 4 * (round + 1) / ROUNDS;
        kill_two(args, moment).with_context(|| format!("after {moment:?}"))?;
    }
    before.restored().context("kill -9")
}

fn ready_after(args: &[&str]) -> Result<Duration> {
    let running = Tracer::new(args).start()?;
    let ready_after = running.ready_after;
    kill(running)?;
    Ok(ready_after)
}

fn kill_two(args: &[&str], moment: Duration) -> Result<()> {
    let both = [Tracer::new(args).launch()?, Tracer::new(args).launch()?];
    sleep(moment);
    both.into_iter().try_for_each(kill)
}

fn kill(mut running: Running) -> Result<()> {
    ensure!(running.child.try_wait()?.is_none(), "ended by itself: {}", running.stderr()?);
    running.child.kill()?;
    running.child.wait()?;
    Ok(())
}
