//! Nothing is lost in silence: of a flood of pings the default ring loses no event, and one that is much too small accounts
//! for each.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "flood_counts",
    about: "4000 flood pings: nothing lost with the default ring, seen = shown + lost exactly with a small one",
    min_kernel: (6, 12),
    seconds: 300,
    run,
};

const PINGS: usize = 4000;
/// Functions that each of a ping's two packets passes once.
const ONCE: &[&str] = &["ip_rcv", "icmp_rcv"];

/// A ring that overflows, MiB.
const SMALL: &str = "1";

fn run(_guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    // Half a million events of 208 bytes: the default ring has room for them, however slowly they are read.
    let (seen, text) = flooded(&pair, &["icmp"])?;
    let counts = seen.check()?;
    ensure!(counts.seen > 50 * PINGS as u64, "{counts:?}");
    ensure!(counts.lost == 0, "{counts:?}: {}", seen.stderr);
    for function in ONCE {
        let calls = text.lines().filter(|line| line.split_whitespace().any(|word| word == *function)).count();
        ensure!(calls == 2 * PINGS, "{calls} calls of {function}");
    }
    let (seen, text) = flooded(&pair, &["--ring-size", SMALL, "icmp"])?;
    let counts = seen.check()?;
    ensure!(text.lines().count() as u64 == counts.shown + 1, "{} lines, {counts:?}", text.lines().count());
    crate::guest::say(&format!("with a ring of {SMALL} MiB: {counts:?}"));
    Ok(())
}

fn flooded(pair: &Pair, args: &[&str]) -> Result<(Trace, String)> {
    let mut running = Tracer::text(args).start()?;
    let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
    ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
    let seen = running.stop()?;
    Ok((seen, running.stdout()?))
}
