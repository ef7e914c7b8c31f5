//! The filter is replaced a thousand times under load: every event fits exactly the filter that it names, none is lost unseen,
//! and no program is loaded anew.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Case;
use crate::bpf::within;
use crate::guest::{Guest, say};
use crate::journeys::journeys;
use crate::net::{Background, Pair, sh};
use crate::tracer::{Running, Tracer};

pub(crate) const CASE: Case = Case {
    name: "hot_swap",
    about: "--filter-stdin: a thousand filters under load, every event fits the one it names",
    min_kernel: (5, 17),
    seconds: 400,
    run,
};

const SWAPS: u64 = 1000;
const PORTS: [u64; 2] = [5201, 5202];
/// Seldom enough that all of it fits the ring; each packet passes all of them.
const FEW: &str = "ip_output|veth_xmit|ip_rcv|udp_rcv";
/// What a datagram passes on its way, and while it is looked at and read.
const WHILE_READ: &str = "ip_output|veth_xmit|udp_rcv|skb_copy_datagram_iter|skb_copy_and_csum_datagram_msg|skb_consume_udp|\
                          skb_release_data|kfree_skbmem";
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    under_load(&pair)?;
    undecidable(&pair).context("a filter that cannot tell")
}

fn under_load(pair: &Pair) -> Result<()> {
    let _flood = flood(pair)?;
    let mut running =
        Tracer::new(&["--no-track", "--filter-func", FEW, "--filter-stdin", &filter(1)]).commanded().start()?;
    let before = programs()?;
    let mut took = swap_all(&mut running)?;
    let after = programs()?;
    ensure!(before == after, "programs {before:?} before, {after:?} after");
    let seen = running.stop()?;
    let counts = seen.check()?;
    let mut named = BTreeSet::new();
    for hop in &seen.hops {
        let number = hop.number("/filter").with_context(|| format!("names no filter: {}", hop.0))?;
        named.insert(number);
        let ports = [hop.number("/tuple/sport"), hop.number("/tuple/dport")];
        ensure!(ports.contains(&Some(port(number))), "not of `{}`: {}", filter(number), hop.0);
    }
    took.sort_unstable();
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    say(&format!(
        "{SWAPS} swaps, median {median:.1?}, longest {longest:.1?}; {} filters matched; {counts:?}",
        named.len()
    ));
    ensure!(named.iter().all(|number| (1..=SWAPS + 1).contains(number)), "filters that never were: {named:?}");
    // A tenth of them had a packet while they were in force, on the slowest machine.
    ensure!(named.len() as u64 > SWAPS / 10, "only {} filters matched anything", named.len());
    Ok(())
}

/// While a datagram waits to be read, a filter comes that cannot judge it there, and goes: it stays the packet that it was.
fn undecidable(pair: &Pair) -> Result<()> {
    let receiver = within(Some(&pair.b.name), || UdpSocket::bind("10.77.0.2:5203"))?;
    let sender = within(Some(&pair.a.name), || UdpSocket::bind("10.77.0.1:40003"))?;
    let mut running =
        Tracer::new(&["--filter-func", WHILE_READ, "--filter-stdin", "udp port 5203"]).commanded().start()?;
    let mut input = running.child.stdin.take().context("standard input is piped")?;
    let mut answers = Answers { file: File::open(running.stderr_path())?, text: String::new() };
    let mut put = |number: u64, filter: &str| -> Result<()> {
        writeln!(input, "{filter}")?;
        answers.wait_for(&format!("filter {number} in force"))
    };
    sender.send_to(b"datagram", "10.77.0.2:5203")?;
    let mut room = [0; 16];
    ensure!(receiver.peek(&mut room)? == 8, "the datagram is cut short");
    // What waits in a socket is at no device.
    put(2, "udp port 5203 and skb->dev->ifindex > 0")?;
    receiver.peek(&mut room)?;
    put(3, "udp port 5203")?;
    receiver.recv(&mut room)?;
    let seen = running.stop()?;
    seen.check()?;
    let journeys = journeys(&seen)?;
    ensure!(journeys.len() == 1, "{} journeys of one datagram", journeys.len());
    let named: Vec<_> = journeys[0].hops.iter().filter_map(|hop| hop.number("/filter")).collect();
    ensure!(named.first() == Some(&1) && named.last() == Some(&3), "{}", journeys[0].story());
    Ok(())
}

/// Two flows of datagrams, of which each filter wants one.
fn flood(pair: &Pair) -> Result<Vec<Background>> {
    let mut processes = Vec::new();
    for port in PORTS {
        processes.push(Background::start(&pair.b.inside(&format!("exec iperf3 -s -p {port}")))?);
        pair.b.until(&format!("ss -Hlnt sport = :{port} | grep -q {port}"))?;
        let client = format!("exec iperf3 -c 10.77.0.2 -p {port} -u -b 500K -l 100 -t 1000");
        processes.push(Background::start(&pair.a.inside(&client))?);
    }
    Ok(processes)
}

/// The first one is on the command line.
fn port(number: u64) -> u64 {
    PORTS[(number % 2) as usize]
}

fn filter(number: u64) -> String {
    format!("udp port {}", port(number))
}

/// Hands it one filter after the other, each as soon as the one before is in force; how long each took.
fn swap_all(running: &mut Running) -> Result<Vec<Duration>> {
    let mut input = running.child.stdin.take().context("standard input is piped")?;
    let mut answers = Answers { file: File::open(running.stderr_path())?, text: String::new() };
    (2..=SWAPS + 1)
        .map(|number| {
            let start = Instant::now();
            writeln!(input, "{}", filter(number))?;
            answers.wait_for(&format!("filter {number} in force: {}", filter(number)))?;
            Ok(start.elapsed())
        })
        .collect()
}

/// What it says on stderr, while it says it.
struct Answers {
    file: File,
    text: String,
}

impl Answers {
    fn wait_for(&mut self, answer: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            self.file.read_to_string(&mut self.text)?;
            if let Some(at) = self.text.find(answer) {
                self.text.drain(..at + answer.len());
                return Ok(());
            }
            if start.elapsed() > ANSWER_WITHIN {
                bail!("no `{answer}`, but: {}", self.text);
            }
            sleep(Duration::from_micros(200));
        }
    }
}

/// All programs of the kernel by number.
fn programs() -> Result<Vec<u64>> {
    let list: serde_json::Value = serde_json::from_str(&sh("bpftool -j prog list")?)?;
    let programs = list.as_array().context("no list")?;
    Ok(programs.iter().filter_map(|program| program["id"].as_u64()).collect())
}
