//! `skbtrail functions` lists what an independent program over libbpf finds (`floor list`), each at the same argument,
//! and functions of modules, with `const` and `**` packets.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::guest::Guest;
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "functions",
    about: "`skbtrail functions` finds what libbpf's BTF says, modules, const and ** too",
    min_kernel: (5, 8),
    seconds: 100,
    run,
};

/// Functions `(new, old)`: libbpf's BTF does not tell that the first is no packet yet.
const MAKING: [&str; 3] = ["__copy_skb_header", "__skb_clone", "skb_copy_header"];
/// Its argument is the head of a queue, whatever its type.
const NO_PACKET: &str = "__skb_wait_for_more_packets";
/// Which argument, and whether it is a pointer to the pointer. The last are those that pwru misses.
const KNOWN: &[(&str, Option<&str>, u64, bool)] = &[
    ("ip_rcv", None, 1, false),
    ("ip_output", None, 3, false),
    ("icmp_rcv", None, 1, false),
    ("veth_xmit", Some("veth"), 1, false),
    ("tcp_ack", None, 2, false),
    ("__copy_skb_header", None, 2, false),
    ("vlan_do_receive", None, 1, true),
    ("connmark_mt", Some("xt_connmark"), 1, false),
];

fn run(guest: &Guest) -> Result<()> {
    sh("modprobe veth && modprobe xt_connmark")?;
    let listed = listed()?;
    known(&listed, guest)?;
    let others = sh("floor list")?;
    let others: BTreeMap<&str, u64> = others
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, position)| Ok((name, position.parse()?)))
        .collect::<Result<_>>()?;
    ensure!(others.len() > 1000, "libbpf finds only {} functions", others.len());
    for (name, position) in others.iter().filter(|(name, _)| **name != NO_PACKET) {
        let ours = listed.get(&((*name).to_owned(), None));
        let ours = ours.with_context(|| format!("{name} is not listed"))?;
        let position = position + u64::from(MAKING.contains(name));
        ensure!(ours.position == position, "{name}: argument {}, libbpf says {position}", ours.position);
    }
    // What is listed beyond that is in a module, or a name that the kernel has twice.
    let more = listed.keys().filter(|(name, module)| module.is_none() && !others.contains_key(name.as_str())).count();
    ensure!(more * 20 < others.len(), "{more} functions of the kernel that libbpf does not find");
    exit_codes()
}

struct Listed {
    position: u64,
    double: bool,
}

/// Traceable functions by name and module.
fn listed() -> Result<BTreeMap<(String, Option<String>), Listed>> {
    let text = sh("skbtrail functions --json")?;
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        let function: Value = serde_json::from_str(line)?;
        let text = |key: &str| function[key].as_str().map(str::to_owned);
        let name = text("function").context("no name")?;
        ensure!(function["traceable"] == true, "listed, but not traceable: {line}");
        let position = function["argument"].as_u64().with_context(|| line.to_owned())?;
        let double = function["double_pointer"].as_bool().with_context(|| line.to_owned())?;
        listed.insert((name, text("module")), Listed { position, double });
    }
    Ok(listed)
}

fn known(listed: &BTreeMap<(String, Option<String>), Listed>, guest: &Guest) -> Result<()> {
    for (name, module, position, double) in KNOWN {
        // Compilers of some kernels inline or split it.
        let traceable = sh(&format!("grep -cE '^{name}( |$)' /sys/kernel/tracing/available_filter_functions || true"))?;
        if traceable.trim() == "0" && guest.version != (6, 12) {
            continue;
        }
        let key = ((*name).to_owned(), module.map(str::to_owned));
        let found = listed.get(&key).with_context(|| format!("{name} is not listed"))?;
        ensure!(
            (found.position, found.double) == (*position, *double),
            "{name}: argument {}, double {}",
            found.position,
            found.double
        );
    }
    Ok(())
}

/// The expression matches whole names; nothing found is a failure.
fn exit_codes() -> Result<()> {
    let text = sh("skbtrail functions 'ip_rcv'")?;
    ensure!(text.lines().count() == 2 && text.lines().nth(1).is_some_and(|row| row.starts_with("ip_rcv ")), "{text}");
    ensure!(sh("skbtrail functions 'no_such_function'").is_err(), "a function that does not exist is found");
    Ok(())
}
