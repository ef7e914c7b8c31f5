//! A flood of pings is recorded whole, on the CPUs that it runs on, and takes no more room than it may.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::{Guest, say};
use crate::net::Pair;
use crate::recorder::{Recorder, json};

pub(crate) const CASE: Case = Case {
    name: "record_flood",
    about: "4000 flood pings past all functions, recorded: nothing lost, at most 80 bytes a hop, 25 compressed",
    min_kernel: (6, 12),
    seconds: 300,
    run,
};

const FILE: &str = "/tmp/record_flood.pcapng";
const PINGS: usize = 4000;

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    // Neighbours are known before it counts.
    pair.ping(1)?;
    recorded(&pair, &[], 80.0).context("plain")?;
    recorded(&pair, &["--compress"], 25.0).context("compressed")
}

/// With the first bytes of each packet, which are recorded unless less is asked for.
fn recorded(pair: &Pair, flags: &[&str], most: f64) -> Result<()> {
    let recorder = Recorder::start(&[&["-o", FILE], flags, &["icmp"]].concat())?;
    let flood = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
    ensure!(flood.contains(&format!(" {PINGS} received")), "{flood}");
    let said = recorder.stop()?;
    let info = &json(&["info", "--json", FILE])?[0];
    let (hits, counts) = (info["hits"].as_u64().context("no hits")?, &info["counts"]);
    ensure!(hits > 50 * PINGS as u64 && counts["seen"] == hits && counts["shown"] == hits, "{info}");
    ensure!(said.contains("lost 0"), "{said}");
    let called = |function: &str| info["functions"][function].as_u64().unwrap_or_default();
    ensure!(called("icmp_rcv") == 2 * PINGS as u64, "{} calls of icmp_rcv", called("icmp_rcv"));
    let each = fs::metadata(FILE)?.len() as f64 / hits as f64;
    say(&format!("{hits} hits, {each:.1} bytes each {}", flags.concat()));
    ensure!(each <= most, "{each:.1} bytes a hop");
    fs::remove_file(FILE)?;
    Ok(())
}
