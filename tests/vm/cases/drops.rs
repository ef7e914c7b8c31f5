//! A packet that dies is shown once, with the kernel's reason, the place and the namespace where it happened.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Hop, trace};

pub(crate) const CASE: Case = Case {
    name: "drops",
    about: "reason and place of drops: rules, closed port, spoofed sender, hop limit",
    min_kernel: (5, 17),
    seconds: 600,
    run,
};

/// How a packet is lost, and what must be said of it.
struct Loss {
    name: &'static str,
    filter: &'static str,
    /// Shell lines in the namespace a and b.
    prepare: (&'static str, &'static str),
    /// Sent from a; that it fails is the point.
    traffic: &'static str,
    reason: &'static str,
    /// The function that the place lies in, or one of them.
    places: &'static [&'static str],
    in_b: bool,
}

const LOSSES: &[Loss] = &[
    Loss {
        name: "nft rule on input",
        filter: "icmp and dst host 10.77.0.2",
        prepare: (
            "",
            "nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in icmp type echo-request drop'",
        ),
        traffic: "ping -c 1 -W 1 10.77.0.2",
        reason: "NETFILTER_DROP",
        places: &["nf_hook_slow", "nft_do_chain"],
        in_b: true,
    },
    Loss {
        name: "iptables rule on output",
        filter: "dst host 1.0.0.1 and port 8080",
        prepare: (
            "ip route add default via 10.77.0.2; iptables -w -A OUTPUT -p tcp -d 1.0.0.1 --dport 8080 -j DROP",
            "",
        ),
        traffic: "nc -n -z -w 1 1.0.0.1 8080",
        reason: "NETFILTER_DROP",
        places: &["nf_hook_slow", "nft_do_chain", "ipt_do_table"],
        in_b: false,
    },
    Loss {
        name: "ip6tables rule on output",
        filter: "dst host 2606:4700:4700::1001 and port 8080",
        prepare: (
            "ip -6 route add default via fd77::2; ip6tables -w -A OUTPUT -p tcp -d 2606:4700:4700::1001 --dport 8080 -j DROP",
            "",
        ),
        traffic: "nc -n -z -w 1 2606:4700:4700::1001 8080",
        reason: "NETFILTER_DROP",
        places: &["nf_hook_slow", "nft_do_chain", "ip6t_do_table"],
        in_b: false,
    },
    Loss {
        name: "closed udp port",
        filter: "udp and dst port 9999",
        prepare: ("", ""),
        traffic: "echo x | nc -n -u -q 0 -w 1 10.77.0.2 9999",
        reason: "NO_SOCKET",
        places: &["__udp4_lib_rcv", "udp_rcv"],
        in_b: true,
    },
    Loss {
        name: "closed tcp port",
        filter: "tcp and dst port 9999",
        prepare: ("", ""),
        traffic: "nc -n -z -w 1 10.77.0.2 9999",
        reason: "NO_SOCKET",
        places: &["tcp_v4_rcv"],
        in_b: true,
    },
    Loss {
        name: "spoofed sender",
        filter: "icmp and src host 10.99.0.1",
        prepare: ("ip addr add 10.99.0.1/32 dev va", "echo 1 > /proc/sys/net/ipv4/conf/vb/rp_filter"),
        traffic: "ping -I 10.99.0.1 -c 1 -W 1 10.77.0.2",
        reason: "IP_RPFILTER",
        places: &["ip_rcv_finish", "ip_rcv_finish_core", "ip_rcv"],
        in_b: true,
    },
    Loss {
        name: "hop limit",
        filter: "icmp and dst host 10.88.0.1",
        prepare: (
            "ip route add 10.88.0.0/24 via 10.77.0.2",
            "echo 1 > /proc/sys/net/ipv4/ip_forward; ip link add d0 type dummy; ip addr add 10.88.0.2/24 dev d0; ip link set d0 up",
        ),
        traffic: "ping -t 1 -c 1 -W 1 10.88.0.1",
        reason: "IP_INHDR",
        places: &["ip_forward"],
        in_b: true,
    },
];

/// Drops come from the tracepoint `kfree_skb`; a kernel that attaches one by one need not attach the rest each time.
const FEW: &str = "ip_rcv|ip_output|kfree_skb";

fn run(_: &Guest) -> Result<()> {
    for loss in LOSSES {
        check(loss).with_context(|| loss.name)?;
    }
    Ok(())
}

fn check(loss: &Loss) -> Result<()> {
    let pair = Pair::new()?;
    pair.a.sh(loss.prepare.0)?;
    pair.b.sh(loss.prepare.1)?;
    // A neighbour that is being asked for would queue the packet, and lose it for that.
    let (answers, silent) = (pair.b.inode()?, pair.a.inode()?);
    pair.a.sh("ping -c 1 -W 1 10.77.0.2 || true; ping -c 1 -W 1 fd77::2 || true")?;
    let seen =
        trace(&["--filter-func", FEW, loss.filter], || pair.a.sh(&format!("{} || true", loss.traffic)).map(drop))?;
    seen.check()?;
    let fitting: Vec<&Hop> = seen.drops().filter(|hop| hop.drop_reason() == loss.reason).collect();
    let all = || seen.drops().map(|hop| hop.0.to_string()).collect::<Vec<_>>();
    ensure!(!fitting.is_empty(), "no drop for {}, but {:?}", loss.reason, all());
    for hop in fitting {
        let function = hop.drop_place().split(['+', '.']).next().unwrap_or_default();
        ensure!(loss.places.contains(&function), "dropped in `{}`", hop.drop_place());
        ensure!(hop.netns() == Some(if loss.in_b { answers } else { silent }), "not its namespace: {}", hop.0);
    }
    Ok(())
}
