//! Kprobes one by one, for kernels without FPROBE: events long before the last one is attached, the prompt back at
//! once, a second run while the kernel still lets go of the first one's, and nothing left at the end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::Case;
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::{Background, Pair};
use crate::tracer::{Running, Tracer};

pub(crate) const CASE: Case = Case {
    name: "kprobe_backend",
    about: "kprobes: first events early, prompt back at once, a second run meanwhile, nothing left",
    min_kernel: (5, 8),
    seconds: 240,
    run,
};

/// What is taken is printed: on an idle machine 1 s, 15 s and 0.1 s. The limits only catch what is far off (pwru 67 s and
/// 56 s), since another job on the machine must not fail a run.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
const ALL_WITHIN: Duration = Duration::from_mins(3);
const PROMPT_WITHIN: Duration = Duration::from_secs(5);

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let before = Holdings::at_rest()?;
    // All where it is the backend; elsewhere it is asked for, and some will do.
    let args: &[&str] = if guest.has_kprobe_multi() {
        &["--backend", "kprobe", "--filter-func", "ip_.*|__ip_.*|icmp_.*|tcp_v4_.*|udp_.*", "icmp"]
    } else {
        &["icmp"]
    };
    let traffic = Background::start(&pair.a.inside("exec ping -q -i 0.02 10.77.0.2"))?;
    let mut first = Tracer::new(args).launch()?;
    let saw = first_event(&mut first)?;
    drop(traffic);
    ensure!(!first.stderr()?.contains("listening"), "all were attached before the first event was shown");
    first.wait_until_ready()?;
    crate::guest::say(&format!("first event after {saw:.1?}, all attached after {:.1?}", first.ready_after));
    pair.ping(1)?;
    first.signal(Signal::SIGINT)?;
    let seen = first.wait()?;
    seen.check()?;
    seen.packet_passes(&["ip_output", "ip_rcv", "icmp_rcv"])?;
    crate::guest::say(&format!("prompt after {:.1?}", seen.gone_after));
    ensure!(seen.stderr.contains("lets go of the probes in the background"), "{}", seen.stderr);
    // Most of the first run's are still there.
    second(args, &pair).context("a second run")?;
    let start = Instant::now();
    before.restored()?;
    crate::guest::say(&format!("nothing left after {:.1?} more", start.elapsed()));
    ensure!(saw < FIRST_WITHIN, "first event after {saw:?}");
    ensure!(first.ready_after < ALL_WITHIN, "all attached after {:?}", first.ready_after);
    ensure!(seen.gone_after < PROMPT_WITHIN, "prompt after {:?}", seen.gone_after);
    Ok(())
}

/// From the start to the first call; drops come from a tracepoint, which is there at once.
fn first_event(running: &mut Running) -> Result<Duration> {
    let start = Instant::now();
    while !running.stdout()?.contains(r#""type":"call""#) {
        ensure!(start.elapsed() < ALL_WITHIN, "no event: {}", running.stderr()?);
        ensure!(running.child.try_wait()?.is_none(), "ended by itself: {}", running.stderr()?);
        sleep(Duration::from_millis(10));
    }
    Ok(start.elapsed())
}

/// Stopped while it still attaches, which must be as quick.
fn second(args: &[&str], pair: &Pair) -> Result<()> {
    let traffic = Background::start(&pair.a.inside("exec ping -q -i 0.02 10.77.0.2"))?;
    let mut running = Tracer::new(args).launch()?;
    first_event(&mut running)?;
    drop(traffic);
    running.signal(Signal::SIGINT)?;
    let seen = running.wait()?;
    seen.check()?;
    ensure!(seen.hops.iter().any(|hop| hop.text("/tuple/daddr") == Pair::B4), "{:?}", seen.functions());
    ensure!(seen.gone_after < PROMPT_WITHIN, "prompt after {:?}", seen.gone_after);
    Ok(())
}
