//! Merbridge and Balancing attached as they should be, and in all ways that are wrong: what their `status` says. Programs are
//! our own, with the names, kinds and maps of theirs.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Kind, Loaded};
use crate::bpftool::{BALANCINGS_MAPS, make, said};
use crate::guest::Guest;
use crate::maps::Map;
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "attachments",
    about: "`skbtrail merbridge status`, `balancing status`: right and wrong attachments of real programs",
    min_kernel: (5, 19),
    seconds: 200,
    run,
};

const TOP: &str = "/sys/fs/cgroup";
const BELOW: &str = "/sys/fs/cgroup/attachments";
const GLOBALS: &str = "/sys/fs/bpf/tc/globals";
const BALANCING: &str = "/sys/fs/bpf/balancing";
const SOCKHASH: u32 = 18;
/// Of `enum bpf_attach_type`.
const BIND4: u32 = 8;
const CONNECT4: u32 = 10;
const SENDMSG4: u32 = 14;
const RECVMSG4: u32 = 19;
const GETPEERNAME4: u32 = 29;

fn run(_: &Guest) -> Result<()> {
    sh("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf")?;
    sh(&format!("mkdir -p {GLOBALS} {BALANCING} {BELOW}"))?;
    merbridge().context("merbridge")?;
    balancing().context("balancing")?;
    sh(&format!("rm -rf /sys/fs/bpf/tc {BALANCING} /sys/fs/bpf/*_* && rmdir {BELOW}")).map(drop)
}

/// A program where bpftool has put it, without a link; taken away on drop.
struct Put {
    away: String,
}

impl Put {
    fn at_group(group: &str, hook: &str, program: &Loaded) -> Result<Self> {
        let what = format!("{group} {hook} pinned {}", program.pin);
        sh(&format!("bpftool cgroup attach {what} multi"))?;
        Ok(Self { away: format!("bpftool cgroup detach {what}") })
    }

    /// For the sockets of a map.
    fn at_map(map: &str, program: &Loaded) -> Result<Self> {
        let what = format!("pinned {} sk_msg_verdict pinned {map}", program.pin);
        sh(&format!("bpftool prog attach {what}"))?;
        Ok(Self { away: format!("bpftool prog detach {what}") })
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        let _ = sh(&self.away);
    }
}

/// What `status` says: the verdict, which its exit code must agree with, and its findings by subject.
struct Told {
    text: String,
}

