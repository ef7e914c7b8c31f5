//! Fragments are branches of the packet that was cut, and what is put together again goes on in its journey, though no
//! later fragment could match the filter by itself.

use anyhow::{Context, Result};

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::{Pair, Router};

pub(crate) const CASE: Case = Case {
    name: "follow_fragments",
    about: "IP fragments and reassembly, IPv4 and IPv6, cut by the sender and by a router",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const BY_SENDER: &[Expected] = &[
    Expected {
        name: "IPv4",
        filter: "icmp[icmptype] = icmp-echo",
        traffic: "ping -n -q -i 0.1 -c 2 -s 4000 10.77.0.2",
        journeys: Some(2),
        flows: &["icmp 10.77.0.1 > 10.77.0.2"],
        way: &["ip_do_fragment@a", "veth_xmit@a/va", "ip_rcv@b/vb", "ip_defrag@b/vb", "icmp_rcv@b/vb"],
        branches: &[("veth_xmit@a/va", 3), ("ip_rcv@b/vb", 3)],
    },
    Expected {
        name: "IPv6",
        filter: "icmp6 and ip6[40] = 128",
        traffic: "ping -n -q -i 0.1 -c 2 -s 4000 fd77::2",
        journeys: Some(2),
        flows: &["icmp6 fd77::1 > fd77::2"],
        way: &["ip6_fragment@a", "veth_xmit@a/va", "ipv6_rcv@b/vb", "ipv6_frag_rcv@b/vb", "icmpv6_rcv@b/vb"],
        branches: &[("veth_xmit@a/va", 3), ("ipv6_rcv@b/vb", 3)],
    },
    Expected {
        name: "a datagram, by its port",
        filter: "udp dst port 5353",
        traffic: "head -c 4000 /dev/zero | nc -n -u -q 0 -w 1 -p 40001 10.77.0.2 5353",
        journeys: Some(1),
        // The UDP header is written after that of IP, and read before.
        flows: &["udp 10.77.0.1:40001 > 10.77.0.2:5353", "udp 10.77.0.1 > 10.77.0.2", "?udp 10.77.0.1:* > 10.77.0.2:*"],
        way: &["ip_do_fragment@a", "veth_xmit@a/va", "ip_rcv@b/vb", "ip_defrag@b/vb", "udp_rcv@b/vb"],
        branches: &[("veth_xmit@a/va", 3), ("ip_rcv@b/vb", 3)],
    },
];

const BY_ROUTER: Expected = Expected {
    name: "cut by the router",
    filter: "icmp[icmptype] = icmp-echo",
    traffic: "ping -n -q -i 0.1 -c 2 -M dont -s 1200 10.72.0.1",
    journeys: Some(2),
    flows: &["icmp 10.71.0.1 > 10.72.0.1"],
    way: &[
        "veth_xmit@a/va",
        "ip_forward@r/ra",
        "ip_do_fragment@r",
        "veth_xmit@r/rb",
        "ip_defrag@b/vb",
        "icmp_rcv@b/vb",
    ],
    branches: &[("veth_xmit@a/va", 1), ("veth_xmit@r/rb", 3), ("ip_rcv@b/vb", 3)],
};

fn run(guest: &Guest) -> Result<()> {
    by_sender(guest).context("cut by the sender")?;
    let router = Router::new()?;
    router.r.sh("ip link set rb mtu 576")?;
    router.b.sh("ip link set vb mtu 576")?;
    Expected::check(&[BY_ROUTER], guest, &router.a).map(drop)
}

fn by_sender(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.ping(1)?;
    pair.ping6(1)?;
    let _server = pair.b.listen("-u 5353")?;
    Expected::check(BY_SENDER, guest, &pair.a).map(drop)
}
