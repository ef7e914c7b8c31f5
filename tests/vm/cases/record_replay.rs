//! What is recorded on a real kernel is what another user reads back: the same text as the live trace, packets with the end they
//! had, and of a flood every hit.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::recorder::{Recorder, as_nobody, json};
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "record_replay",
    about: "recordings: replayed by another user as the live text, verdicts of packets, a flood without loss",
    min_kernel: (5, 17),
    seconds: 400,
    run,
};

const FILE: &str = "/tmp/record_replay.pcapng";
const PINGS: usize = 500;
/// Single kprobes take long to attach; these show what the case is about.
pub(super) const FEW: &str = "ip_rcv|ip_output|icmp_rcv|icmp_echo|raw_rcv|tcp_v4_rcv|tcp_v4_do_rcv|__dev_queue_xmit|kfree_skb|consume_skb|kfree_skbmem|skb_release_data";

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    // Neighbours are known before it counts.
    pair.a.sh("ping -c 1 -W 1 10.77.0.2")?;
    same_as_live(&pair).context("the text of a live trace")?;
    flood(&pair).context("a flood")
}

/// A ping that is answered and a connection that is refused, live and from the file.
fn same_as_live(pair: &Pair) -> Result<()> {
    let filter = "icmp or tcp port 9999";
    let mut running = Tracer::text(&["--record", FILE, "--filter-func", FEW, filter]).start()?;
    pair.a.sh("ping -c 1 -W 2 10.77.0.2; nc -n -z -w 1 10.77.0.2 9999 || true")?;
    let counts = running.stop()?.check()?;
    let live = running.stdout()?;
    ensure!(live.lines().count() as u64 == counts.shown + 1 && counts.shown > 20, "{live}");
    let replayed = as_nobody(&["replay", FILE])?;
    ensure!(replayed == live, "live:\n{live}\nreplayed:\n{replayed}");
    let only = as_nobody(&["replay", FILE, "--filter", "icmp"])?;
    let rows = only.lines().count();
    ensure!(rows > 1 && rows < live.lines().count() && !only.contains("(tcp)"), "{only}");
    verdicts()?;
    let info = json(&["info", "--json", FILE])?;
    ensure!(info[0]["hits"] == counts.shown && info[0]["missing"]["unfinished"] == false, "{}", info[0]);
    Ok(())
}

fn verdicts() -> Result<()> {
    let packets = as_nobody(&["replay", "--group", FILE])?;
    for end in ["to the kernel, which answers the echo", "to a raw socket", "NO_SOCKET at tcp_v4_rcv"] {
        ensure!(packets.contains(end), "no packet ends so: {end}\n{packets}");
    }
    // Every packet has exactly one end.
    let ways = json(&["paths", "-r", FILE, "--output-json"])?;
    let (sum, paths) = ways.split_last().context("no paths")?;
    let counted: u64 = paths.iter().filter_map(|path| path["packets"].as_u64()).sum();
    ensure!(sum["packets"] == counted + sum["partial"].as_u64().unwrap_or_default(), "{sum}, {counted}");
    Ok(())
}

/// Every hit that the kernel counts is in the file, plain and compressed.
fn flood(pair: &Pair) -> Result<()> {
    for compress in [&[][..], &["--compress"]] {
        let recorder = Recorder::start(&[&["-o", FILE, "--filter-func", FEW], compress, &["icmp"]].concat())?;
        let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} 10.77.0.2"))?;
        ensure!(said.contains(&format!(" {PINGS} received")), "{said}");
        recorder.stop()?;
        let info = json(&["info", "--json", FILE])?;
        let counts = &info[0]["counts"];
        ensure!(counts["seen"] == info[0]["hits"] && counts["shown"] == counts["seen"], "{}", info[0]);
        let calls = as_nobody(&["replay", "--columns", "func", FILE])?;
        let calls = calls.lines().filter(|line| line.trim() == "icmp_rcv").count();
        ensure!(calls == 2 * PINGS, "{calls} calls of icmp_rcv");
    }
    Ok(())
}
