//! How fast a node with many namespaces and a large map are looked at, beside the ordinary tools in the same run.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::bpf::{Body, Kind, Loaded, Map};
use crate::guest::{Guest, say};
use crate::inspected::{rows, table};
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "inspect_rates",
    about: "500 namespaces in a quarter of the time of a loop over bpftool; a large map decoded as fast as bpftool prints it",
    min_kernel: (5, 17),
    seconds: 900,
    run,
};

const NAMESPACES: usize = 500;
/// Every tenth has a program at one of its devices.
const WITH_PROGRAM: usize = NAMESPACES / 10;
/// bpftool takes over two minutes for 500 000 of them in an emulated guest.
const ENTRIES: u32 = 100_000;
const LRU_HASH: u32 = 9;

fn run(_: &Guest) -> Result<()> {
    namespaces().context("namespaces")?;
    conntrack().context("a map of connections")
}

/// Each with a veth pair beside its loopback.
fn namespaces() -> Result<()> {
    let program = Loaded::new(Kind::Xdp, "pass", Body::Return(2))?;
    let _made = Made;
    sh(&format!(
        "for n in $(seq {NAMESPACES}); do ip netns add rate$n && ip -n rate$n link add d0 type veth peer name d1; done;
         for n in $(seq 10 10 {NAMESPACES}); do ip -n rate$n link set d0 xdpgeneric pinned {}; done",
        program.pin
    ))?;
    let (theirs, said) =
        timed(&format!("for n in $(seq {NAMESPACES}); do ip netns exec rate$n bpftool net || exit 1; done"))?;
    ensure!(said.matches("d0(").count() == WITH_PROGRAM, "bpftool found {} programs", said.matches("d0(").count());
    let (ours, said) = timed("skbtrail net --all-netns")?;
    let hooks = said.lines().filter(|line| line.starts_with("d0(") && line.contains("generic")).count();
    ensure!(hooks == WITH_PROGRAM, "{hooks} programs");
    let everything = rows("skbtrail net --all-netns --json")?;
    let found = |name: &str| table(&everything, name).len();
    // Beside them is the first namespace.
    let (spaces, links) = (found("netns"), found("interfaces"));
    ensure!(spaces > NAMESPACES && links > 3 * NAMESPACES, "{spaces} namespaces, {links} interfaces");
    say(&format!("{NAMESPACES} namespaces: {ours:.2?}; a loop over `bpftool net`: {theirs:.2?}"));
    ensure!(ours * 4 <= theirs, "{ours:?} is more than a quarter of {theirs:?}");
    Ok(())
}

/// The namespaces, deleted on drop.
struct Made;

impl Drop for Made {
    fn drop(&mut self) {
        let _ = sh(&format!("for n in $(seq {NAMESPACES}); do ip netns delete rate$n; done"));
    }
}

/// One of Cilium's, so that ours decodes what bpftool prints as bytes.
fn conntrack() -> Result<()> {
    let map = Map::new("cilium_ct4_global", LRU_HASH, (14, 56), ENTRIES * 2, 0)?;
    for number in 0..ENTRIES {
        let [a, b, c, d] = number.to_be_bytes();
        map.set(&[10, b, c, d, 10, 0, 0, 1, a, 80, c, d, 6, 1], &[d; 56])?;
    }
    for flag in ["", "--json"] {
        let other = if flag.is_empty() { "" } else { "-j" };
        let theirs = timed(&format!("bpftool {other} map dump pinned {} >/dev/null", map.pin))?.0;
        let dump = format!("skbtrail maps dump {flag} {} 2>/dev/null", map.pin);
        let ours = timed(&format!("{dump} >/dev/null"))?.0;
        say(&format!("{ENTRIES} entries {flag}: {ours:.1?}; `bpftool {other} map dump`: {theirs:.1?}"));
        ensure!(ours <= theirs, "{ours:?} is more than {theirs:?}");
        // It is decoded, and all there.
        let decoded = sh(&format!("{dump} | grep -c 10.0.0.1"))?;
        ensure!(decoded.trim() == ENTRIES.to_string(), "{decoded} entries");
    }
    Ok(())
}

/// How long a shell line took, and what it printed.
fn timed(line: &str) -> Result<(Duration, String)> {
    let begun = Instant::now();
    let said = sh(line)?;
    Ok((begun.elapsed(), said))
}
