//! Nothing is lost in silence: of a flood of pings every event is shown or counted, and with two CPUs none is lost.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Running, Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "flood_counts",
    about: "4000 flood pings: seen = shown + lost, and nothing lost on two CPUs",
    min_kernel: (6, 12),
    seconds: 300,
    run,
};

const PINGS: usize = 4000;
/// Functions that each of a ping's two packets passes once.
const ONCE: &[&str] = &["ip_rcv", "icmp_rcv"];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let mut running = Tracer::text(&["icmp"]).start()?;
    let seen = flooded(&pair, &mut running)?;
    let counts = seen.check()?;
    ensure!(counts.seen > 50 * PINGS as u64, "{counts:?}");
    ensure!(counts.lost == 0 || guest.cpus < 2, "{counts:?}: {}", seen.stderr);
    let text = running.stdout()?;
    for function in ONCE {
        let calls = text.lines().filter(|line| line.split_whitespace().any(|word| word == *function)).count();
        ensure!(calls == 2 * PINGS || counts.lost > 0, "{calls} calls of {function}");
    }
    Ok(())
}

fn flooded(pair: &Pair, running: &mut Running) -> Result<Trace> {
    let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
    ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
    running.stop()
}
