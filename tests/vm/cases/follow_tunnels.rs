//! A packet keeps its journey into a tunnel and out of it, whether the filter knew it first by its own addresses or by
//! those of the tunnel.

use anyhow::{Context, Result};

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::Pair;

pub(crate) const CASE: Case = Case {
    name: "follow_tunnels",
    about: "journeys through VXLAN, Geneve, IPIP and GRE, matched by the inner and by the outer header",
    min_kernel: (5, 17),
    seconds: 600,
    run,
};

/// Makes a device: `$L` is the own address, `$R` the other end's. The first is `tun1` with 10.81.0.1 in a and 10.81.0.2 in b.
const DEVICES: [&str; 4] = [
    "type vxlan id 7 local $L remote $R dstport 4789",
    "type geneve id 7 remote $R",
    "type ipip local $L remote $R",
    "type gre local $L remote $R key 5",
];

/// Known first by the packet's own addresses.
const BY_INNER: &[Expected] = &[
    Expected {
        name: "VXLAN",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.81.0.2",
        traffic: "ping -n -q -c 1 10.81.0.2",
        journeys: Some(1),
        flows: &["icmp 10.81.0.1 > 10.81.0.2", "udp 10.77.0.1:* > 10.77.0.2:4789"],
        way: &[
            "ip_output@a",
            "vxlan_xmit@a/tun1",
            "veth_xmit@a/va",
            "ip_rcv@b/vb",
            "vxlan_rcv@b/vb",
            "ip_local_deliver@b/tun1",
            "icmp_rcv@b/tun1",
        ],
        branches: &[],
    },
    Expected {
        name: "Geneve",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.82.0.2",
        traffic: "ping -n -q -c 1 10.82.0.2",
        journeys: Some(1),
        flows: &["icmp 10.82.0.1 > 10.82.0.2", "udp 10.77.0.1:* > 10.77.0.2:6081"],
        way: &[
            "ip_output@a",
            "geneve_xmit@a/tun2",
            "veth_xmit@a/va",
            "ip_rcv@b/vb",
            "geneve_udp_encap_recv@b/vb",
            "ip_local_deliver@b/tun2",
            "icmp_rcv@b/tun2",
        ],
        branches: &[],
    },
    Expected {
        name: "IPIP",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.83.0.2",
        traffic: "ping -n -q -c 1 10.83.0.2",
        journeys: Some(1),
        flows: &["icmp 10.83.0.1 > 10.83.0.2", "ipip 10.77.0.1 > 10.77.0.2"],
        way: &[
            "ip_output@a",
            "ip_tunnel_xmit@a/tun3",
            "veth_xmit@a/va",
            "ip_rcv@b/vb",
            "ip_tunnel_rcv@b/vb",
            "ip_local_deliver@b/tun3",
            "icmp_rcv@b/tun3",
        ],
        branches: &[],
    },
    Expected {
        name: "GRE",
        filter: "icmp[icmptype] = icmp-echo and dst host 10.84.0.2",
        traffic: "ping -n -q -c 1 10.84.0.2",
        journeys: Some(1),
        flows: &["icmp 10.84.0.1 > 10.84.0.2", "gre 10.77.0.1 > 10.77.0.2"],
        way: &[
            "ip_output@a",
            "ipgre_xmit@a/tun4",
            "veth_xmit@a/va",
            "ip_rcv@b/vb",
            "ip_tunnel_rcv@b/vb",
            "ip_local_deliver@b/tun4",
            "icmp_rcv@b/tun4",
        ],
        branches: &[],
    },
];

/// Known first by the addresses of the tunnel.
const BY_OUTER: &[Expected] = &[
    Expected {
        name: "VXLAN",
        filter: "dst host 10.77.0.2 and udp dst port 4789",
        traffic: "ping -n -q -c 1 10.81.0.2",
        journeys: Some(1),
        flows: &["udp 10.77.0.1:* > 10.77.0.2:4789", "icmp 10.81.0.1 > 10.81.0.2"],
        way: &["veth_xmit@a/va", "vxlan_rcv@b/vb", "ip_local_deliver@b/tun1", "icmp_rcv@b/tun1"],
        branches: &[],
    },
    Expected {
        name: "Geneve",
        filter: "dst host 10.77.0.2 and udp dst port 6081",
        traffic: "ping -n -q -c 1 10.82.0.2",
        journeys: Some(1),
        flows: &["udp 10.77.0.1:* > 10.77.0.2:6081", "icmp 10.82.0.1 > 10.82.0.2"],
        way: &["veth_xmit@a/va", "geneve_udp_encap_recv@b/vb", "ip_local_deliver@b/tun2", "icmp_rcv@b/tun2"],
        branches: &[],
    },
    Expected {
        name: "IPIP",
        filter: "dst host 10.77.0.2 and ip proto 4",
        traffic: "ping -n -q -c 1 10.83.0.2",
        journeys: Some(1),
        flows: &["ipip 10.77.0.1 > 10.77.0.2", "icmp 10.83.0.1 > 10.83.0.2"],
        way: &["veth_xmit@a/va", "ip_tunnel_rcv@b/vb", "ip_local_deliver@b/tun3", "icmp_rcv@b/tun3"],
        branches: &[],
    },
    Expected {
        name: "GRE",
        filter: "dst host 10.77.0.2 and proto gre",
        traffic: "ping -n -q -c 1 10.84.0.2",
        journeys: Some(1),
        flows: &["gre 10.77.0.1 > 10.77.0.2", "icmp 10.84.0.1 > 10.84.0.2"],
        way: &["veth_xmit@a/va", "ip_tunnel_rcv@b/vb", "ip_local_deliver@b/tun4", "icmp_rcv@b/tun4"],
        branches: &[],
    },
];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    // Tunnels with IPv6 send solicitations of their own for a while, which fit the outer headers too.
    for namespace in [&pair.a, &pair.b] {
        namespace.sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")?;
    }
    for (number, device) in (1..).zip(DEVICES) {
        for (namespace, own, other, host) in [(&pair.a, Pair::A4, Pair::B4, 1), (&pair.b, Pair::B4, Pair::A4, 2)] {
            namespace.sh(&format!(
                "L={own} R={other}; ip link add tun{number} {device} &&
                 ip addr add 10.8{number}.0.{host}/24 dev tun{number} && ip link set tun{number} up"
            ))?;
        }
        pair.a.ping(&format!("10.8{number}.0.2"), 1)?;
    }
    Expected::check(BY_INNER, guest, &pair.a).context("by the inner header")?;
    Expected::check(BY_OUTER, guest, &pair.a).context("by the outer header").map(drop)
}
