//! Maps of Calico, Merbridge and Balancing, made by bpftool as they make them, with their names, types, sizes and pins: what
//! `skbtrail calico`, `merbridge` and `balancing` say of them; and whether Calico's dataplane is at work.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Body, Kind, Loaded};
use crate::bpftool::{BALANCINGS_MAPS, hex, make, prints, put, said, update};
use crate::guest::Guest;
use crate::maps::Map;
use crate::net::{Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "dataplanes",
    about: "`skbtrail calico`, `merbridge`, `balancing`: maps as bpftool makes them, read back; Calico's status",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const GLOBALS: &str = "/sys/fs/bpf/tc/globals";
const BALANCING: &str = "/sys/fs/bpf/balancing";
const SOCKHASH: u32 = 18;

fn run(_: &Guest) -> Result<()> {
    nothing_there().context("without maps")?;
    sh(&format!("mkdir -p {GLOBALS} {BALANCING}"))?;
    calico().context("calico")?;
    while_written().context("while another process writes")?;
    status().context("calico status")?;
    merbridge().context("merbridge")?;
    balancing().context("balancing")?;
    wrong_sizes().context("a map of another size")?;
    sh(&format!("rm -rf {GLOBALS}/* {BALANCING} /sys/fs/bpf/*_*")).map(drop)
}

fn nothing_there() -> Result<()> {
    for line in ["skbtrail calico routes", "skbtrail merbridge pods", "skbtrail balancing show"] {
        let (code, text, complaint) = said(line)?;
        ensure!(
            code == Some(1) && text.is_empty() && complaint.contains("is pinned below `/sys/fs/bpf`"),
            "{complaint}"
        );
    }
    for line in ["skbtrail calico status", "skbtrail merbridge status", "skbtrail balancing status"] {
        let (code, text, _) = said(&format!("{line} --json"))?;
        ensure!(code == Some(1) && text.contains(r#""verdict":"absent","works":false"#), "{line}: {text}");
    }
    Ok(())
}

/// A leg of a connection: 4096 bytes, 8 packets, SYN and ACK seen.
const LEG: &str = "0010000000000000 08000000 01020304 03000000 07000000";

fn calico() -> Result<()> {
    let pin = |name: &str| format!("{GLOBALS}/{name}");
    make(&pin("cali_v4_ct4"), "type lru_hash key 16 value 88 entries 512000")?;
    let value = format!("{}{}{LEG}{LEG}{}", "00".repeat(16), "00".repeat(8), "00".repeat(16));
    put(&pin("cali_v4_ct4"), "06000000 0a410002 0a410003 12a1 5000", &value)?;
    let (_, text, _) = said("skbtrail calico conntrack")?;
    ensure!(text.starts_with("TCP 10.65.0.2:41234 -> 10.65.0.3:80  Active ago "), "{text}");
    ensure!(text.ends_with(" ESTABLISHED\n"), "{text}");

    make(&pin("cali_v4_nat_fe3"), "type lpm_trie key 16 value 20 entries 65536")?;
    make(&pin("cali_v4_nat_be"), "type hash key 8 value 8 entries 262144")?;
    put(
        &pin("cali_v4_nat_fe3"),
        "38000000 0a600001 bb01 06 00000000 00",
        "01000000 02000000 00000000 00000000 00000000",
    )?;
    put(&pin("cali_v4_nat_be"), "01000000 00000000", "ac120002 2b19 0000")?;
    prints(
        "skbtrail calico nat dump",
        "10.96.0.1 port 443 proto 6 id 1 count 2 local 0\n\t1:0\t 172.18.0.2:6443\n\t1:1\t is missing\n",
    )?;
    make(&pin("cali_v6_routes"), "type lpm_trie key 20 value 20 entries 262144")?;
    put(
        &pin("cali_v6_routes"),
        &format!("40000000 fd00{}", "00".repeat(14)),
        &format!("05000000 fd00{}03", "00".repeat(13)),
    )?;
    prints("skbtrail calico -6 routes", "      fd00::/64: remote workload in-pool nh fd00::3\n")?;
    make(&pin("cali_v4_ip_sets"), "type lpm_trie key 20 value 4 entries 1048576")?;
    put(&pin("cali_v4_ip_sets"), "60000000 1234567890abcdef 0a410009 0000 00 00", "01000000")?;
    put(&pin("cali_v4_ip_sets"), "78000000 1234567890abcdef 0a410009 5000 06 00", "01000000")?;
    prints("skbtrail calico ipsets dump", "IP set 0x1234567890abcdef\n   10.65.0.9/32\n   10.65.0.9:80 (proto 6)\n\n")?;
    make(&pin("cali_v4_arp2"), "type lru_hash key 8 value 12 entries 10000")?;
    put(&pin("cali_v4_arp2"), "ac120003 02000000", "0242ac120002 0242ac120003")?;
    prints("skbtrail calico arp", "dev    2:      172.18.0.3 : 02:42:ac:12:00:02 -> 02:42:ac:12:00:03\n")?;
    counters(&pin("cali_counters6"))
}

/// bpftool writes the same value for every possible CPU.
fn counters(pin: &str) -> Result<()> {
    make(pin, "type percpu_hash key 8 value 216 entries 20000")?;
    put(pin, "01000000 00000000", &format!("0a{}03{}", "00".repeat(31), "00".repeat(183)))?;
    let cpus = sh("cat /sys/devices/system/cpu/possible")?;
    let cpus: u64 = cpus.trim().rsplit(['-', ',']).next().unwrap_or("0").parse::<u64>()? + 1;
    let (_, text, _) = said("skbtrail calico counters --json")?;
    let row: Value = serde_json::from_str(&text)?;
    ensure!(row["interface"] == "lo" && row["hook"] == "ingress", "{row}");
    ensure!(row["total"] == 10 * cpus && row["dropped_by_policy"] == 3 * cpus, "{row}");
    let (_, text, _) = said("skbtrail calico counters --iface lo")?;
    ensure!(text.ends_with("dumped lo counters.\n") && text.contains("| Total "), "{text}");
    let (code, _, complaint) = said("skbtrail calico counters --iface nix")?;
    ensure!(code == Some(2) && complaint.contains("`nix`"), "{complaint}");
    Ok(())
}

/// Thousands of connections, whose halves always say the same number, rewritten and removed while they are read: none is torn,
/// none comes twice, and none is invented.
fn while_written() -> Result<()> {
    const COUNT: u32 = 4000;
    let pin = format!("{GLOBALS}/cali_v4_ct4");
    let key = |number: u32| format!("06000000 0a{number:06x} 0a410003 12a1 5000");
    let value = |number: u32| {
        let leg = format!("{}{}", hex(&u64::from(number).to_ne_bytes()), "00".repeat(16));
        format!("{}{leg}{leg}{}", "00".repeat(24), "00".repeat(16))
    };
    let line =
        |number: u32, round: u32| update(&pin, &key(number), &value(number * 16 + round)).replacen("bpftool ", "", 1);
    let batch = |round: u32| (0..COUNT).map(|number| line(number, round)).collect::<Vec<_>>().join("\n");
    for round in 0..2 {
        std::fs::write(format!("/tmp/batch{round}"), batch(round))?;
    }
    sh("bpftool batch file /tmp/batch0 > /dev/null")?;
    let writer = Ended(
        Command::new("bash")
            .args([
                "-c",
                "while :; do bpftool batch file /tmp/batch1; bpftool batch file /tmp/batch0; done > /dev/null",
            ])
            .stdin(Stdio::null())
            .spawn()?,
    );
    for _ in 0..5 {
        let (code, text, complaint) = said("skbtrail calico conntrack --raw --json")?;
        ensure!(code == Some(0), "{complaint}");
        let mut seen = std::collections::HashSet::new();
        for row in text.lines().filter(|row| row.contains(r#""a":"10."#) && !row.contains("10.65.0.2")) {
            let row: Value = serde_json::from_str(row)?;
            let (there, back) = (&row["a_to_b_bytes"], &row["b_to_a_bytes"]);
            ensure!(there == back, "torn: {row}");
            ensure!(
                there.as_u64().is_some_and(|bytes| bytes % 16 < 2 && bytes / 16 < u64::from(COUNT)),
                "invented: {row}"
            );
            ensure!(seen.insert(row["a"].to_string()), "twice: {row}");
        }
        ensure!(seen.len() == COUNT as usize, "{} of {COUNT}", seen.len());
    }
    drop(writer);
    sh("rm /tmp/batch*").map(drop)
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Maps alone are no dataplane; programs at the interfaces are, unless one that should have it has none; kube-proxy disturbs.
fn status() -> Result<()> {
    let pair = Pair::new()?;
    make(&format!("{GLOBALS}/cali_iface4"), "type hash key 4 value 52 entries 1000")?;
    let ready = |name: &str| format!("02000000 {}{}", hex(name.as_bytes()), "00".repeat(48 - name.len()));
    put(&format!("{GLOBALS}/cali_iface4"), "07000000", &ready("va"))?;
    verdict(&pair, "inactive")?;
    let program = Loaded::new(Kind::Tc, "cali_tc_preamble", Body::Return(-1))?;
    verdict(&pair, "inactive")?;
    pair.a.sh("tc qdisc add dev va clsact")?;
    pair.a.sh(&format!("tc filter add dev va ingress bpf da object-pinned {}", program.pin))?;
    let findings = verdict(&pair, "active")?;
    ensure!(findings.contains("run at 1 interfaces: va"), "{findings}");
    ensure!(findings.contains("neither runs nor has rules"), "{findings}");

    pair.a.sh("nft add table ip nat")?;
    pair.a.sh("nft add chain ip nat KUBE-KUBELET-CANARY")?;
    ensure!(verdict(&pair, "active")?.contains("neither runs nor has rules"), "a chain of the kubelet's");
    pair.a.sh("nft add chain ip nat KUBE-SERVICES")?;
    ensure!(verdict(&pair, "active")?.contains("left rules behind (1 chains"), "chains are not seen");
    let proxy =
        Command::new("bash").args(["-c", "echo kube-proxy > /proc/self/comm; read"]).stdin(Stdio::piped()).spawn()?;
    let proxy = Ended(proxy);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let findings = verdict(&pair, "active")?;
    ensure!(findings.contains("bpfKubeProxyIptablesCleanupEnabled: false"), "{findings}");
    drop(proxy);

    put(&format!("{GLOBALS}/cali_iface4"), "08000000", &ready("lo"))?;
    ensure!(verdict(&pair, "partly")?.contains("have no program: lo"), "an interface without a program");
    Ok(())
}

/// What `status` says in the first namespace of the pair, whose verdict is checked.
fn verdict(pair: &Pair, expected: &str) -> Result<String> {
    // Not `ip netns exec`, which hides what is mounted below /sys.
    let line = format!("nsenter --net={} skbtrail calico status --json --sample 0", pair.a.path());
    let (code, text, complaint) = said(&line)?;
    ensure!(text.contains(&format!(r#""verdict":"{expected}""#)), "not {expected}: {text} {complaint}");
    ensure!(code == Some(i32::from(expected != "active")), "{code:?}: {text}");
    Ok(text)
}

/// As the Makefile of 0.7.1 makes them.
fn merbridge() -> Result<()> {
    make("/sys/fs/bpf/cookie_original_dst", "type lru_hash key 8 value 12 entries 65535")?;
    make(&format!("{GLOBALS}/local_pod_ips"), "type hash key 4 value 244 entries 1024")?;
    make("/sys/fs/bpf/process_ip", "type lru_hash key 4 value 4 entries 1024")?;
    make(&format!("{GLOBALS}/pair_original_dst"), "type lru_hash key 12 value 12 entries 65535")?;
    put("/sys/fs/bpf/cookie_original_dst", "3412000000000000", "ffffff7f 0a60cb41 1388 0100")?;
    put(&format!("{GLOBALS}/local_pod_ips"), "0af40104", &"00".repeat(244))?;
    put(&format!("{GLOBALS}/pair_original_dst"), "7f000001 7f800001 a112 3a99", "ffffff7f 0a60cb41 1388 0100")?;
    prints("skbtrail merbridge pods", "POD         RULES\n10.244.1.4  in: all; out: all\n")?;
    prints(
        "skbtrail merbridge cookies",
        "SOCKET COOKIE  WANTED             PROCESS     FLAGS\n0x1234         10.96.203.65:5000  2147483647  known\n",
    )?;
    let _open = sockets()?;
    prints(
        "skbtrail merbridge redirects 127.128.0.1",
        "127.128.0.1:15001 is the own sidecar of process 2147483647 (ended), standing for 10.96.203.65:5000\n    from \
         127.0.0.1:41234, data goes from socket to socket\n",
    )?;
    let (code, text, _) = said("skbtrail merbridge status --json")?;
    ensure!(code == Some(1) && text.contains(r#""verdict":"inactive""#) && text.contains("up to 0.7.1"), "{text}");
    Ok(())
}

/// Of a sockhash only keys can be listed: the kernel answers a lookup with ENOSPC.
/// The answer keeps it: a socket that is closed leaves the map.
fn sockets() -> Result<(TcpListener, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let map = Map::new("sock_pair_map", SOCKHASH, 12, 4, 65535)?;
    map.pin("/sys/fs/bpf/sock_pair_map")?;
    let key = [127, 0, 0, 1, 127, 128, 0, 1, 0xa1, 0x12, 0x3a, 0x99];
    map.set(&key, &client.as_raw_fd().to_ne_bytes())?;
    prints("skbtrail merbridge sockets", "SOURCE           DESTINATION\n127.0.0.1:41234  127.128.0.1:15001\n")?;
    Ok((listener, client))
}

fn balancing() -> Result<()> {
    let pin = |name: &str| format!("{BALANCING}/{name}");
    for (name, what) in BALANCINGS_MAPS {
        make(&pin(name), what)?;
    }
    put(&pin("map_service"), "0a60000a 3500 11 00 00 000000", "234e0000 02000000 01000000 00000000 00 00 00 01")?;
    put(&pin("map_backend"), "234e0000 00000000 3500 11 00 00 000000", "ac140105 bc458f23 3500 0000")?;
    put(&pin("map_nat_record"), "3412000000000000 ac140105 3500 11 00", "0a60000a 3500 0000")?;
    put(&pin("map_node_proxy_ip"), "bc458f23", "c0a8000a")?;
    prints(
        "skbtrail balancing trace service 20003",
        "service 10.96.0.10:53/udp: id 20003, ServiceClusterIP, 2 backends (1 local), clients keep no backend\n  backend 0 -> \
         172.20.1.5:53 local, node 596592060 (proxy 192.168.0.10)\n  1 of 2 backends are missing: connections that they fall \
         to fail\n  socket 4660 went to 172.20.1.5:53\n",
    )?;
    let (code, text, _) = said("skbtrail balancing show all")?;
    let shown = [
        "[0]: key={ DestIp:10.96.0.10, DestPort:53, protocol:udp, NatType:service, Scope:0 }, \n     value={ SvcId:20003, ",
        "[0]: key=596592060\n      value={ NodeIp:192.168.0.10}\n",
        "debugLevel: verbose\nIpv4Enabled: disabled\n",
    ];
    ensure!(code == Some(0) && shown.iter().all(|part| text.contains(part)), "{text}");
    let (code, text, _) = said("skbtrail balancing trace policy all")?;
    ensure!(code == Some(1) && text.contains("nothing of that kind"), "{text}");
    Ok(())
}

fn wrong_sizes() -> Result<()> {
    sh(&format!("rm {GLOBALS}/cali_v4_arp2"))?;
    make(&format!("{GLOBALS}/cali_v4_arp2"), "type lru_hash key 8 value 16 entries 10000")?;
    let (code, text, complaint) = said("skbtrail calico arp")?;
    let told = complaint.contains("no known release has a map `cali_v4_arp2`") && complaint.contains("maps dump --hex");
    ensure!(code == Some(1) && text.is_empty() && told, "{complaint}");
    Ok(())
}
