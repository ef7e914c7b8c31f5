//! The ways in which a recording is made and ends: beside a trace by packet, through a pipe, in files that take turns, by a flight
//! recorder, by a kill, on a full disk. Whatever happened, what is in the file is read by another user.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::{Case, record_replay::FEW};
use crate::guest::Guest;
use crate::net::{Pair, sh};
use crate::recorder::{self, Recorder, as_nobody, as_nobody_with_warnings, json};
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "record_ways",
    about: "recordings beside trace --group, through a pipe, in turns, by a flight recorder, killed, on a full disk",
    min_kernel: (5, 17),
    seconds: 400,
    run,
};

const FILE: &str = "/tmp/record_ways.pcapng";
/// What has been recorded is written by then.
const SOON: Duration = Duration::from_secs(20);

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    pair.a.sh("ping -c 1 -W 1 10.77.0.2")?;
    beside_packets(&pair).context("beside a trace by packet")?;
    pipe(&pair).context("through a pipe")?;
    by_size(&pair).context("files of a size that take turns")?;
    by_time(&pair).context("files of a time")?;
    flight(&pair).context("the flight recorder")?;
    killed(&pair).context("a killed recorder")?;
    full_disk(&pair).context("a full disk")
}

/// What the trace shows, packet by packet, is what is replayed; ends that need more than one function among them.
fn beside_packets(pair: &Pair) -> Result<()> {
    let server = pair.b.listen(">/tmp/heard 10.77.0.2 8080")?;
    pair.a.sh("ip link add d0 type dummy && ip addr add 10.88.0.1/24 dev d0 && ip link set d0 up")?;
    pair.a.sh("ip neigh add 10.88.0.2 dev d0 lladdr 02:00:00:00:00:02")?;
    let functions =
        format!("{FEW}|dummy_xmit|tcp_rcv_established|tcp_recvmsg|__skb_datagram_iter|skb_copy_datagram_iter");
    let filter = "icmp or tcp port 8080 or tcp port 9999";
    let mut running = Tracer::text(&["--group", "--record", FILE, "--filter-func", &functions, filter]).start()?;
    pair.a.sh("ping -c 1 -W 2 10.77.0.2; nc -n -z -w 1 10.77.0.2 9999 || true")?;
    pair.a.sh("echo hello | nc -n -N -w 2 10.77.0.2 8080; ping -c 1 -W 1 10.88.0.2 || true")?;
    let trace = running.stop()?;
    ensure!(trace.status.success(), "{}: {}", trace.status, trace.stderr);
    drop(server);
    let live = running.stdout()?;
    ensure!(blocks(&live).len() >= 8, "{live}");
    let replayed = as_nobody(&["replay", "--group", FILE])?;
    ensure!(blocks(&replayed) == blocks(&live), "live:\n{live}\nreplayed:\n{replayed}");
    for end in
        ["NO_SOCKET at tcp_v4_rcv", "to the kernel, which answers the echo", "sent after", "by d0:", "read by nc:"]
    {
        ensure!(live.contains(end), "no packet ends so: {end}\n{live}");
    }
    pair.a.sh("ip link del d0").map(drop)
}

/// Packets in the order of their numbers; they are shown as they end.
fn blocks(text: &str) -> Vec<&str> {
    let mut blocks: Vec<&str> = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).collect();
    blocks.sort_unstable();
    blocks
}

fn pipe(pair: &Pair) -> Result<()> {
    let (reader, writer) = std::io::pipe()?;
    let copy = std::process::Command::new("cat").stdin(reader).stdout(File::create(FILE)?).spawn()?;
    let recorder = Recorder::writing_to(&["-o", "-", "--filter-func", FEW, "icmp"], writer)?;
    pair.ping(2)?;
    recorder.stop()?;
    ensure!(copy.wait_with_output()?.status.success(), "cat failed");
    let info = json(&["info", "--json", FILE])?;
    ensure!(info[0]["hits"].as_u64() > Some(8) && info[0]["counts"]["seen"] == info[0]["hits"], "{}", info[0]);
    Ok(())
}

