//! A bridge that floods a packet to three ports makes clones of it: branches of one journey, each down to its receiver.

use anyhow::Result;

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::Namespace;

pub(crate) const CASE: Case = Case {
    name: "follow_bridge",
    about: "a broadcast over a bridge: one journey, a branch for each of three ports",
    min_kernel: (5, 17),
    seconds: 200,
    run,
};

/// Two requests to all, and one to a single station.
const FROM_A: &[Expected] = &[
    Expected {
        name: "broadcast",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.73.0.255",
        traffic: "ping -n -q -b -i 0.3 -c 2 10.73.0.255; true",
        journeys: Some(2),
        flows: &["icmp 10.73.0.1 > 10.73.0.255"],
        way: &["veth_xmit@a/eth0", "br_handle_frame@s/pa", "br_forward_finish@s", "veth_xmit@s", "ip_rcv"],
        branches: &[
            ("veth_xmit@s/pb", 1),
            ("veth_xmit@s/pc", 1),
            ("veth_xmit@s/pd", 1),
            ("veth_xmit@s", 3),
            ("ip_rcv@b/eth0", 1),
            ("ip_rcv@c/eth0", 1),
            ("ip_rcv@d/eth0", 1),
        ],
    },
    Expected {
        name: "unicast",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.73.0.3",
        traffic: "ping -n -q -c 1 10.73.0.3",
        journeys: Some(1),
        flows: &["icmp 10.73.0.1 > 10.73.0.3"],
        way: &["veth_xmit@a/eth0", "br_handle_frame@s/pa", "veth_xmit@s/pc", "ip_rcv@c/eth0", "icmp_rcv@c/eth0"],
        branches: &[],
    },
];

fn run(guest: &Guest) -> Result<()> {
    let switch = Namespace::new("s")?;
    switch.sh("ip link add br0 type bridge && ip link set br0 up")?;
    let stations = ["a", "b", "c", "d"].iter().enumerate().map(|(index, name)| station(&switch, index + 1, name));
    let stations = stations.collect::<Result<Vec<_>>>()?;
    // All know all, and the bridge knows where each is.
    for other in 2..=stations.len() {
        stations[0].ping(&format!("10.73.0.{other}"), 1)?;
    }
    Expected::check(FROM_A, guest, &stations[0]).map(drop)
}

/// A namespace at a port of the bridge; it answers no broadcast.
fn station(switch: &Namespace, number: usize, name: &str) -> Result<Namespace> {
    let station = Namespace::new(name)?;
    switch.sh(&format!(
        "ip link add p{name} master br0 type veth peer name eth0 netns {name} && ip link set p{name} up"
    ))?;
    station.sh(&format!("ip addr add 10.73.0.{number}/24 brd + dev eth0 && ip link set eth0 up"))?;
    Ok(station)
}
