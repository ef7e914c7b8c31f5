//! A packet keeps its journey through a router's namespace: one journey from the sender's stack to the receiver's, over four
//! devices.

use anyhow::Result;

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::Router;

pub(crate) const CASE: Case = Case {
    name: "follow_router",
    about: "journeys over a router: echo requests and replies, IPv4 and IPv6, and TCP",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const FROM_A: &[Expected] = &[
    Expected {
        name: "echo requests",
        filter: "icmp[icmptype] = icmp-echo",
        traffic: "ping -n -q -i 0.1 -c 3 10.72.0.1",
        journeys: Some(3),
        flows: &["icmp 10.71.0.1 > 10.72.0.1"],
        way: &[
            "ip_output@a",
            "veth_xmit@a/va",
            "ip_rcv@r/ra",
            "ip_forward@r/ra",
            "ip_output@r",
            "veth_xmit@r/rb",
            "ip_rcv@b/vb",
            "icmp_rcv@b/vb",
        ],
        branches: &[],
    },
    Expected {
        name: "echo replies",
        filter: "icmp[icmptype] = icmp-echoreply",
        // Those of the requests above.
        traffic: "true",
        journeys: Some(3),
        flows: &["icmp 10.72.0.1 > 10.71.0.1"],
        way: &["ip_output@b", "veth_xmit@b/vb", "ip_forward@r/rb", "veth_xmit@r/ra", "ip_rcv@a/va"],
        branches: &[],
    },
    Expected {
        name: "echo requests over IPv6",
        filter: "icmp6 and ip6[40] = 128",
        traffic: "ping -n -q -i 0.1 -c 2 fd72::1",
        journeys: Some(2),
        flows: &["icmp6 fd71::1 > fd72::1"],
        way: &[
            "veth_xmit@a/va",
            "ipv6_rcv@r/ra",
            "ip6_forward@r/ra",
            "veth_xmit@r/rb",
            "ipv6_rcv@b/vb",
            "icmpv6_rcv@b/vb",
        ],
        branches: &[],
    },
    Expected {
        name: "TCP, by its destination alone",
        filter: "dst host 10.72.0.1 and tcp dst port 8080",
        traffic: "head -c 3000 /dev/zero | nc -n -N -w 5 -p 40001 10.72.0.1 8080",
        journeys: None,
        flows: &["tcp 10.71.0.1:40001 > 10.72.0.1:8080"],
        way: &["veth_xmit@a/va", "ip_forward@r/ra", "veth_xmit@r/rb", "ip_rcv@b/vb", "tcp_v4_rcv@b/vb"],
        branches: &[],
    },
];

fn run(guest: &Guest) -> Result<()> {
    let router = Router::new()?;
    let _server = router.b.listen("8080")?;
    Expected::check(FROM_A, guest, &router.a).map(drop)
}
