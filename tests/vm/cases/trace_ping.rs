//! The spine: a ping between two namespaces is seen on its whole way, in order, and nothing else is.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Hop, trace};

pub(crate) const CASE: Case = Case {
    name: "trace_ping",
    about: "an echo request is followed from the sender to icmp_rcv",
    min_kernel: (5, 3),
    seconds: 200,
    run,
};

/// For kernels that attach one by one; `kprobe_backend` attaches all there.
const FEW: &[&str] = &["--filter-func", "ip_.*cv|ip_output|icmp_rcv|dev_hard_start_xmit|veth_xmit|kfree_skb", "icmp"];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let args = if guest.has_kprobe_multi() { &["icmp"] } else { FEW };
    let seen = trace(args, || pair.ping(2))?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}");
    seen.packet_passes(&["ip_output", "dev_hard_start_xmit", "veth_xmit", "ip_rcv", "icmp_rcv"])?;
    let namespaces = [pair.a.inode()?, pair.b.inode()?];
    for hop in &seen.hops {
        // There the head's memory is given back already: what it holds is not shown.
        let gone = ["kfree_skbmem", "napi_skb_cache_put"].contains(&hop.func());
        ensure!(hop.text("/tuple/proto") == if gone { "" } else { "icmp" }, "a foreign packet: {}", hop.0);
        ensure!(hop.netns().is_none_or(|netns| namespaces.contains(&netns)), "a foreign namespace: {}", hop.0);
    }
    let times: Vec<_> = seen.hops.iter().filter_map(Hop::time).collect();
    ensure!(times.len() == seen.hops.len(), "hops without a time");
    Ok(())
}
