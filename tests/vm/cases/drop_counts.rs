//! `skbtrail drops` counts each packet that dies, tells why and where, and shows the kernel's own counters as the usual tools
//! read them. While nothing is dropped it does nothing.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Case;
use crate::guest::{Guest, read_if_there, wait_within};
use crate::holdings::Holdings;
use crate::net::{Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "drop_counts",
    about: "`skbtrail drops`: as many as were sent, by reason and place; counters as nstat, ip and tc have them",
    min_kernel: (5, 17),
    seconds: 240,
    run,
};

const READY_WITHIN: Duration = Duration::from_mins(1);
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// What is still on its way when the sender has ended.
const SETTLE: Duration = Duration::from_millis(500);

/// Packets that die, each in another way: how many, the shell line in `a`, the reason, the functions that may do it.
struct Loss {
    count: u64,
    traffic: &'static str,
    reason: &'static str,
    places: &'static [&'static str],
}

const LOSSES: [Loss; 4] = [
    Loss {
        count: 50,
        traffic: "for i in {1..50}; do echo -n x > /dev/udp/10.77.0.2/9999; done",
        reason: "NO_SOCKET",
        places: &["__udp4_lib_rcv", "udp_rcv"],
    },
    Loss {
        count: 30,
        traffic: "ping -n -q -i 0.02 -W 1 -c 30 10.77.0.2 || true",
        reason: "NETFILTER_DROP",
        places: &["nf_hook_slow", "nft_do_chain", "nft_do_chain_inet", "nft_do_chain_ipv4"],
    },
    Loss {
        count: 40,
        traffic: "for i in {1..40}; do echo -n x > /dev/udp/10.77.0.2/7777; done",
        reason: "TC_INGRESS",
        places: &["__netif_receive_skb_core", "sch_handle_ingress"],
    },
    Loss {
        count: 20,
        traffic: "for i in {1..20}; do echo -n x > /dev/udp/10.78.0.2/5555; done",
        reason: "OTHERHOST",
        places: &["ip_rcv_core", "ip_rcv"],
    },
];

fn run(_: &Guest) -> Result<()> {
    let pair = prepared()?;
    let before = Holdings::at_rest()?;
    all_kinds(&pair).context("all kinds")?;
    only_what_matches(&pair).context("a filter")?;
    nothing(&pair).context("nothing")?;
    by_text(&pair).context("text")?;
    before.restored()
}

/// Known neighbours, a rule, a filter and a VLAN that the other side does not have.
fn prepared() -> Result<Pair> {
    let pair = Pair::new()?;
    // IPv6 says something of its own accord now and then, which would be counted too.
    for namespace in [&pair.a, &pair.b] {
        namespace.sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")?;
    }
    pair.a.vlan("va", 5, "10.78.0.1/24")?;
    let hardware = |of: &crate::net::Namespace, device: &str| of.sh(&format!("cat /sys/class/net/{device}/address"));
    let (a, b) = (hardware(&pair.a, "va")?, hardware(&pair.b, "vb")?);
    pair.a.sh(&format!(
        "ip neigh replace 10.77.0.2 lladdr {0} dev va nud permanent && ip neigh replace 10.78.0.2 lladdr {0} dev va.5 nud permanent",
        b.trim()
    ))?;
    pair.b.sh(&format!("ip neigh replace 10.77.0.1 lladdr {} dev vb nud permanent", a.trim()))?;
    pair.ping(1)?;
    pair.b.nft(
        "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in icmp type echo-request drop",
    )?;
    pair.b.sh(
        "tc qdisc add dev vb clsact && tc filter add dev vb ingress protocol ip pref 1 u32 match ip protocol 17 0xff \
         match ip dport 7777 0xffff action drop",
    )?;
    Ok(pair)
}

