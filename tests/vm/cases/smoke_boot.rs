//! The machine is what the other cases take for granted: BTF, tracefs, modules, namespaces, a ping.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "smoke_boot",
    about: "BTF, the function list, modules and a veth ping are there",
    min_kernel: (5, 0),
    seconds: 60,
    run,
};

fn run(guest: &Guest) -> Result<()> {
    let btf = std::fs::metadata("/sys/kernel/btf/vmlinux").context("no BTF")?.len();
    ensure!(btf > 1 << 20, "BTF of {btf} bytes");
    let functions = std::fs::read_to_string("/sys/kernel/tracing/available_filter_functions")?;
    let count = functions.lines().count();
    ensure!(count > 30_000, "{count} traceable functions on {}", guest.release);
    for module in ["veth", "nf_tables", "nft_ct", "8021q", "vxlan", "bridge"] {
        sh(&format!("modprobe {module}"))?;
        ensure!(std::path::Path::new("/sys/module").join(module).exists(), "`{module}` did not load");
    }
    let pair = Pair::new()?;
    pair.ping(3)?;
    pair.ping6(3)?;
    rules_work(&pair)?;
    connections_work(&pair)
}

/// Rules are what the drop cases are made of.
fn rules_work(pair: &Pair) -> Result<()> {
    pair.b.nft("add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in icmp type echo-request drop")?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    pair.b.nft("delete table ip t")?;
    pair.b.iptables("-A INPUT -p tcp --dport 81 -j DROP")?;
    pair.b.ip6tables("-A INPUT -p tcp --dport 81 -j DROP")
}

fn connections_work(pair: &Pair) -> Result<()> {
    let _server = pair.b.listen("8080")?;
    ensure!(pair.a.tcp_connect(Pair::B4, 8080, 5)?, "no connection");
    ensure!(!pair.a.tcp_connect(Pair::B4, 81, 1)?, "a connection through the rule");
    pair.a.udp_send(Pair::B4, 9, "hello")?;
    pair.a.vlan("va", 5, "10.78.0.1/24")?;
    pair.b.vlan("vb", 5, "10.78.0.2/24")?;
    pair.a.ping("10.78.0.2", 1)
}
