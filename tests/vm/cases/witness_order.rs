//! Every function that pwru prints for a packet, skbtrail prints too, in the same order, on the same pings.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Hop, Trace, Tracer};
use crate::witness::{Sight, watch};

pub(crate) const CASE: Case = Case {
    name: "witness_order",
    about: "what pwru shows of a packet, skbtrail shows in the same order",
    min_kernel: (5, 3),
    seconds: 400,
    run,
};

/// For kernels that attach one by one.
const FEW: &[&str] = &[
    "--filter-func",
    "ip_rcv.*|ip_local_.*|ip_output|ip_finish_.*|icmp_.*|__netif_receive_skb.*|dev_hard_start_xmit",
    "icmp",
];

/// What they are called with is bare memory, or half made: pwru reads what it held before.
const MAKING: &[&str] = &[
    "__copy_skb_header",
    "__skb_clone",
    "skb_copy_header",
    "skb_headers_offset_update",
    "skb_set_owner_w",
    "__build_skb_around",
];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let args = if guest.has_kprobe_multi() { &["icmp"] } else { FEW };
    let mut running = Tracer::new(args).start()?;
    let sights = watch(args, || pair.ping(3))?;
    let seen = running.stop()?;
    seen.check()?;
    ensure!(sights.len() >= 20, "the witness saw only {} calls", sights.len());
    for skb in addresses(&sights) {
        contains_in_order(&seen, &sights, skb)?;
    }
    Ok(())
}

fn addresses(sights: &[Sight]) -> std::collections::BTreeSet<&str> {
    sights.iter().map(|sight| sight.skb.as_str()).collect()
}

/// An address may serve several packets one after the other; their calls follow each other in both.
fn contains_in_order(seen: &Trace, sights: &[Sight], skb: &str) -> Result<()> {
    let mut ours = seen.hops.iter().filter(|hop| hop.skb() == skb).map(Hop::func);
    for sight in sights.iter().filter(|sight| sight.skb == skb) {
        // pwru puts the reason behind the name of a function that frees, and the module in brackets.
        let func = sight.func.split(['(', '[']).next().unwrap_or_default();
        if MAKING.contains(&func) {
            continue;
        }
        ensure!(
            ours.any(|our| our == func),
            "{skb}: pwru has {func} next, skbtrail has {:?} and pwru {:?}",
            seen.hops.iter().filter(|hop| hop.skb() == skb).map(Hop::func).collect::<Vec<_>>(),
            sights.iter().filter(|sight| sight.skb == skb).map(|sight| &sight.func).collect::<Vec<_>>()
        );
    }
    Ok(())
}
