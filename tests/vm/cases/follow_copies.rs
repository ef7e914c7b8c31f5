//! Copies that the kernel makes for others beside the packet's receiver are branches of its journey: for tcpdump, for a mirror of
//! tc, for a duplicate of netfilter.

use anyhow::{Context, Result};

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::{Background, Pair};

pub(crate) const CASE: Case = Case {
    name: "follow_copies",
    about: "copies for tcpdump (skb_clone), tc's mirror (skb_clone), nft's dup (pskb_copy) are branches",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const PINGS: Expected = Expected {
    name: "echo requests",
    filter: "icmp[icmptype] = icmp-echo",
    traffic: "ping -n -q -i 0.1 -c 2 10.77.0.2",
    journeys: Some(2),
    flows: &["icmp 10.77.0.1 > 10.77.0.2"],
    // tcpdump listens at va; what reaches b goes to d0 twice, once by tc and once by nft.
    way: &["tpacket_rcv@a/va", "veth_xmit@a/va", "icmp_rcv@b/vb"],
    branches: &[
        ("tpacket_rcv|veth_xmit@a/va", 2),
        ("dummy_xmit@b/d0", 2),
        ("tcf_mirred_act@b/vb", 1),
        ("nf_dup_ipv4@b/vb", 1),
        ("tpacket_rcv|dummy_xmit|icmp_rcv", 4),
    ],
};

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.b.sh("ip link add d0 type dummy && ip addr add 10.90.0.1/24 dev d0 && ip link set d0 up")?;
    pair.b.sh("ip neigh add 10.90.0.2 lladdr 02:00:00:00:00:02 dev d0")?;
    pair.ping(1)?;
    let _tap = Background::start(&pair.a.inside("exec tcpdump -Z root -n -i va -w /dev/null 2>/dev/null"))?;
    pair.a.until("ss -Hl --packet | grep -q va").context("tcpdump")?;
    pair.b
        .sh("tc qdisc add dev vb clsact && tc filter add dev vb ingress matchall action mirred egress mirror dev d0")?;
    pair.b.nft(
        "add table ip t; add chain ip t in { type filter hook prerouting priority 0; };
         add rule ip t in icmp type echo-request dup to 10.90.0.2 device d0",
    )?;
    Expected::check(&[PINGS], guest, &pair.a).map(drop)
}
