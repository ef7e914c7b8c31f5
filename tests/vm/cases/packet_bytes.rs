//! `--output-packet` shows the packet's own bytes from the outermost header on, as many as asked for.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::trace;

pub(crate) const CASE: Case = Case {
    name: "packet_bytes",
    about: "--output-packet: the bytes that were sent, from the outermost header on",
    min_kernel: (5, 8),
    seconds: 60,
    run,
};

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let args = ["--output-packet=80", "--filter-func", "ip_rcv|icmp_rcv", "icmp[icmptype] = icmp-echo"];
    let seen = trace(&args, || pair.a.sh("ping -c 1 -p c0ffee -s 64 10.77.0.2").map(drop))?;
    seen.check()?;
    let hop = seen.hops.iter().find(|hop| hop.func() == "ip_rcv").context("no ip_rcv")?;
    let packet = hop.text("/packet");
    ensure!(packet.len() == 2 * 80, "{} bytes: {packet}", packet.len() / 2);
    let mac = |namespace: &crate::net::Namespace, device: &str| {
        let text = namespace.sh(&format!("cat /sys/class/net/{device}/address"))?;
        Ok::<_, anyhow::Error>(text.trim().replace(':', ""))
    };
    // Ethernet, IPv4 without options, ICMP echo request.
    let mut expected = format!("{}{}0800", mac(&pair.b, "vb")?, mac(&pair.a, "va")?);
    write!(expected, "4500{:04x}", 20 + 8 + 64)?;
    ensure!(packet.starts_with(&expected), "{packet} does not begin with {expected}");
    ensure!(packet[2 * 26..].starts_with("0a4d00010a4d00020800"), "{packet}");
    // The pattern comes behind the time that ping puts first.
    ensure!(packet[2 * (14 + 20 + 8 + 16)..].contains("c0ffeec0ffee"), "{packet}");
    Ok(())
}
