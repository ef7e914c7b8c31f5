//! A connection is seen from `connect` on: before a SYN has its headers, its socket tells where it goes, and the filter judges by
//! that.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::{Expected, Journey, journeys};
use crate::net::Pair;

pub(crate) const CASE: Case = Case {
    name: "follow_connect",
    about: "the first hit of a SYN is before its headers are written, IPv4 and IPv6",
    min_kernel: (5, 17),
    seconds: 100,
    run,
};

const CONNECTS: &[Expected] = &[
    Expected {
        name: "IPv4",
        filter: "dst host 10.77.0.2 and tcp dst port 8081",
        traffic: "nc -n -z -w 5 -p 40001 10.77.0.2 8081",
        journeys: None,
        flows: &["tcp 10.77.0.1:40001 > 10.77.0.2:8081"],
        way: &["__ip_local_out@a", "ip_output@a", "veth_xmit@a/va", "tcp_v4_rcv@b/vb"],
        branches: &[],
    },
    Expected {
        name: "IPv6",
        filter: "dst host fd77::2 and tcp dst port 8081",
        traffic: "nc -n -z -w 5 -p 40002 fd77::2 8081",
        journeys: None,
        flows: &["tcp fd77::1:40002 > fd77::2:8081"],
        way: &["veth_xmit@a/va", "tcp_v6_rcv@b/vb"],
        // The first hit of a SYN is here; the last segment of a connection does not pass it.
        branches: &[("tcp_v4_send_check|tcp_v6_send_check|__ip_queue_xmit|ip6_xmit", 1)],
    },
];

/// Functions that are called when the header of the network layer is there.
const WRITTEN: [&str; 2] = ["__ip_local_out", "veth_xmit"];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let _server = pair.b.listen("8081")?;
    let _server6 = pair.b.listen("-6 8081")?;
    pair.ping(1)?;
    pair.ping6(1)?;
    let seen = Expected::check(CONNECTS, guest, &pair.a)?;
    let journeys = journeys(&seen)?;
    for (expected, written) in CONNECTS.iter().zip(WRITTEN) {
        let flow = expected.flows[0];
        let syn = journeys.iter().find(|journey| journey.hops[0].flow().as_deref() == Some(flow));
        begins_early(syn.context("no journey")?, written).context(expected.name)?;
    }
    Ok(())
}

/// It begins by the socket, and only later hits read the packet's own headers.
fn begins_early(syn: &Journey<'_>, written: &str) -> Result<()> {
    let first = syn.hops[0];
    ensure!(first.text("/tuple/from") == "socket", "the first hit reads headers: {}", first.0);
    let early = syn.hops.iter().take_while(|hop| hop.func() != written).count();
    ensure!(0 < early && early < syn.hops.len(), "nothing before {written}: {}", syn.story());
    ensure!(syn.hops[early + 1..].iter().all(|hop| hop.text("/tuple/from").is_empty()), "{}", syn.story());
    Ok(())
}