fn all_kinds(pair: &Pair) -> Result<()> {
    let mut running = Running::start(&["--all-netns"])?;
    for loss in &LOSSES {
        pair.a.sh(loss.traffic)?;
    }
    let said = running.stop()?;
    let inode = pair.b.inode()?;
    for loss in &LOSSES {
        let fitting = |row: &&Value| row["reason"] == loss.reason && row["netns"] == inode;
        let rows: Vec<&Value> = said.rows("drop").into_iter().filter(fitting).collect();
        let count: u64 = rows.iter().filter_map(|row| row["drops"].as_u64()).sum();
        ensure!(count == loss.count, "{count} of {} for {}: {}", loss.count, loss.reason, said.stdout);
        for row in rows {
            let place = row["place"].as_str().unwrap_or_default();
            let function = place.split(['+', '.']).next().unwrap_or_default();
            ensure!(loss.places.contains(&function) && place.contains("+0x"), "{} in `{place}`", loss.reason);
            ensure!(row["ifname"] == "vb" && row["netns_name"] == "b", "{row}");
            ensure!(row["meaning"].as_str().is_some_and(|meaning| meaning.ends_with('.')), "{row}");
        }
    }
    let total: u64 = said.rows("drop").iter().filter_map(|row| row["drops"].as_u64()).sum();
    ensure!(said.rows("summary")[0]["drops"] == total, "{}", said.stdout);
    counters(pair, &said, inode)
}

/// The kernel's own counters, as the usual tools have them.
fn counters(pair: &Pair, said: &Said, inode: u64) -> Result<()> {
    let counter = |keeper: &str, name: &str| -> Result<(u64, u64)> {
        let rows = said.rows("counter");
        let fits = |row: &&&Value| row["keeper"] == keeper && row["counter"] == name && row["netns"] == inode;
        let row = rows.iter().find(fits).with_context(|| format!("{keeper} {name} did not move: {}", said.stdout))?;
        Ok((row["by"].as_u64().context("no number")?, row["now"].as_u64().context("no number")?))
    };
    let nstat: Value = serde_json::from_str(&pair.b.sh("nstat -asj UdpNoPorts")?)?;
    let no_ports = nstat["kernel"]["UdpNoPorts"].as_u64();
    let found = counter("protocol", "UdpNoPorts")?;
    ensure!(found.0 == 50 && Some(found.1) == no_ports, "UdpNoPorts: {found:?}, nstat {nstat}");
    let qdiscs: Value = serde_json::from_str(&pair.b.sh("tc -j -s qdisc show dev vb")?)?;
    let clsact = qdiscs.as_array().and_then(|list| list.iter().find(|qdisc| qdisc["kind"] == "clsact"));
    let drops = clsact.and_then(|clsact| clsact["drops"].as_u64());
    let found = counter("qdisc", "drops")?;
    ensure!(found.0 == 40 && Some(found.1) == drops, "clsact: {found:?}, tc {qdiscs}");
    let link: Value = serde_json::from_str(&pair.b.sh("ip -j -s -s link show dev vb")?)?;
    let others = link[0]["stats64"]["rx"]["otherhost"].as_u64();
    let found = counter("device", "rx_otherhost_dropped")?;
    ensure!(found.0 == 20 && (others.is_none() || Some(found.1) == others), "vb: {found:?}, ip {link}");
    Ok(())
}

/// Of two kinds in `b`, the one that the filter asks for; told apart by the reason alone.
fn only_what_matches(pair: &Pair) -> Result<()> {
    let mut running = Running::start(&["--netns", "b", "--by", "reason", "udp dst port 9999"])?;
    pair.a.sh(LOSSES[0].traffic)?;
    pair.a.sh(LOSSES[2].traffic)?;
    let said = running.stop()?;
    let rows = said.rows("drop");
    ensure!(rows.len() == 1 && rows[0]["drops"] == 50 && rows[0]["place"].is_null(), "{}", said.stdout);
    let others = said.rows("counter").into_iter().filter(|row| !row["netns"].is_null());
    let inode = pair.b.inode()?;
    ensure!(others.clone().all(|row| row["netns"] == inode), "counters of others: {}", said.stdout);
    ensure!(others.count() >= 2, "{}", said.stdout);
    Ok(())
}

