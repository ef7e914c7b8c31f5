//! What a hop says of the packet's headers: IPv4, IPv6, TCP flags, UDP ports, ICMP, ARP, VLAN, and the module of
//! the function.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "protocols",
    about: "headers of IPv4, IPv6, TCP, UDP, ICMP, ARP and VLAN packets are read",
    min_kernel: (5, 3),
    seconds: 600,
    run,
};

/// Enough to see each packet leave and arrive.
const FUNCTIONS: &str = "veth_xmit|ip_rcv|ipv6_rcv|ip6_rcv_core|arp_rcv|vlan_do_receive|tcp_v4_rcv|udp_rcv";

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let _server = pair.b.listen("8080")?;
    let seen = traced("icmp", || pair.ping(1))?;
    says(
        &seen,
        &[("/tuple/saddr", Pair::A4), ("/tuple/daddr", Pair::B4), ("/tuple/proto", "icmp"), ("/module", "veth")],
    )?;
    says_numbers(
        &seen,
        &[("/tuple/icmp_type", 8), ("/tuple/icmp_seq", 1), ("/proto", 0x0800), ("/mtu", 1500), ("/len", 98)],
    )?;
    let seen = traced("icmp6", || pair.ping6(1))?;
    says(&seen, &[("/tuple/saddr", Pair::A6), ("/tuple/daddr", Pair::B6), ("/tuple/proto", "icmp6")])?;
    says_numbers(&seen, &[("/tuple/icmp_type", 128), ("/proto", 0x86dd)])?;
    let seen = traced("tcp port 8080", || pair.a.tcp_connect(Pair::B4, 8080, 5).map(drop))?;
    says(&seen, &[("/tuple/proto", "tcp"), ("/tuple/tcp_flags", "SYN"), ("/func", "tcp_v4_rcv")])?;
    says(&seen, &[("/tuple/tcp_flags", "SYN|ACK")])?;
    says_numbers(&seen, &[("/tuple/dport", 8080)])?;
    let seen = traced("udp port 5353", || pair.a.udp_send(Pair::B4, 5353, "hello"))?;
    says_numbers(&seen, &[("/tuple/dport", 5353), ("/len", 33)])?;
    arp(&pair).context("arp")?;
    vlan(&pair).context("vlan")
}

fn arp(pair: &Pair) -> Result<()> {
    pair.a.sh("ip neigh flush dev va")?;
    let seen = traced("arp", || pair.ping(1))?;
    says(&seen, &[("/func", "arp_rcv"), ("/arp/sender", Pair::A4), ("/arp/target", Pair::B4)])?;
    says_numbers(&seen, &[("/arp/op", 1), ("/proto", 0x0806)])?;
    says_numbers(&seen, &[("/arp/op", 2)])
}

fn vlan(pair: &Pair) -> Result<()> {
    pair.a.vlan("va", 5, "10.78.0.1/24")?;
    pair.b.vlan("vb", 5, "10.78.0.2/24")?;
    let seen = traced("icmp and host 10.78.0.2", || pair.a.ping("10.78.0.2", 1))?;
    says_numbers(&seen, &[("/vlan/id", 5)])?;
    says(&seen, &[("/ifname", "vb.5"), ("/func", "ip_rcv")])
}

fn traced(filter: &str, traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let mut running = Tracer::new(&["--output-tcp-flags", "--filter-func", FUNCTIONS, filter]).start()?;
    traffic()?;
    let seen = running.stop()?;
    seen.check().context(filter.to_owned())?;
    Ok(seen)
}

/// One hop that has all of these.
fn says(seen: &Trace, fields: &[(&str, &str)]) -> Result<()> {
    let fits = seen.hops.iter().any(|hop| fields.iter().all(|(path, text)| hop.text(path) == *text));
    ensure!(fits, "no hop with {fields:?}: {:?}", all(seen));
    Ok(())
}

fn says_numbers(seen: &Trace, fields: &[(&str, u64)]) -> Result<()> {
    let fits = seen.hops.iter().any(|hop| fields.iter().all(|(path, number)| hop.number(path) == Some(*number)));
    ensure!(fits, "no hop with {fields:?}: {:?}", all(seen));
    Ok(())
}

fn all(seen: &Trace) -> Vec<String> {
    seen.hops.iter().take(12).map(|hop| hop.0.to_string()).collect()
}