impl Told {
    fn of(dataplane: &str, verdict: &str) -> Result<Self> {
        let (code, text, complaint) = said(&format!("skbtrail {dataplane} status --json"))?;
        ensure!(text.contains(&format!(r#""verdict":"{verdict}""#)), "not {verdict}: {text} {complaint}");
        ensure!(code == Some(i32::from(verdict != "active")), "{code:?}: {text}");
        // The same in words.
        let (_, words, _) = said(&format!("skbtrail {dataplane} status"))?;
        ensure!(!words.is_empty() && words.lines().all(|line| line.chars().count() <= 80), "{words}");
        Ok(Self { text })
    }

    /// The one finding that is bad, or anything else than good.
    fn fault(&self, subject: &str, part: &str) -> Result<()> {
        let rows: Vec<Value> = self.text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let bad: Vec<&Value> = rows.iter().filter(|row| row["state"] == "bad").collect();
        let seen = |row: &Value| row["seen"].as_str().unwrap_or_default().to_owned();
        ensure!(
            bad.len() == 1 && bad[0]["subject"] == subject && seen(bad[0]).contains(part),
            "not `{subject}`: `{part}`\n{}",
            self.text
        );
        ensure!(bad[0]["remedy"].is_string(), "without a remedy: {}", bad[0]);
        Ok(())
    }
}

/// As 0.7.1 attaches itself.
fn merbridge() -> Result<()> {
    let cookies = "/sys/fs/bpf/cookie_original_dst";
    make(cookies, "type lru_hash key 8 value 12 entries 65535")?;
    make(&format!("{GLOBALS}/local_pod_ips"), "type hash key 4 value 244 entries 1024")?;
    make("/sys/fs/bpf/process_ip", "type lru_hash key 4 value 4 entries 1024")?;
    make(&format!("{GLOBALS}/pair_original_dst"), "type lru_hash key 12 value 12 entries 65535")?;
    let sockets = "/sys/fs/bpf/sock_pair_map";
    Map::new("sock_pair_map", SOCKHASH, 12, 4, 65535)?.pin(sockets)?;
    Told::of("merbridge", "inactive")?;

    let program = |kind, name, maps: &[&str]| Loaded::using(kind, name, maps, 1);
    let connect = program(Kind::SockAddr(CONNECT4), "mb_sock_connect4", &[cookies])?;
    let groups = [
        ("cgroup_sock_ops", program(Kind::SockOps, "mb_sockops", &[sockets])?),
        ("cgroup_getsockopt", program(Kind::GetSockOpt, "mb_get_sockopt", &[])?),
        ("cgroup_inet4_bind", program(Kind::SockAddr(BIND4), "mb_bind", &[])?),
        ("cgroup_udp4_sendmsg", program(Kind::SockAddr(SENDMSG4), "mb_sendmsg4", &[cookies])?),
        ("cgroup_udp4_recvmsg", program(Kind::SockAddr(RECVMSG4), "mb_recvmsg4", &[cookies])?),
    ];
    let message = program(Kind::SkMsg, "mb_msg_redir", &[sockets])?;
    let mut held =
        groups.iter().map(|(hook, program)| Put::at_group(TOP, hook, program)).collect::<Result<Vec<_>>>()?;
    let spliced = Put::at_map(sockets, &message)?;
    Told::of("merbridge", "partly")?.fault("cgroup_inet4_connect", "not attached: it leads connections")?;
    let first = Put::at_group(TOP, "cgroup_inet4_connect", &connect)?;
    Told::of("merbridge", "active")?;

    let again = program(Kind::SockAddr(CONNECT4), "mb_sock_again", &[cookies])?;
    let twice = Put::at_group(TOP, "cgroup_inet4_connect", &again)?;
    Told::of("merbridge", "partly")?.fault("cgroup_inet4_connect", "are both at /sys/fs/cgroup")?;
    drop((twice, first));
    let below = Put::at_group(BELOW, "cgroup_inet4_connect", &connect)?;
    Told::of("merbridge", "partly")?.fault("cgroup_inet4_connect", "/sys/fs/cgroup/attachments alone")?;
    drop(below);
    let _first = Put::at_group(TOP, "cgroup_inet4_connect", &connect)?;
    drop(held.pop());
    Told::of("merbridge", "partly")?.fault("cgroup_udp4_recvmsg", "not attached")?;
    held.push(Put::at_group(TOP, groups[4].0, &groups[4].1)?);
    drop(spliced);
    let other = "/sys/fs/bpf/another_map";
    Map::new("another_map", SOCKHASH, 12, 4, 16)?.pin(other)?;
    let elsewhere = Put::at_map(other, &message)?;
    Told::of("merbridge", "partly")?.fault("sk_msg_verdict", "`another_map`")?;
    drop(elsewhere);
    let _spliced = Put::at_map(sockets, &message)?;
    Told::of("merbridge", "active")?;
    renewed(cookies, "type lru_hash key 8 value 12 entries 65535")?;
    let told = Told::of("merbridge", "partly")?;
    ensure!(told.text.contains("uses a map `cookie_original` ("), "{}", told.text);
    ensure!(told.text.contains("that is not the one in use"), "{}", told.text);
    Ok(())
}

/// What a restart of the agent does if it leaves programs of before where they are.
fn renewed(pin: &str, what: &str) -> Result<()> {
    sh(&format!("rm {pin}"))?;
    make(pin, what)
}

fn balancing() -> Result<()> {
    let pin = |name: &str| format!("{BALANCING}/{name}");
    let configure = BALANCINGS_MAPS.len() - 1;
    for (name, what) in &BALANCINGS_MAPS[..configure] {
        make(&pin(name), what)?;
    }
    let services = pin("map_service");
    let told = Told::of("balancing", "inactive")?;
    ensure!(told.text.contains("not there: map_configure"), "{}", told.text);
    make(&pin("map_configure"), BALANCINGS_MAPS[configure].1)?;
    let hooks = [
        (CONNECT4, "sock4_connect"),
        (SENDMSG4, "sock4_sendmsg"),
        (RECVMSG4, "sock4_recvmsg"),
        (GETPEERNAME4, "sock4_getpeernam"),
    ];
    let program = |hook, name| Loaded::using(Kind::SockAddr(hook), name, &[&services], 1);
    let programs = hooks.map(|(hook, name)| program(hook, name));
    let programs = programs.into_iter().collect::<Result<Vec<_>>>()?;
    let mut links = Vec::new();
    for program in &programs[..3] {
        links.push(program.at_cgroup(TOP)?);
    }
    Told::of("balancing", "partly")?.fault("cgroup_inet4_getpeername", "not attached: it tells applications")?;
    links.push(programs[3].at_cgroup(TOP)?);
    Told::of("balancing", "active")?;
    // A program of somebody else's beside them is no fault.
    let foreign = Loaded::using(Kind::SockAddr(CONNECT4), "somebody", &[], 1)?;
    let beside = Put::at_group(TOP, "cgroup_inet4_connect", &foreign)?;
    Told::of("balancing", "active")?;
    drop(beside);
    links.remove(0);
    let below = programs[0].at_cgroup(BELOW)?;
    Told::of("balancing", "partly")?.fault("cgroup_inet4_connect", "/sys/fs/cgroup/attachments alone")?;
    drop(below);
    links.push(programs[0].at_cgroup(TOP)?);
    sh(&format!("rm {}", pin("map_node_ip")))?;
    Told::of("balancing", "partly")?.fault("maps", "not there: map_node_ip")?;
    make(&pin("map_node_ip"), "type hash key 4 value 4 entries 65536")?;
    renewed(&services, "type hash key 12 value 20 entries 65536")?;
    let told = Told::of("balancing", "partly")?;
    ensure!(told.text.contains("uses a map `map_service` ("), "{}", told.text);
    Ok(())
}
