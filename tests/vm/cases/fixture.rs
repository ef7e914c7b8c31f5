//! Recordings of this kernel to keep under `tests/fixtures`: what each holds is checked here, and `tests/run fixture` takes them
//! from the serial line.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, Router, sh};
use crate::recorder::{Recorder, as_nobody};

pub(crate) const CASE: Case = Case {
    name: "fixture",
    about: "recordings to keep: a ping, a drop by nft and a refusal; a conversation through a router that rewrites addresses",
    min_kernel: (5, 17),
    seconds: 800,
    run,
};

fn run(_: &Guest) -> Result<()> {
    path().context("path")?;
    conversation().context("conversation")
}

/// All functions, five packets, each with another end.
fn path() -> Result<()> {
    let pair = Pair::new()?;
    pair.a.sh("ping -c 1 -W 1 10.77.0.2")?;
    pair.b.nft(
        "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in udp dport 53 drop",
    )?;
    let file = "/tmp/path.pcapng";
    let recorder = Recorder::start(&["-o", file, "--compress", "icmp or udp port 53 or tcp port 9999"])?;
    pair.ping(1)?;
    pair.a.udp_send("10.77.0.2", 53, "hello")?;
    ensure!(!pair.a.tcp_connect("10.77.0.2", 9999, 1)?, "a connection to a closed port came about");
    recorder.stop()?;
    let packets = as_nobody(&["replay", "--group", file])?;
    for end in
        ["which answers the echo", "to a raw socket", "NETFILTER_DROP at nft_do_chain", "NO_SOCKET at tcp_v4_rcv"]
    {
        ensure!(packets.contains(end), "no packet ends so: {end}\n{packets}");
    }
    hand_out(file)
}

/// A request and its answer, there by another address than the one that is asked for.
fn conversation() -> Result<()> {
    let router = Router::new()?;
    router.r.nft(
        "add table ip t; add chain ip t before { type nat hook prerouting priority -100; };
         add rule ip t before ip daddr 10.99.0.9 tcp dport 80 dnat to 10.72.0.1:8080",
    )?;
    fs::write("/tmp/answer", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")?;
    let server = router.b.listen("</tmp/answer >/tmp/asked 10.72.0.1 8080")?;
    let file = "/tmp/conversation.pcapng";
    let few = "tcp_.*|ip_.*|nf_.*|skb:.*|net:.*|.*_xmit.*|kfree_skbmem|skb_copy_datagram_iter|__skb_datagram_iter";
    let recorder = Recorder::start(&["-o", file, "--compress", "--filter-func", few, "tcp port 80 or tcp port 8080"])?;
    router.a.sh("printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | nc -n -N -w 3 10.99.0.9 80")?;
    recorder.stop()?;
    drop(server);
    let packets = as_nobody(&["replay", "--group", file])?;
    for part in ["-> 10.72.0.1:8080", "* source 10.72.0.1:", "read by nc:"] {
        ensure!(packets.contains(part), "not there: {part}\n{packets}");
    }
    hand_out(file)
}

/// Writes a file to the log, for whoever wants to keep it.
fn hand_out(file: &str) -> Result<()> {
    let name = file.rsplit('/').next().unwrap_or_default();
    sh(&format!("base64 -w 100 {file} | sed 's/^/fixture {name} /' >/dev/console")).map(drop)
}
