//! `--limit-packets`, `--sample` and `--no-track`: how many packets are followed, and that the rest leaves no trace.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBufForce;

use super::Case;
use crate::bpf::within;
use crate::guest::Guest;
use crate::journeys::{followed, journeys};
use crate::net::Pair;
use crate::tracer::{Trace, Tracer, trace};

pub(crate) const CASE: Case = Case {
    name: "limits",
    about: "--limit-packets N: exactly N journeys, then the end, by line, by packet and by path; --sample 1/N; --no-track",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

/// Both of a ping's packets pass two of them, and the sender's side one more.
const FEW: [&str; 2] = ["--filter-func", "ip_output|veth_xmit|ip_rcv|icmp_rcv"];
const REQUEST: &str = "icmp[icmptype] = icmp-echo";
/// So many that a sample of one in four is never all of them, nor none (0.75 to the power of 200).
const PINGS: usize = 200;
const WHOLE: &[&str] = &["ip_output@a", "veth_xmit@a/va", "ip_rcv@b/vb", "icmp_rcv@b/vb"];

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.ping(1)?;
    limit(&pair).context("--limit-packets")?;
    limit_of_packets(&pair).context("--limit-packets of trace --group and of paths")?;
    sample(&pair).context("--sample")?;
    no_track(&pair).context("--no-track")?;
    evictions(&pair).context("more than there is room to note")
}

/// So many packets wait in a socket at a time, more than the heads that are noted for XDP.
const WAITING: usize = 5000;
const HEADS: usize = 4096;

/// Notes that had to make room are counted, and no others are.
fn evictions(pair: &Pair) -> Result<()> {
    let receiver = within(Some(&pair.b.name), || UdpSocket::bind("10.77.0.2:5009"))?;
    setsockopt(&receiver, RcvBufForce, &(64 << 20))?;
    receiver.set_read_timeout(Some(Duration::from_secs(10)))?;
    let sender = within(Some(&pair.a.name), || UdpSocket::bind("10.77.0.1:40009"))?;
    for (packets, evicted) in [(100, 0..=0), (WAITING, WAITING - HEADS..=WAITING)] {
        let seen = followed(&["--filter-func", "udp_rcv", "--filter-trace-xdp", "udp port 5009"], || {
            for _ in 0..packets {
                sender.send_to(b"waits", "10.77.0.2:5009")?;
            }
            for _ in 0..packets {
                receiver.recv(&mut [0; 8])?;
            }
            Ok(())
        })?;
        seen.check()?;
        let count = seen.stderr.split("; evicted ").nth(1).and_then(|rest| rest.split(' ').next());
        let count: usize = count.map_or(Ok(0), str::parse)?;
        ensure!(seen.hops.len() == packets, "{} packets, not {packets}", seen.hops.len());
        ensure!(evicted.contains(&count), "{count} evicted, not {evicted:?}: {}", seen.stderr);
    }
    Ok(())
}

fn flood(pair: &Pair) -> Result<()> {
    let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
    ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
    Ok(())
}

/// The first ones, each as a whole: a packet's later hits count for nothing. When they are through, the run ends by itself.
fn limit(pair: &Pair) -> Result<()> {
    for limit in [1, 7] {
        let mut running =
            Tracer::new(&[&FEW[..], &["--limit-packets", &limit.to_string(), REQUEST]].concat()).start()?;
        flood(pair)?;
        let seen = running.wait()?;
        seen.check()?;
        let journeys = whole_journeys(&seen)?;
        ensure!(journeys == limit, "{journeys} journeys, not {limit}");
        let sequence: Vec<_> = seen.hops.iter().filter_map(|hop| hop.number("/tuple/icmp_seq")).collect();
        ensure!(sequence.iter().all(|number| *number <= limit as u64), "not the first {limit}: {sequence:?}");
    }
    let all = followed(&[&FEW[..], &["--limit-packets", "1000", REQUEST]].concat(), || flood(pair))?;
    let journeys = whole_journeys(&all)?;
    ensure!(journeys == PINGS, "{journeys} journeys of {PINGS} under a limit of 1000");
    Ok(())
}

/// The same where packets are shown or counted as a whole: each of them, and the end by itself.
fn limit_of_packets(pair: &Pair) -> Result<()> {
    let args = [&FEW[..], &["--limit-packets", "5", REQUEST]].concat();
    let mut running = Tracer::text(&[&["--group"], &args[..]].concat()).start()?;
    flood(pair)?;
    let ended = running.wait()?;
    let blocks = running.stdout()?;
    let packets = blocks.lines().filter(|line| line.starts_with("packet ")).count();
    ensure!(ended.status.success() && packets == 5, "{}, {packets} blocks: {blocks}{}", ended.status, ended.stderr);
    let mut running = Tracer::paths(&[&["--output-json"], &args[..]].concat()).start()?;
    flood(pair)?;
    let ended = running.wait()?;
    let lines = running.stdout()?;
    let sum: serde_json::Value = serde_json::from_str(lines.lines().last().context("it printed nothing")?)?;
    ensure!(ended.status.success() && sum["packets"] == 5, "{}: {lines}{}", ended.status, ended.stderr);
    Ok(())
}

/// Some, and those as a whole: what is left out at its first hit is not taken up at a later one.
fn sample(pair: &Pair) -> Result<()> {
    let seen = followed(&[&FEW[..], &["--sample", "1/4", REQUEST]].concat(), || flood(pair))?;
    let journeys = whole_journeys(&seen)?;
    // Fifty are expected; what lies beyond these bounds has a chance of less than one in ten million.
    ensure!((15..=90).contains(&journeys), "{journeys} journeys of {PINGS}");
    crate::guest::say(&format!("{journeys} of {PINGS} with --sample 1/4"));
    Ok(())
}

fn whole_journeys(seen: &Trace) -> Result<usize> {
    let journeys = journeys(seen)?;
    for journey in &journeys {
        journey.is_one_packet(&["icmp 10.77.0.1 > 10.77.0.2"])?;
        journey.passes(WHOLE)?;
    }
    Ok(journeys.len())
}

/// Every hit by itself, and no word of journeys.
fn no_track(pair: &Pair) -> Result<()> {
    let seen = trace(&[&FEW[..], &["--no-track", REQUEST]].concat(), || flood(pair))?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}");
    for hop in &seen.hops {
        ensure!(hop.number("/tuple/icmp_type") == Some(8), "does not match: {}", hop.0);
        ensure!(["journey", "branch", "parent", "first"].iter().all(|key| hop.0.get(key).is_none()), "{}", hop.0);
    }
    let arrived = seen.hops.iter().filter(|hop| hop.func() == "icmp_rcv").count();
    ensure!(arrived == PINGS, "{arrived} calls of icmp_rcv");
    Ok(())
}
