//! Functions without an `sk_buff` show where they are called in the work on a followed packet, as hops of its journey, and
//! nowhere else.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::{followed, journeys};
use crate::net::{Background, Pair};

pub(crate) const CASE: Case = Case {
    name: "without_skb",
    about: "--filter-non-skb-funcs: the route look-up of a ping is a hop of its journey, that of others is not shown",
    min_kernel: (5, 17),
    seconds: 100,
    run,
};

const LOOK_UP: &str = "fib_table_lookup";
const PINGS: usize = 5;

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.ping(1)?;
    // Looks up routes all the time, for packets that nobody asks for.
    let _others = Background::start(&pair.b.inside("exec ping -q -i 0.01 10.77.0.2"))?;
    let functions = "ip_output|ip_rcv|ip_route_input_slow|ip_local_deliver|icmp_rcv";
    let filter = "icmp[icmptype] = icmp-echo and src host 10.77.0.1";
    let args = ["--filter-func", functions, "--filter-non-skb-funcs", LOOK_UP, filter];
    let seen = followed(&args, || pair.a.sh(&format!("ping -n -q -i 0.1 -c {PINGS} 10.77.0.2")).map(drop))?;
    let journeys = journeys(&seen)?;
    ensure!(journeys.len() == PINGS, "{} journeys", journeys.len());
    for journey in &journeys {
        journey.passes(&[
            "ip_rcv@b/vb",
            "ip_route_input_slow@b/vb",
            LOOK_UP,
            "ip_local_deliver@b/vb",
            "icmp_rcv@b/vb",
        ])?;
        let before = |name: &str| journey.hops.iter().position(|hop| hop.func() == name);
        let first = before(LOOK_UP).context("no look-up")?;
        // None but that of the packet's own stack: nothing on the way of the other pings.
        ensure!(Some(first) > before("ip_rcv"), "a look-up before it arrived: {}", journey.story());
    }
    Ok(())
}
