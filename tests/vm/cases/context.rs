//! `--output-context`: beside a packet stands who has its addresses, where its service leads, and which programs sit at its
//! device; what is attached later is noticed. Cilium's own counts of drops stand beside the kernel's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Body, Kind, Loaded, TCX_INGRESS, ifindex};
use crate::bpftool::{make, put};
use crate::fixture::{CILIUM, Fixture};
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::maps::{Map, lay_out, possible_cpus};
use crate::net::{Pair, sh};
use crate::tracer::{Hop, Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "context",
    about: "trace --output-context: owners, Cilium's identities and services, programs at devices; Cilium's drops",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

/// Cilium's own folder; the machine that a case runs in is nobody else's.
const FOLDER: &str = "/sys/fs/bpf/tc/globals";
/// Of the fixtures: an address with an identity, an endpoint, a service that leads to it.
const CLIENT: &str = "10.244.2.173";
const ENDPOINT: &str = "10.244.2.20";
const SERVICE: &str = "10.96.0.10";
/// Services of the other dataplanes.
const CALICOS: &str = "10.96.0.11";
const BALANCINGS: &str = "10.96.0.12";
/// An address that Merbridge makes up.
const SIDECAR: &str = "127.128.0.1";
const FEW: &str = "ip_rcv|ip_output|udp_rcv|kfree_skb";
const NOTICED_WITHIN: Duration = Duration::from_secs(40);

fn run(guest: &Guest) -> Result<()> {
    sh("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf")?;
    let pair = prepared()?;
    let before = Holdings::at_rest()?;
    let first = Loaded::new(Kind::Tc, "ctx_first", Body::Return(0))?;
    pair.b.sh(&format!(
        "tc qdisc add dev vb clsact && tc filter add dev vb ingress bpf da object-pinned {}",
        first.pin
    ))?;
    // TCX_NEXT
    let tcx = guest.at_least((6, 6)).then(|| Loaded::new(Kind::Tc, "ctx_tcx", Body::Return(-1))).transpose()?;
    let link = tcx.as_ref().map(|tcx| tcx.at_device("b", ifindex(&pair.b, "vb")?, TCX_INGRESS)).transpose()?;
    let folder = Folder::new()?;
    let mut maps = Vec::new();
    for (_, text) in CILIUM.iter().filter(|(name, _)| ["ipcache", "endpoint", "lb"].contains(name)) {
        maps.extend(lay_out(&Fixture::read(text), FOLDER)?);
    }
    hit_by_hit(&pair, tcx.is_some()).context("hit by hit")?;
    grouped(&pair).context("grouped")?;
    later(&pair).context("attached later")?;
    other_dataplanes(&pair).context("Calico, Balancing and Merbridge")?;
    drop((maps, link, tcx, first));
    pair.b.sh("tc qdisc del dev vb clsact")?;
    drop(folder);
    cilium_drops().context("Cilium's drops")?;
    before.restored()
}

fn prepared() -> Result<Pair> {
    let pair = Pair::new()?;
    pair.a.sh(&format!(
        "ip addr add {CLIENT}/32 dev va && ip route add {ENDPOINT} dev va src {CLIENT} &&
         for service in {SERVICE} {CALICOS} {BALANCINGS}; do ip route add $service via 10.77.0.2 src {CLIENT}; done"
    ))?;
    pair.b.sh(&format!("ip addr add {ENDPOINT}/32 dev vb && ip route add {CLIENT} dev vb src {ENDPOINT}"))?;
    pair.a.ping(ENDPOINT, 1)?;
    Ok(pair)
}

fn traffic(pair: &Pair) -> Result<()> {
    pair.a.ping(ENDPOINT, 1)?;
    pair.a.sh(&format!("echo -n x > /dev/udp/{SERVICE}/53")).map(drop)
}

fn hit_by_hit(pair: &Pair, has_tcx: bool) -> Result<()> {
    let mut running = Tracer::new(&["--output-context", "--filter-func", FEW, &format!("host {CLIENT}")]).start()?;
    traffic(pair)?;
    let seen = running.stop()?;
    seen.check()?;
    let to = |address: &str| {
        let found = seen.hops.iter().find(|hop| hop.func() == "ip_rcv" && hop.text("/tuple/daddr") == address);
        found.with_context(|| format!("nothing to {address}: {:?}", seen.functions()))
    };
    let echo = to(ENDPOINT)?;
    let known = &echo.0["context"];
    ensure!(known["source"]["owner"] == "netns a" && known["source"]["identity"] == 26328, "{known}");
    ensure!(known["destination"]["owner"] == "netns b" && known["destination"]["endpoint"] == 258, "{known}");
    ensure!(known["service"].is_null(), "{known}");
    let programs = programs(echo);
    let expected: &[&str] =
        if has_tcx { &["tcx/ingress ctx_tcx", "clsact/ingress ctx_first"] } else { &["clsact/ingress ctx_first"] };
    ensure!(programs == expected, "{programs:?}");
    let service = &to(SERVICE)?.0["context"]["service"];
    ensure!(service["backends"] == serde_json::json!(["10.244.2.20:53"]), "{service}");
    ensure!(service["kind"].as_str().is_some_and(|kind| !kind.is_empty()), "{service}");
    ensure!(
        seen.hops.iter().filter(|hop| hop.ifname() == "va").all(|hop| self::programs(hop).is_empty()),
        "programs at va"
    );
    Ok(())
}

/// Hook and name of each program at the device of a hop.
fn programs(hop: &Hop) -> Vec<String> {
    let list = hop.0["context"]["programs"].as_array().cloned().unwrap_or_default();
    // tc names a filter `program:[section]`.
    let word = |program: &Value, key: &str| {
        program[key].as_str().unwrap_or_default().split(':').next().unwrap_or_default().to_owned()
    };
    list.iter().map(|program| format!("{} {}", word(program, "hook"), word(program, "prog_name"))).collect()
}

fn grouped(pair: &Pair) -> Result<()> {
    let flags = ["--group", "--output-context", "--filter-func", FEW, &format!("udp and host {CLIENT}")];
    let mut running = Tracer::text(&flags).start()?;
    traffic(pair)?;
    // A packet is printed when it has reached its end, or has been silent.
    let start = Instant::now();
    while !running.stdout()?.contains("dropped") && start.elapsed() < NOTICED_WITHIN {
        std::thread::sleep(Duration::from_millis(50));
    }
    running.stop()?;
    let text = running.stdout()?;
    for expected in [
        "10.244.2.173 is netns a, identity 26328",
        "10.96.0.10:53 is service ",
        " -> 10.244.2.20:53",
        "clsact/ingress ctx_first",
    ] {
        ensure!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
    Ok(())
}

/// A program that is attached while it runs appears beside later packets.
fn later(pair: &Pair) -> Result<()> {
    let later = Loaded::new(Kind::Tc, "ctx_later", Body::Return(0))?;
    let mut running = Tracer::new(&["--output-context", "--filter-func", FEW, "icmp"]).start()?;
    pair.b.sh(&format!("tc filter add dev vb ingress bpf da object-pinned {}", later.pin))?;
    let start = Instant::now();
    while !running.stdout()?.contains("ctx_later") {
        ensure!(start.elapsed() < NOTICED_WITHIN, "never noticed: {}", running.stdout()?);
        pair.a.ping(ENDPOINT, 1)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let seen: Trace = running.stop()?;
    seen.check()?;
    ensure!(!seen.stderr.contains("could be shown"), "{}", seen.stderr);
    Ok(())
}

/// Services of the other dataplanes, and what Calico's routes say; a map that is made anew is noticed by its id.
fn other_dataplanes(pair: &Pair) -> Result<()> {
    let (backends, balancing) = (format!("{FOLDER}/cali_v4_nat_be"), "/sys/fs/bpf/balancing");
    calicos_maps(&backends)?;
    balancings_maps(balancing)?;
    merbridges_map()?;
    let mut running = Tracer::new(&["--output-context", "--filter-func", FEW, "udp"]).start()?;
    let send = |service: &str| pair.a.sh(&format!("echo -n x > /dev/udp/{service}/53")).map(drop);
    send(CALICOS)?;
    send(BALANCINGS)?;
    send(SIDECAR)?;
    // The agent is started again, and the backend is another one.
    sh(&format!("rm {backends}"))?;
    make(&backends, "type hash key 8 value 8 entries 64")?;
    put(&backends, "01000000 00000000", "ac120003 3500 0000")?;
    let start = Instant::now();
    while !running.stdout()?.contains("172.18.0.3:53") {
        ensure!(start.elapsed() < NOTICED_WITHIN, "never noticed: {}", running.stdout()?);
        send(CALICOS)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let seen = running.stop()?;
    seen.check()?;
    let context = |address: &str| -> Result<&Value> {
        let found = seen.hops.iter().find(|hop| hop.text("/tuple/daddr") == address);
        Ok(&found.with_context(|| format!("nothing to {address}"))?.0["context"])
    };
    let service = |address: &str, dataplane: &str, kind: &str, backend: &str| -> Result<()> {
        let service = &context(address)?["service"];
        ensure!(service["dataplane"] == dataplane && service["kind"] == kind, "{service}");
        ensure!(service["backends"] == serde_json::json!([backend]), "{service}");
        Ok(())
    };
    service(CALICOS, "calico", "", "172.18.0.2:53")?;
    service(BALANCINGS, "balancing", "ServiceClusterIP", "172.20.1.5:53")?;
    let source = &context(CALICOS)?["source"];
    ensure!(source["calico_route"] == "local workload idx 7", "{source}");
    let sidecar = &context(SIDECAR)?["destination"];
    ensure!(sidecar["merbridge_stands_for"] == serde_json::json!(["10.96.203.65:5000"]), "{sidecar}");
    sh(&format!("rm -r {FOLDER}/cali_* {FOLDER}/pair_original_dst {balancing}")).map(drop)
}

/// A connection to 10.96.203.65:5000 that was led to the sidecar.
fn merbridges_map() -> Result<()> {
    let pairs = format!("{FOLDER}/pair_original_dst");
    make(&pairs, "type lru_hash key 12 value 12 entries 64")?;
    put(&pairs, "7f000001 7f800001 a112 3a99", "00000000 0a60cb41 1388 0100")
}

fn calicos_maps(backends: &str) -> Result<()> {
    let (services, routes) = (format!("{FOLDER}/cali_v4_nat_fe3"), format!("{FOLDER}/cali_v4_routes"));
    make(&services, "type lpm_trie key 16 value 20 entries 64")?;
    make(backends, "type hash key 8 value 8 entries 64")?;
    make(&routes, "type lpm_trie key 8 value 8 entries 64")?;
    let service = "01000000 01000000 00000000 00000000 00000000";
    put(&services, "38000000 0a60000b 3500 11 00000000 00", service)?;
    put(backends, "01000000 00000000", "ac120002 3500 0000")?;
    put(&routes, "20000000 0af402ad", "0c000000 07000000")
}

fn balancings_maps(folder: &str) -> Result<()> {
    let (services, backends) = (format!("{folder}/map_service"), format!("{folder}/map_backend"));
    sh(&format!("mkdir -p {folder}"))?;
    make(&services, "type hash key 12 value 20 entries 64")?;
    make(&backends, "type hash key 16 value 12 entries 64")?;
    let service = "234e0000 01000000 01000000 00000000 00 00 00 01";
    put(&services, "0a60000c 3500 11 00 00 000000", service)?;
    put(&backends, "234e0000 00000000 3500 11 00 00 000000", "ac140105 bc458f23 3500 0000")
}

/// Cilium's counts of drops, which need no drop of the kernel's.
fn cilium_drops() -> Result<()> {
    let _folder = Folder::new()?;
    let map = Map::new("cilium_metrics", 5, 8, 16, 64)?;
    map.pin(&format!("{FOLDER}/cilium_metrics"))?;
    let count = |packets: u64| {
        let mut value = vec![0; 16 * possible_cpus()?];
        value[..8].copy_from_slice(&packets.to_ne_bytes());
        // 133 is "Policy denied", 1 is ingress.
        map.set(&[133, 1, 0, 0, 0, 0, 0, 0], &value)
    };
    count(5)?;
    let ready = "/tmp/cilium-drops-ready";
    let line = format!("skbtrail drops --once 3 --json --ready-file {ready}");
    let run = std::thread::spawn(move || sh(&line));
    let start = Instant::now();
    while !std::path::Path::new(ready).exists() {
        ensure!(start.elapsed() < NOTICED_WITHIN, "not ready");
        std::thread::sleep(Duration::from_millis(20));
    }
    count(14)?;
    let text = run.join().ok().context("the thread panicked")??;
    let rows: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let row = rows.iter().find(|row| row["keeper"] == "cilium").with_context(|| format!("none: {text}"))?;
    ensure!(row["counter"] == "Policy denied" && row["by"] == 9 && row["now"] == 14, "{row}");
    ensure!(row["at"].as_str().is_some_and(|at| at.starts_with("ingress")), "{row}");
    Ok(())
}

/// The folder with the pins, gone behind.
struct Folder;

impl Folder {
    fn new() -> Result<Self> {
        std::fs::create_dir_all(FOLDER)?;
        Ok(Self)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all("/sys/fs/bpf/tc");
    }
}
