//! The cases of pwru's own CI that need no more than today's features, with more than a grep: where it ends, in which
//! order, and that nothing foreign shows.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "pwru_ci",
    about: "pwru's CI cases 1-5, 7, 9 and 10: filters on headers, drops by iptables",
    min_kernel: (5, 17),
    seconds: 200,
    run,
};

/// For kernels that attach one by one.
const FEW: &str =
    "ip_local_out|__ip_local_out|ip_output|ip_rcv|nf_hook_slow|arp_rcv|icmp_rcv|tcp_v4_rcv|veth_xmit|kfree_skb";

struct Check {
    name: &'static str,
    flags: &'static [&'static str],
    filter: &'static str,
    /// In the namespace a; b forwards nothing and answers on port 8081.
    traffic: &'static str,
    /// True of every row.
    fits: fn(&Hop) -> bool,
    /// What one packet must have passed, in order.
    passes: &'static [&'static str],
    /// It ends in a drop by a rule.
    dropped: bool,
}

const CHECKS: &[Check] = &[
    Check {
        name: "1 and 10: basic IPv4",
        flags: &[],
        filter: "dst host 1.0.0.1 and port 8080",
        traffic: "nc -n -z -w 1 1.0.0.1 8080",
        fits: |hop| hop.text("/tuple/daddr") == "1.0.0.1" && hop.number("/tuple/dport") == Some(8080),
        passes: &["__ip_local_out", "nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
    },
    Check {
        name: "2: basic IPv6",
        flags: &[],
        filter: "dst host 2606:4700:4700::1001 and port 8080",
        traffic: "nc -n -z -w 1 2606:4700:4700::1001 8080",
        fits: |hop| hop.text("/tuple/daddr") == "2606:4700:4700::1001" && hop.number("/tuple/dport") == Some(8080),
        passes: &["nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
    },
    Check {
        name: "3: TCP flags",
        flags: &["--output-tcp-flags"],
        filter: "tcp[tcpflags] = tcp-syn",
        traffic: "nc -n -z -w 1 1.0.0.1 8080; nc -n -z -w 1 10.77.0.2 8081",
        fits: |hop| hop.text("/tuple/tcp_flags") == "SYN",
        passes: &["__ip_local_out", "nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
    },
    Check {
        name: "4: TCP flags over IPv6, by offset",
        flags: &["--output-tcp-flags"],
        filter: "ip6[53] & 0x3f = 0x2",
        traffic: "nc -n -z -w 1 2606:4700:4700::1001 8080",
        fits: |hop| hop.text("/tuple/tcp_flags") == "SYN" && hop.text("/tuple/daddr") == "2606:4700:4700::1001",
        passes: &["nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
    },
    Check {
        name: "5: arithmetic, only segments with data",
        flags: &["--output-tcp-flags"],
        filter: "tcp port 8081 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
        traffic: "echo -n data | nc -n -q 1 -w 1 10.77.0.2 8081",
        // Before its length is written, a header says that there are less than no data, which is not 0 either.
        fits: |hop| {
            let unwritten = ["ip_local_out", "__ip_local_out"].contains(&hop.func());
            [hop.number("/tuple/sport"), hop.number("/tuple/dport")].contains(&Some(8081))
                && (hop.text("/tuple/tcp_flags").contains("PSH") || unwritten)
        },
        passes: &["ip_output", "veth_xmit", "ip_rcv", "tcp_v4_rcv"],
        dropped: false,
    },
    Check {
        name: "7: ARP by bytes",
        flags: &[],
        filter: "arp and arp[7] = 1 and arp[24] = 10 and arp[25] = 77 and arp[26] = 0 and arp[27] = 2",
        traffic: "ip neigh flush dev va; ping -c 1 -W 1 10.77.0.2",
        fits: |hop| hop.number("/arp/op") == Some(1) && hop.text("/arp/target") == Pair::B4,
        passes: &["arp_rcv"],
        dropped: false,
    },
];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.a.sh("ip route add default via 10.77.0.2 && ip -6 route add default via fd77::2")?;
    pair.a.iptables("-A OUTPUT -p tcp -d 1.0.0.1 --dport 8080 -j DROP")?;
    pair.a.ip6tables("-A OUTPUT -p tcp -d 2606:4700:4700::1001 --dport 8080 -j DROP")?;
    let _server = pair.b.listen("8081")?;
    pair.ping(1)?;
    for check in CHECKS {
        let seen = seen(guest, check.flags, check.filter, || {
            // Most of it is meant to fail.
            pair.a.sh(&format!("{}; true", check.traffic)).map(drop)
        });
        seen.and_then(|seen| judge(check, &seen)).with_context(|| check.name)?;
    }
    loopback(guest).context("9: ifname")
}

fn seen(guest: &Guest, flags: &[&str], filter: &str, traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let how: &[&str] = if guest.has_kprobe_multi() { &["--backend", "kprobe-multi"] } else { &["--filter-func", FEW] };
    let seen = trace(&[how, flags, &[filter]].concat(), traffic)?;
    seen.check()?;
    Ok(seen)
}

fn judge(check: &Check, seen: &Trace) -> Result<()> {
    seen.packet_passes(check.passes)?;
    for hop in &seen.hops {
        ensure!((check.fits)(hop), "a foreign packet: {}", hop.0);
    }
    let by_rule = seen.drops().filter(|hop| hop.drop_reason() == "NETFILTER_DROP").count();
    ensure!((by_rule > 0) == check.dropped, "{by_rule} drops by a rule: {:?}", seen.functions());
    Ok(())
}

/// The case that has no other namespace.
fn loopback(guest: &Guest) -> Result<()> {
    let seen = seen(guest, &["--filter-ifname", "lo"], "icmp", || sh("ping -c 1 127.0.0.1").map(drop))?;
    seen.packet_passes(&["ip_rcv", "icmp_rcv"])?;
    for hop in &seen.hops {
        ensure!(hop.ifname() == "lo" && hop.text("/tuple/saddr") == "127.0.0.1", "a foreign packet: {}", hop.0);
    }
    Ok(())
}
