//! `--output-stack` and `--output-caller` name functions with offset and module.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "stack_and_caller",
    about: "--output-stack and --output-caller: symbol+offset, and the module",
    min_kernel: (5, 8),
    seconds: 100,
    run,
};

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let best = if guest.has_kprobe_multi() { "kprobe-multi" } else { "kprobe" };
    for backend in [best, "kprobe"] {
        let args = ["--backend", backend, "--filter-func", "ip_rcv|icmp_rcv|veth_xmit", "icmp"];
        let seen = trace(&[&["--output-stack", "--output-caller"], &args[..]].concat(), || pair.ping(1))?;
        check(&seen).context(backend)?;
    }
    Ok(())
}

fn check(seen: &Trace) -> Result<()> {
    seen.check()?;
    let hop =
        |function: &str| seen.hops.iter().find(|hop| hop.func() == function).with_context(|| format!("no {function}"));
    let icmp = hop("icmp_rcv")?;
    symbol(icmp.text("/caller"), "ip_protocol_deliver_rcu")?;
    // The way down to the receiving side, in this order.
    let frames = stack(icmp)?;
    let mut rest = frames.iter();
    for function in
        ["icmp_rcv", "ip_protocol_deliver_rcu", "ip_local_deliver_finish", "process_backlog", "net_rx_action"]
    {
        ensure!(rest.any(|frame| symbol(frame, function).is_ok()), "no {function} where it belongs: {frames:?}");
    }
    let frames = stack(hop("veth_xmit")?)?;
    ensure!(frames.first().is_some_and(|frame| frame.ends_with(" [veth]")), "not of its module: {frames:?}");
    ensure!(frames.iter().any(|frame| symbol(frame, "dev_hard_start_xmit").is_ok()), "{frames:?}");
    // A system call is at the bottom, and every frame has a name.
    ensure!(frames.iter().all(|frame| frame.contains("+0x")), "frames without a name: {frames:?}");
    Ok(())
}

fn stack(hop: &Hop) -> Result<Vec<&str>> {
    let frames = hop.0["stack"].as_array().with_context(|| format!("no stack: {}", hop.0))?;
    Ok(frames.iter().filter_map(|frame| frame.as_str()).collect())
}

/// `function+0x12`, perhaps a part that the compiler split off.
fn symbol(text: &str, function: &str) -> Result<()> {
    let (name, offset) = text.split_once("+0x").with_context(|| format!("`{text}` is no symbol"))?;
    let offset = offset.split(' ').next().unwrap_or_default();
    u64::from_str_radix(offset, 16).with_context(|| format!("`{text}` has no offset"))?;
    ensure!(name.split('.').next() == Some(function), "`{text}`, not {function}");
    Ok(())
}
