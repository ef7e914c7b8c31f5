//! The cases of pwru's own CI, with more than a grep: where it ends, in which order, and that nothing foreign shows. They are run as
//! pwru runs them, every hit judged by itself, and some followed, where every journey begins with a hit that fits.
//!
//! The eleventh is not here: it needs `--filter-trace-tc` and `--filter-trace-xdp`. It becomes a function beside [`nat`].

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::{followed, journeys};
use crate::net::{Pair, sh};
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "pwru_ci",
    about: "pwru's CI cases 1-10: filters on headers, chains and devices, drops by iptables, NAT",
    min_kernel: (5, 17),
    seconds: 600,
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
    /// True of every row, or of the first one of a journey.
    fits: fn(&Hop) -> bool,
    /// What one packet must have passed, in order.
    passes: &'static [&'static str],
    /// It ends in a drop by a rule.
    dropped: bool,
    /// Run a second time, followed.
    followed: bool,
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
        followed: false,
    },
    Check {
        name: "2: basic IPv6",
        flags: &[],
        filter: "dst host 2606:4700:4700::1001 and port 8080",
        traffic: "nc -n -z -w 1 2606:4700:4700::1001 8080",
        fits: |hop| hop.text("/tuple/daddr") == "2606:4700:4700::1001" && hop.number("/tuple/dport") == Some(8080),
        passes: &["nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
        followed: false,
    },
    Check {
        name: "3: TCP flags",
        flags: &["--output-tcp-flags"],
        filter: "tcp[tcpflags] = tcp-syn",
        traffic: "nc -n -z -w 1 1.0.0.1 8080; nc -n -z -w 1 10.77.0.2 8081",
        fits: |hop| flags_are(hop, "SYN"),
        passes: &["__ip_local_out", "nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
        followed: true,
    },
    Check {
        name: "4: TCP flags over IPv6, by offset",
        flags: &["--output-tcp-flags"],
        filter: "ip6[53] & 0x3f = 0x2",
        traffic: "nc -n -z -w 1 2606:4700:4700::1001 8080",
        fits: |hop| flags_are(hop, "SYN") && hop.text("/tuple/daddr") == "2606:4700:4700::1001",
        passes: &["nf_hook_slow", "skb:kfree_skb"],
        dropped: true,
        followed: false,
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
        followed: true,
    },
    Check {
        name: "7: ARP by bytes",
        flags: &[],
        filter: "arp and arp[7] = 1 and arp[24] = 10 and arp[25] = 77 and arp[26] = 0 and arp[27] = 2",
        traffic: "ip neigh flush dev va; ping -c 1 -W 1 10.77.0.2",
        fits: |hop| hop.number("/arp/op") == Some(1) && hop.text("/arp/target") == Pair::B4,
        passes: &["arp_rcv"],
        dropped: false,
        followed: false,
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
        both(guest, &pair, check).with_context(|| check.name)?;
    }
    nat(guest, &pair).context("6: NAT")?;
    loopback(guest, &["--filter-skb-expr", "skb->dev->ifindex == 1"]).context("8: member chain")?;
    loopback(guest, &["--filter-ifname", "lo"]).context("9: ifname")
}

/// Where the headers are read; before that, the socket tells no flags, though the filter reads them.
fn flags_are(hop: &Hop, flags: &str) -> bool {
    hop.text("/tuple/tcp_flags") == flags || hop.text("/tuple/from") == "socket"
}

fn both(guest: &Guest, pair: &Pair, check: &Check) -> Result<()> {
    // Most of it is meant to fail.
    let traffic = || pair.a.sh(&format!("{}; true", check.traffic)).map(drop);
    let exact = seen(guest, &[&["--no-track"], check.flags].concat(), check.filter, traffic)?;
    for hop in &exact.hops {
        ensure!((check.fits)(hop), "a foreign packet: {}", hop.0);
    }
    judge(check, &exact).context("--no-track")?;
    if !check.followed {
        return Ok(());
    }
    let followed = seen(guest, check.flags, check.filter, traffic)?;
    for journey in journeys(&followed)? {
        ensure!((check.fits)(journey.hops[0]), "begins with a foreign packet: {}", journey.story());
    }
    judge(check, &followed).context("followed")
}

fn seen(guest: &Guest, flags: &[&str], filter: &str, traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let seen = trace(&[how(guest), flags, &[filter]].concat(), traffic)?;
    seen.check()?;
    Ok(seen)
}

fn how(guest: &Guest) -> &'static [&'static str] {
    if guest.has_kprobe_multi() { &["--backend", "kprobe-multi"] } else { &["--filter-func", FEW] }
}

fn judge(check: &Check, seen: &Trace) -> Result<()> {
    seen.packet_passes(check.passes)?;
    let by_rule = seen.drops().filter(|hop| hop.drop_reason() == "NETFILTER_DROP").count();
    ensure!((by_rule > 0) == check.dropped, "{by_rule} drops by a rule: {:?}", seen.functions());
    Ok(())
}

/// The filter knows the address before the rewrite, the rows show the one behind it, down to the receiver.
fn nat(guest: &Guest, pair: &Pair) -> Result<()> {
    pair.a.iptables("-t nat -A OUTPUT -d 10.10.20.99 -j DNAT --to-destination 10.77.0.2")?;
    let args = [how(guest), &["--filter-track-skb", "dst host 10.10.20.99"]].concat();
    let connect = "nc -n -z -w 5 -p 40001 10.10.20.99 8081";
    let seen = followed(&args, || pair.a.sh(connect).map(drop))?;
    let flows = ["tcp 10.77.0.1:40001 > 10.10.20.99:8081", "tcp 10.77.0.1:40001 > 10.77.0.2:8081"];
    for journey in journeys(&seen)? {
        journey.is_one_packet(&flows)?;
        journey.passes(&["__ip_local_out@a", "veth_xmit@a/va", "ip_rcv@b/vb", "tcp_v4_rcv@b/vb"])?;
        for flow in flows {
            let told = journey.hops.iter().filter_map(|hop| hop.flow()).any(|told| told == flow);
            ensure!(told, "no hop tells `{flow}`: {}", journey.story());
        }
    }
    ensure!(!seen.hops.is_empty(), "nothing: {}", seen.stderr);
    Ok(())
}

/// The cases that have no other namespace; `lo` is the first device.
fn loopback(guest: &Guest, flags: &[&str]) -> Result<()> {
    let seen = seen(guest, &[&["--no-track"], flags].concat(), "icmp", || sh("ping -c 1 127.0.0.1").map(drop))?;
    seen.packet_passes(&["ip_rcv", "icmp_rcv"])?;
    for hop in &seen.hops {
        ensure!(hop.ifname() == "lo" && hop.number("/ifindex") == Some(1), "not on the device: {}", hop.0);
        ensure!(hop.text("/tuple/saddr") == "127.0.0.1", "a foreign packet: {}", hop.0);
    }
    Ok(())
}
