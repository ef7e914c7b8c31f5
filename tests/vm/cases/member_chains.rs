//! `--output-skb-metadata` reads any number of member chains, through pointers, embedded structs and bit fields; what
//! the rows say otherwise of the same fields confirms them.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::{Hop, trace};

pub(crate) const CASE: Case = Case {
    name: "member_chains",
    about: "--output-skb-metadata with more chains than pwru's four",
    min_kernel: (5, 8),
    seconds: 60,
    run,
};

/// Chain, and where the row itself has the value.
const CHAINS: &[(&str, &str)] = &[
    ("skb->mark", "/mark"),
    ("skb->len", "/len"),
    ("skb->dev->ifindex", "/ifindex"),
    ("skb->dev->mtu", "/mtu"),
    ("skb->dev->nd_net.net->ns.inum", "/netns"),
    ("skb->pkt_type", "/pkt_type"),
];

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let chains: Vec<&str> = CHAINS.iter().map(|(chain, _)| *chain).collect();
    let args =
        ["--output-skb-metadata", &chains.join(","), "--columns", "func,mark,len,iface,mtu,netns,pkt-type,metadata"];
    let args = [&args[..], &["--filter-func", "ip_rcv|icmp_rcv|veth_xmit", "icmp"]].concat();
    let seen = trace(&args, || pair.a.sh("ping -c 1 -m 77 10.77.0.2").map(drop))?;
    seen.check()?;
    ensure!(seen.hops.iter().any(|hop| hop.number("/mark") == Some(77)), "no mark: {:?}", seen.functions());
    ensure!(seen.hops.len() >= 6, "only {:?}", seen.functions());
    seen.hops.iter().try_for_each(same)
}

fn same(hop: &Hop) -> Result<()> {
    for (chain, path) in CHAINS {
        let value = hop.0["metadata"][chain].as_u64().with_context(|| format!("no {chain}: {}", hop.0))?;
        ensure!(Some(value) == hop.number(path), "{chain} is {value}: {}", hop.0);
    }
    Ok(())
}
