//! A veth with a native XDP program copies packets into pages of its own: the copy goes on in the journey.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::{Pair, Pinned};

pub(crate) const CASE: Case = Case {
    name: "follow_xdp",
    about: "journeys through a veth with a native XDP program that passes all",
    min_kernel: (5, 17),
    seconds: 100,
    run,
};

const PINGS: Expected = Expected {
    name: "echo requests",
    filter: "icmp[icmptype] = icmp-echo",
    traffic: "ping -n -q -i 0.1 -c 3 10.77.0.2",
    journeys: Some(3),
    flows: &["icmp 10.77.0.1 > 10.77.0.2"],
    way: &["ip_output@a", "veth_xmit@a/va", "ip_local_deliver@b/vb", "icmp_rcv@b/vb"],
    // What was sent, and the copy that the program ran on.
    branches: &[("veth_xmit|icmp_rcv", 2)],
};
const XDP_PASS: i32 = 2;

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let program = Pinned::new("xdp", XDP_PASS)?;
    pair.b.sh(&format!("ip link set dev vb xdpdrv pinned {}", program.path()))?;
    let said = pair.b.sh("ip -d link show dev vb")?;
    ensure!(said.contains("prog/xdp"), "not attached: {said}");
    pair.ping(1)?;
    Expected::check(&[PINGS], guest, &pair.a).map(drop)
}
