//! The name of an interface is right in every line, also when the interface is gone by the time of printing.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::trace;

pub(crate) const CASE: Case = Case {
    name: "vanished_device",
    about: "interface names stay right after the interface is gone",
    min_kernel: (5, 3),
    seconds: 200,
    run,
};

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let seen = trace(&["--filter-func", "veth_xmit|ip_rcv|icmp_rcv", "icmp"], || {
        pair.ping(1)?;
        drop(pair);
        Ok(())
    })?;
    seen.check()?;
    ensure!(seen.hops.iter().any(|hop| hop.func() == "ip_rcv"), "only {:?}", seen.functions());
    for hop in &seen.hops {
        ensure!(["va", "vb"].contains(&hop.ifname()), "not its interface: {}", hop.0);
    }
    Ok(())
}
