//! Nothing is lost in silence: of a flood of pings every event is shown or counted, and none is lost where the ring has
//! room for all of them.
//!
//! With the default ring none is lost either where two CPUs are free for the two sides; on a busy machine that is a matter
//! of luck, so what was lost there is printed, and only its account is checked.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "flood_counts",
    about: "4000 flood pings: seen = shown + lost exactly, and nothing lost in a ring with room for all",
    min_kernel: (6, 12),
    seconds: 300,
    run,
};

const PINGS: usize = 4000;
/// Functions that each of a ping's two packets passes once.
const ONCE: &[&str] = &["ip_rcv", "icmp_rcv"];

/// Ring with room for all events of the flood (half a million, 208 bytes each), MiB.
const ROOM_FOR_ALL: &str = "128";

fn run(_guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let (seen, text) = flooded(&pair, &["icmp"])?;
    let counts = seen.check()?;
    ensure!(counts.seen > 50 * PINGS as u64, "{counts:?}");
    ensure!(text.lines().count() as u64 == counts.shown + 1, "{} lines, {counts:?}", text.lines().count());
    crate::guest::say(&format!("with the default ring: {counts:?}"));

    let (seen, text) = flooded(&pair, &["--ring-size", ROOM_FOR_ALL, "icmp"])?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}: {}", seen.stderr);
    for function in ONCE {
        let calls = text.lines().filter(|line| line.split_whitespace().any(|word| word == *function)).count();
        ensure!(calls == 2 * PINGS, "{calls} calls of {function}");
    }
    Ok(())
}

fn flooded(pair: &Pair, args: &[&str]) -> Result<(Trace, String)> {
    let mut running = Tracer::text(args).start()?;
    let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
    ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
    let seen = running.stop()?;
    Ok((seen, running.stdout()?))
}