/// Packets that arrive do not run the program.
fn nothing(pair: &Pair) -> Result<()> {
    pair.b.nft("delete table ip t")?;
    sh("echo 1 > /proc/sys/kernel/bpf_stats_enabled")?;
    let _listener = pair.b.listen("-u 10.77.0.2 4444")?;
    let mut running = Running::start(&["--netns", "b"])?;
    let before = runs()?;
    pair.a.sh("for i in {1..200}; do echo -n x > /dev/udp/10.77.0.2/4444; done")?;
    let after = runs()?;
    let said = running.stop()?;
    sh("echo 0 > /proc/sys/kernel/bpf_stats_enabled")?;
    ensure!(said.rows("drop").iter().all(|row| row["ifname"].is_null()), "{}", said.stdout);
    // What the shell does with sockets of its own runs it a few times; packets that arrive must not.
    ensure!(after - before < 50, "{} runs for 200 packets that arrive", after - before);
    Ok(())
}

/// How often the program has run.
fn runs() -> Result<u64> {
    let programs: Value = serde_json::from_str(&sh("bpftool -j prog show")?)?;
    let ours = programs.as_array().and_then(|list| list.iter().find(|program| program["name"] == "dropped"));
    let ours = ours.with_context(|| format!("no program `dropped`: {programs}"))?;
    Ok(ours["run_cnt"].as_u64().unwrap_or(0))
}

/// For a set time, as people read it.
fn by_text(pair: &Pair) -> Result<()> {
    let start = Instant::now();
    let line = "skbtrail drops --once 2 --netns b --stack --ready-file /tmp/drops-ready 2>/tmp/drops-stderr";
    let run = std::thread::spawn(move || sh(line));
    while !std::path::Path::new("/tmp/drops-ready").exists() {
        ensure!(start.elapsed() < READY_WITHIN, "not ready: {}", sh("cat /tmp/drops-stderr")?);
        sleep(Duration::from_millis(20));
    }
    pair.a.sh(LOSSES[0].traffic)?;
    let text = run.join().ok().context("the thread panicked")??;
    for expected in
        ["50 drops in ", "NO_SOCKET", "No socket listens at", "UdpNoPorts", "_rcv+0x", "tcx, netkit, XDP: not counted"]
    {
        ensure!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
    ensure!(!text.contains("bpf_prog_"), "the tracer's own frames are shown:\n{text}");
    Ok(())
}

/// `skbtrail drops --json`, until it is stopped.
struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    fn start(args: &[&str]) -> Result<Self> {
        let folder = PathBuf::from(format!("/tmp/drops-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let ready = folder.join("ready");
        let _ = std::fs::remove_file(&ready);
        let mut command = Command::new("skbtrail");
        command.args(["drops", "--json", "--top", "0", "--ready-file"]).arg(&ready).args(args).stdin(Stdio::null());
        command.stdout(File::create(folder.join("stdout"))?).stderr(File::create(folder.join("stderr"))?);
        let mut running = Self { child: command.spawn().context("failed to start skbtrail")?, folder };
        let start = Instant::now();
        while !ready.exists() {
            if let Some(status) = running.child.try_wait()? {
                bail!("ended before it was ready, {status}: {}", running.read("stderr")?);
            }
            ensure!(start.elapsed() < READY_WITHIN, "not ready: {}", running.read("stderr")?);
            sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    fn read(&self, name: &str) -> Result<String> {
        read_if_there(&self.folder.join(name))
    }

    fn stop(&mut self) -> Result<Said> {
        sleep(SETTLE);
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGINT)?;
        let status = wait_within(&mut self.child, GONE_WITHIN)?.context("it does not end")?;
        let stderr = self.read("stderr")?;
        ensure!(status.success() && stderr.contains(", lost 0"), "{status}: {stderr}");
        let stdout = self.read("stdout")?;
        let rows = stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("not JSON lines")?;
        Ok(Said { rows, stdout })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it said.
struct Said {
    rows: Vec<Value>,
    stdout: String,
}

impl Said {
    fn rows(&self, table: &str) -> Vec<&Value> {
        self.rows.iter().filter(|row| row["table"] == table).collect()
    }
}
