//! Namespace, interface, mark and function filters let through what fits and nothing else; packets that are followed show
//! from the first hit that fits on.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::journeys;
use crate::net::{Namespace, Pair};
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "filters",
    about: "--filter-netns, --filter-ifname, --filter-mark, --filter-func, followed and with --no-track",
    min_kernel: (5, 3),
    seconds: 900,
    run,
};

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    netns(guest, &pair).context("--filter-netns")?;
    ifname(guest, &pair).context("--filter-ifname")?;
    mark(guest, &pair).context("--filter-mark")?;
    function(&pair).context("--filter-func")
}

const FEW: [&str; 2] = ["--filter-func", "ip_rcv|ip_output|ip_local_deliver|icmp_rcv|dev_hard_start_xmit"];

/// Runs twice: not followed, every hit fits; followed, every journey begins with one that does. Returns the second run.
///
/// All functions where that takes one call; `args` may name some.
fn seen(guest: &Guest, args: &[&str], traffic: impl Fn() -> Result<()>, fits: impl Fn(&Hop) -> bool) -> Result<Trace> {
    let args = if guest.has_kprobe_multi() { args.to_vec() } else { [&FEW, args].concat() };
    let exact = trace(&[&["--no-track"], &args[..]].concat(), &traffic)?;
    exact.check()?;
    ensure!(!exact.hops.is_empty(), "{args:?} shows nothing: {}", exact.stderr);
    for hop in &exact.hops {
        ensure!(fits(hop), "does not fit: {}", hop.0);
    }
    let followed = trace(&args, &traffic)?;
    followed.check()?;
    let journeys = journeys(&followed)?;
    ensure!(!journeys.is_empty(), "{args:?} follows nothing: {}", followed.stderr);
    for journey in &journeys {
        ensure!(fits(journey.hops[0]), "begins with what does not fit: {}", journey.story());
    }
    Ok(followed)
}

/// A path, an inode and a name mean the same.
fn netns(guest: &Guest, pair: &Pair) -> Result<()> {
    let inode = pair.b.inode()?;
    let in_b = |hop: &Hop| hop.netns() == Some(inode);
    let seen = seen(guest, &["--filter-netns", &pair.b.path(), "icmp"], || pair.ping(1), in_b)?;
    seen.packet_passes(&["ip_rcv", "icmp_rcv"])?;
    // The answer begins in b and is followed to a.
    let other = pair.a.inode()?;
    ensure!(seen.hops.iter().any(|hop| hop.netns() == Some(other)), "nothing beyond b: {:?}", seen.functions());
    for spelling in [format!("inode:{inode}"), pair.b.name.clone()] {
        let args = [&FEW[..], &["--no-track", "--filter-netns", &spelling, "icmp"]].concat();
        let seen = trace(&args, || pair.ping(1))?;
        ensure!(seen.hops.iter().all(in_b), "{spelling}: {:?}", seen.functions());
        seen.packet_passes(&["ip_rcv", "icmp_rcv"]).context(spelling)?;
    }
    Ok(())
}

fn ifname(guest: &Guest, pair: &Pair) -> Result<()> {
    let path = pair.b.path();
    let index = pair.b.ifindex("vb")?;
    let on_vb = |hop: &Hop| hop.ifname() == "vb" && hop.number("/ifindex") == Some(index);
    seen(guest, &["--filter-netns", &path, "--filter-ifname", "vb", "icmp"], || pair.ping(1), on_vb).map(drop)
}

fn mark(guest: &Guest, pair: &Pair) -> Result<()> {
    let send = |a: &Namespace| a.sh("ping -c 1 -m 4660 10.77.0.2 && ping -c 1 10.77.0.2").map(drop);
    let marked = |hop: &Hop| hop.number("/mark") == Some(0x1234);
    seen(guest, &["--filter-mark", "0x1234", "icmp"], || send(&pair.a), marked)?;
    for spelling in ["4660", "0x1200/0xff00"] {
        let args = [&FEW[..], &["--no-track", "--filter-mark", spelling, "icmp"]].concat();
        let seen = trace(&args, || send(&pair.a)).context(spelling)?;
        seen.check()?;
        ensure!(!seen.hops.is_empty() && seen.hops.iter().all(marked), "{spelling}: {:?}", seen.functions());
    }
    Ok(())
}

/// The whole name must match.
fn function(pair: &Pair) -> Result<()> {
    let seen = trace(&["--filter-func", "ip_rcv|icmp_rcv", "icmp"], || pair.ping(1))?;
    seen.check()?;
    for hop in &seen.hops {
        ensure!(["ip_rcv", "icmp_rcv"].contains(&hop.func()) || hop.kind() == "drop", "not asked for: {}", hop.0);
    }
    // Request and answer each pass both.
    let calls = seen.hops.iter().filter(|hop| hop.kind() == "call").count();
    ensure!(calls == 4, "{calls} calls: {:?}", seen.functions());
    Ok(())
}
