//! Nothing is lost in silence: of a flood of pings every event is shown or counted, and with two CPUs none is lost.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::trace;

pub(crate) const CASE: Case = Case {
    name: "flood_counts",
    about: "4000 flood pings: seen = shown + lost, and nothing lost on two CPUs",
    min_kernel: (6, 12),
    seconds: 600,
    run,
};

const PINGS: usize = 4000;

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let seen = trace(&["icmp"], || {
        let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
        ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
        Ok(())
    })?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0 || guest.cpus < 2, "{counts:?}: {}", seen.stderr);
    // Request and answer are each received once; a full count of one function shows that no line is missing.
    let received = seen.hops.iter().filter(|hop| hop.kind() == "call" && hop.func() == "icmp_rcv").count();
    ensure!(received == 2 * PINGS || counts.lost > 0, "{received} calls of icmp_rcv");
    Ok(())
}
