//! Namespace, interface, mark and function filters let through what fits and nothing else.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Namespace, Pair};
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "filters",
    about: "--filter-netns, --filter-ifname, --filter-mark, --filter-func",
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

/// Runs with the arguments; on a kernel that attaches one by one with a few functions only.
fn seen(guest: &Guest, args: &[&str], traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let args = if guest.has_kprobe_multi() { args.to_vec() } else { [&FEW, args].concat() };
    let seen = trace(&args, traffic)?;
    ensure!(!seen.hops.is_empty(), "{args:?} shows nothing: {}", seen.stderr);
    seen.check()?;
    Ok(seen)
}

fn all(seen: &Trace, fits: impl Fn(&Hop) -> bool) -> Result<()> {
    for hop in &seen.hops {
        ensure!(fits(hop), "does not fit: {}", hop.0);
    }
    Ok(())
}

/// A path, an inode and a name mean the same.
fn netns(guest: &Guest, pair: &Pair) -> Result<()> {
    let inode = pair.b.inode()?;
    let seen = seen(guest, &["--filter-netns", &pair.b.path(), "icmp"], || pair.ping(1))?;
    all(&seen, |hop| hop.netns() == Some(inode))?;
    seen.packet_passes(&["ip_rcv", "icmp_rcv"])?;
    for spelling in [format!("inode:{inode}"), pair.b.name.clone()] {
        let seen = trace(&[&FEW[..], &["--filter-netns", &spelling, "icmp"]].concat(), || pair.ping(1))?;
        all(&seen, |hop| hop.netns() == Some(inode)).context(spelling.clone())?;
        seen.packet_passes(&["ip_rcv", "icmp_rcv"]).context(spelling)?;
    }
    Ok(())
}

fn ifname(guest: &Guest, pair: &Pair) -> Result<()> {
    let path = pair.b.path();
    let index = pair.b.ifindex("vb")?;
    let seen = seen(guest, &["--filter-netns", &path, "--filter-ifname", "vb", "icmp"], || pair.ping(1))?;
    all(&seen, |hop| hop.ifname() == "vb" && hop.number("/ifindex") == Some(index))
}

fn mark(guest: &Guest, pair: &Pair) -> Result<()> {
    let send = |a: &Namespace| a.sh("ping -c 1 -m 4660 10.77.0.2 && ping -c 1 10.77.0.2").map(drop);
    for spelling in ["0x1234", "4660", "0x1200/0xff00"] {
        let seen = seen(guest, &["--filter-mark", spelling, "icmp"], || send(&pair.a)).context(spelling)?;
        all(&seen, |hop| hop.number("/mark") == Some(0x1234))?;
    }
    Ok(())
}

/// The whole name must match.
fn function(pair: &Pair) -> Result<()> {
    let seen = trace(&["--filter-func", "ip_rcv|icmp_rcv", "icmp"], || pair.ping(1))?;
    seen.check()?;
    all(&seen, |hop| ["ip_rcv", "icmp_rcv"].contains(&hop.func()) || hop.kind() == "drop")?;
    // Request and answer each pass both.
    let calls = seen.hops.iter().filter(|hop| hop.kind() == "call").count();
    ensure!(calls == 4, "{calls} calls: {:?}", seen.functions());
    Ok(())
}
