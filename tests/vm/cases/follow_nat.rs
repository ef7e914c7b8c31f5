//! A packet keeps its journey where its addresses and ports are rewritten, in both directions: the filter knows one of
//! its flows, the hops tell all of them.

use anyhow::Result;

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::Router;

pub(crate) const CASE: Case = Case {
    name: "follow_nat",
    about: "journeys through nft's DNAT and SNAT, there and back, and through iptables' DNAT",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

/// What a asks for at 10.99.0.9 port 80, b answers at port 8080, and b sees the router asking.
const NAT: &str = "
    add table ip t
    add chain ip t before { type nat hook prerouting priority -100; }
    add rule ip t before ip daddr 10.99.0.9 tcp dport 80 dnat to 10.72.0.1:8080
    add chain ip t after { type nat hook postrouting priority 100; }
    add rule ip t after oifname rb snat to 10.72.0.254";

const FROM_A: &[Expected] = &[
    Expected {
        name: "there, by the address that is asked for",
        filter: "dst host 10.99.0.9 and tcp dst port 80 and src port 40001",
        traffic: "echo ask | nc -n -N -w 5 -p 40001 10.99.0.9 80",
        journeys: None,
        flows: &[
            "tcp 10.71.0.1:40001 > 10.99.0.9:80",
            "?tcp 10.71.0.1:40001 > 10.99.0.9:8080",
            "tcp 10.71.0.1:40001 > 10.72.0.1:8080",
            "tcp 10.72.0.254:40001 > 10.72.0.1:8080",
        ],
        way: &[
            "veth_xmit@a/va",
            "ip_rcv@r/ra",
            "nf_nat_manip_pkt@r",
            "ip_forward@r/ra",
            "nf_nat_manip_pkt@r",
            "veth_xmit@r/rb",
            "tcp_v4_rcv@b/vb",
        ],
        branches: &[],
    },
    Expected {
        name: "back, by the address that answers",
        filter: "src host 10.72.0.1 and tcp src port 8080 and dst port 40002",
        traffic: "echo ask | nc -n -N -w 5 -p 40002 10.99.0.9 80",
        journeys: None,
        flows: &[
            "tcp 10.72.0.1:8080 > 10.72.0.254:40002",
            "tcp 10.72.0.1:8080 > 10.71.0.1:40002",
            "?tcp 10.72.0.1:80 > 10.71.0.1:40002",
            "tcp 10.99.0.9:80 > 10.71.0.1:40002",
        ],
        way: &["veth_xmit@b/vb", "nf_nat_manip_pkt@r", "ip_forward@r", "veth_xmit@r/ra", "tcp_v4_rcv@a/va"],
        branches: &[],
    },
    Expected {
        name: "iptables, before it is sent",
        filter: "dst host 10.99.0.8 and tcp",
        traffic: "echo ask | nc -n -N -w 5 -p 40003 10.99.0.8 8080",
        journeys: None,
        flows: &[
            "tcp 10.71.0.1:40003 > 10.99.0.8:8080",
            "tcp 10.71.0.1:40003 > 10.72.0.1:8080",
            "tcp 10.72.0.254:40003 > 10.72.0.1:8080",
        ],
        way: &["__ip_local_out@a", "nf_nat_manip_pkt@a", "veth_xmit@a/va", "ip_forward@r", "tcp_v4_rcv@b/vb"],
        branches: &[],
    },
];

fn run(guest: &Guest) -> Result<()> {
    let router = Router::new()?;
    router.r.nft(NAT)?;
    router.a.iptables("-t nat -A OUTPUT -d 10.99.0.8 -j DNAT --to 10.72.0.1")?;
    let _server = router.b.listen("8080")?;
    Expected::check(FROM_A, guest, &router.a).map(drop)
}