/// The last of many hits are in three files, which are read as one.
fn by_size(pair: &Pair) -> Result<()> {
    let recorder = Recorder::start(&["-o", "/tmp/turns", "-C", "1", "-W", "3", "--filter-func", FEW, "icmp"])?;
    pair.a.sh("ping -n -q -f -c 4000 10.77.0.2")?;
    let said = recorder.stop()?;
    let names = sh("ls /tmp/turns*")?;
    ensure!(names.lines().eq(["/tmp/turns0", "/tmp/turns1", "/tmp/turns2"]), "{names}; {said}");
    let sizes: u64 = names.lines().filter_map(|name| Some(fs::metadata(name).ok()?.len())).sum();
    ensure!((1_500_000..4_500_000).contains(&sizes), "{sizes} bytes");
    let rows = as_nobody(&[
        "replay",
        "--columns",
        "time,func",
        "--timestamp",
        "absolute",
        "/tmp/turns0",
        "/tmp/turns1",
        "/tmp/turns2",
    ])?;
    let times: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.get(..26)).collect();
    ensure!(times.len() > 10_000 && times.is_sorted(), "{} rows", times.len());
    sh("rm /tmp/turns*").map(drop)
}

/// After two files of a second each it ends by itself.
fn by_time(pair: &Pair) -> Result<()> {
    let mut recorder = Recorder::start(&["-o", "/tmp/turns", "-G", "1", "-W", "2", "--filter-func", FEW, "icmp"])?;
    pair.ping(10)?;
    let status = recorder.wait()?;
    ensure!(status.success(), "{status}: {}", recorder::said()?);
    let names = sh("ls /tmp/turns*")?;
    ensure!(names.lines().eq(["/tmp/turns0", "/tmp/turns1"]), "{names}");
    ensure!(json(&["info", "--json", "/tmp/turns0"])?[0]["hits"].as_u64() > Some(8), "the first file is empty");
    sh("rm /tmp/turns*").map(drop)
}

/// What led to the drop is written, and it ends by itself.
fn flight(pair: &Pair) -> Result<()> {
    pair.b.nft(
        "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in udp dport 53 drop",
    )?;
    let flags = ["-o", FILE, "--last", "20s", "--on-drop", "--then", "200ms", "--filter-func", FEW];
    // Of an answer the kernel drops what is left when a raw socket has its copy, so only requests go on undropped.
    let mut recorder = Recorder::start(&[&flags[..], &["icmp[icmptype] = icmp-echo or udp port 53"]].concat())?;
    pair.ping(3)?;
    if fs::metadata(FILE)?.len() > 0 {
        recorder.wait()?;
        anyhow::bail!("it wrote before the drop: {}", as_nobody(&["replay", "--group", FILE])?);
    }
    pair.a.udp_send("10.77.0.2", 53, "hello")?;
    let status = recorder.wait()?;
    ensure!(status.success(), "{status}: {}", recorder::said()?);
    let packets = as_nobody(&["replay", "--group", FILE])?;
    let pings = packets.matches("to the kernel, which answers the echo").count();
    ensure!(pings == 3 && packets.contains("dropped after") && packets.contains("NETFILTER_DROP"), "{packets}");
    Ok(())
}

/// What it has taken is in the file soon (after a quarter of a second, or longer on a busy machine), and stays there.
fn killed(pair: &Pair) -> Result<()> {
    let mut recorder = Recorder::start(&["-o", FILE, "--filter-func", FEW, "icmp"])?;
    pair.ping(3)?;
    let read = || as_nobody_with_warnings(&["replay", "--group", FILE]);
    let answered = |packets: &str| packets.matches("to the kernel, which answers the echo").count();
    let begun = Instant::now();
    while answered(&read()?.0) < 3 {
        ensure!(begun.elapsed() < SOON, "after {SOON:?} not all is in the file: {:?}", read()?);
        sleep(Duration::from_millis(200));
    }
    recorder.signal(Signal::SIGKILL)?;
    recorder.wait()?;
    let (packets, warning) = read()?;
    ensure!(answered(&packets) == 3, "{packets}, {warning}");
    ensure!(warning.contains("it was not brought to its end") && warning.lines().count() == 1, "`{warning}`");
    Ok(())
}

fn full_disk(pair: &Pair) -> Result<()> {
    sh("mkdir -p /tmp/small && mount -t tmpfs -o size=600k small /tmp/small")?;
    let file = "/tmp/small/out.pcapng";
    let mut recorder = Recorder::start(&["-o", file, "--filter-func", FEW, "icmp"])?;
    pair.a.sh("ping -n -q -f -c 3000 10.77.0.2")?;
    let status = recorder.wait()?;
    let said = recorder::said()?;
    let sentence = said.lines().filter(|line| line.contains("No space left on device")).count();
    ensure!(status.code() == Some(1) && sentence == 1, "{status}: {said}");
    let (rows, warning) = as_nobody_with_warnings(&["replay", file])?;
    ensure!(rows.lines().count() > 2000 && !warning.contains("damaged"), "{} rows, {warning}", rows.lines().count());
    sh("umount /tmp/small").map(drop)
}
