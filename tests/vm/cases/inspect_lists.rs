//! `skbtrail progs`, `maps` and `cgroups` against bpftool: what is loaded, pinned, held and attached, row by row.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Body, Kind, Loaded, Map, SK_MSG_VERDICT, SK_SKB_VERDICT};
use crate::guest::Guest;
use crate::inspected::{covers, document, rows, table, without};
use crate::net::{Background, sh};

pub(crate) const CASE: Case = Case {
    name: "inspect_lists",
    about: "programs, maps and control groups are listed as bpftool lists them, with pins and owners",
    min_kernel: (5, 17),
    seconds: 120,
    run,
};

/// Programs at devices go with their namespaces, which the kernel takes down a while after they are deleted.
fn programs_of_others_are_gone() -> Result<()> {
    let kinds = "xdp|sched_cls|sched_act|netfilter|flow_dissector|sk_lookup";
    // grep reads to the end: were it to stop early, bpftool would fail for it.
    sh(&format!(
        "for i in $(seq 300); do [ \"$(bpftool prog show | grep -cE ' ({kinds}) ')\" != 0 ] || exit 0; sleep 0.1; done; exit 1"
    ))
    .map(drop)
}

fn run(guest: &Guest) -> Result<()> {
    programs_of_others_are_gone()?;
    let tc = Loaded::new(Kind::Tc, "a_name_of_more_than_fifteen", Body::Return(0))?;
    let connect = Loaded::new(Kind::Connect4, "connect4", Body::Return(1))?;
    let message = Loaded::without_types(Kind::SkMsg, "message", Body::Return(1))?;
    let parser = Loaded::without_types(Kind::SkSkb, "parser", Body::Return(1))?;
    let maps = every_kind()?;
    // It is then of that program's type.
    tc.put(&maps[2], 1)?;
    let sockets = Map::new("sockets", 18, (4, 4), 16, 0)?;
    programs(&tc).context("programs")?;
    listed(&maps).context("maps")?;
    owners(&maps[0]).context("owners")?;
    control_groups(guest, &connect).context("control groups")?;
    sock_maps(guest, [&message, &parser], &sockets).context("maps of sockets")?;
    statistics(&tc).context("statistics")?;
    refusals()
}

/// A few of each kind that may be listed, and some that may not.
fn every_kind() -> Result<Vec<Map>> {
    [
        ("hash", 1, (8, 16), 100, 0),
        ("array", 2, (4, 40), 3, 0),
        ("prog_array", 3, (4, 4), 5, 0),
        ("percpu_hash", 5, (4, 12), 10, 0),
        ("percpu_array", 6, (4, 8), 2, 0),
        ("lru_hash", 9, (14, 56), 1000, 0),
        // BPF_F_NO_PREALLOC
        ("trie", 11, (8, 1), 50, 1),
        ("queue", 22, (0, 4), 4, 0),
        ("ring", 27, (0, 0), 4096, 0),
    ]
    .into_iter()
    .map(|(name, kind, sizes, entries, flags)| Map::new(name, kind, sizes, entries, flags))
    .collect()
}

fn programs(tc: &Loaded) -> Result<()> {
    let ours = rows("skbtrail progs --json")?;
    let theirs = document("bpftool -j -f prog show")?;
    let theirs = theirs.as_array().cloned().context("no list")?;
    ensure!(theirs.len() >= 3, "{theirs:?}");
    // Run counts are null in ours while they are not counted; bpftool leaves them out.
    covers(&ours, &without(theirs, &["pids"]).into_iter().map(complete).collect::<Vec<_>>())?;
    let long = ours.iter().find(|row| row["name"] == "a_name_of_more_than_fifteen").context("no long name")?;
    ensure!(long["pinned"][0] == tc.pin.as_str(), "{long}");
    Ok(())
}

/// Keys that bpftool leaves out where there is nothing.
fn complete(mut row: Value) -> Value {
    for key in ["pinned", "map_ids"] {
        if row[key].is_null() {
            row[key] = serde_json::json!([]);
        }
    }
    row
}

fn listed(maps: &[Map]) -> Result<()> {
    maps[0].set(&[1; 8], &[2; 16])?;
    maps[0].set(&[3; 8], &[2; 16])?;
    let ours = rows("skbtrail maps --json")?;
    let theirs = document("bpftool -j -f map show")?;
    let theirs = theirs.as_array().cloned().context("no list")?;
    ensure!(theirs.len() > maps.len(), "{theirs:?}");
    let takes = theirs.iter().find(|row| row["name"] == "prog_array").context("no map of programs")?;
    ensure!(takes["owner_prog_type"] == "sched_cls" && takes["owner_jited"].is_boolean(), "{takes}");
    let theirs: Vec<Value> = without(theirs, &["pids"]).into_iter().map(pinned).collect();
    covers(&ours, &theirs)?;
    let entries = |name: &str| ours.iter().find(|row| row["name"] == name).map(|row| row["entries"].clone());
    ensure!(entries("hash") == Some(2.into()) && entries("array") == Some(3.into()), "{ours:?}");
    ensure!(entries("ring") == Some(Value::Null) && entries("queue") == Some(Value::Null), "{ours:?}");
    Ok(())
}

fn pinned(mut row: Value) -> Value {
    if row["pinned"].is_null() {
        row["pinned"] = serde_json::json!([]);
    }
    row
}

/// A process that holds a map open is named; when it has gone, no more.
fn owners(map: &Map) -> Result<()> {
    let this = std::process::id();
    let held = |pid: u32| -> Result<bool> {
        let rows = rows("skbtrail maps --json")?;
        let row = rows.into_iter().find(|row| row["name"] == "hash").context("no map")?;
        Ok(row["pids"].as_array().is_some_and(|pids| pids.iter().any(|one| one["pid"] == pid)))
    };
    ensure!(held(this)?, "this process is not named among the owners of {}", map.pin);
    let shown = sh("skbtrail maps")?;
    ensure!(shown.contains(&format!("({this})")) && shown.contains(&map.pin), "{shown}");
    Ok(())
}

/// With and without links, in a group and below it; what is inherited on request.
fn control_groups(guest: &Guest, connect: &Loaded) -> Result<()> {
    let top = "/sys/fs/cgroup/inspected";
    sh(&format!("mkdir -p {top}/below"))?;
    let second = Loaded::new(Kind::Connect4, "second", Body::Return(1))?;
    sh(&format!("bpftool cgroup attach {top} connect4 pinned {} multi", connect.pin))?;
    let link = second.at_cgroup(&format!("{top}/below"))?;
    let compare = || -> Result<Vec<Value>> {
        let rows = rows("skbtrail cgroups --json")?;
        let ours = table(&rows, "cgroups");
        let theirs = document("bpftool -j cgroup tree")?;
        let flat: Vec<Value> = theirs
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|group| group["programs"].as_array().into_iter().flatten().map(|one| with_group(one, group)))
            .collect();
        covers(&ours, &flat)?;
        Ok(ours)
    };
    let ours = compare()?;
    ensure!(ours.len() == 2 && ours[0]["link_id"].is_null() && ours[1]["link_id"].is_number(), "{ours:?}");
    let effective = rows(&format!("skbtrail cgroups --json --effective {top}"))?;
    let below: Vec<&Value> =
        effective.iter().filter(|row| row["cgroup"] == format!("{top}/below")).map(|row| &row["name"]).collect();
    ensure!(below.len() == 2, "{effective:?}");
    if guest.at_least((6, 0)) {
        let function = sh("bpftool btf dump file /sys/kernel/btf/vmlinux | grep \"FUNC 'bpf_lsm_socket_bind'\"")?;
        let number = function.trim_start_matches('[').split(']').next().unwrap_or_default().parse();
        let bind = Loaded::without_types(Kind::Lsm(number.context(function)?), "bind", Body::Return(1))?;
        let _link = bind.at_cgroup(top)?;
        let ours = compare().context("with a security hook")?;
        let found = ours.iter().any(|row| row["name"] == "bind" && row["attach_btf_name"] == "bpf_lsm_socket_bind");
        ensure!(found, "{ours:?}");
    }
    drop(link);
    sh(&format!("bpftool cgroup detach {top} connect4 pinned {}; rmdir {top}/below {top}", connect.pin))?;
    ensure!(compare()?.is_empty(), "something is still attached");
    Ok(())
}

fn with_group(program: &Value, group: &Value) -> Value {
    let mut program = program.clone();
    program["cgroup"] = group["cgroup"].clone();
    program
}

/// Without links, and by links where the kernel has these.
fn sock_maps(guest: &Guest, [message, parser]: [&Loaded; 2], sockets: &Map) -> Result<()> {
    // Kernels before 5.19 do not tell.
    ensure!(guest.at_least((5, 19)), "this kernel should have been told apart");
    let attached = || -> Result<Vec<Value>> { Ok(table(&rows("skbtrail cgroups --json")?, "sock_maps")) };
    let pins = [(message, "sk_msg_verdict"), (parser, "sk_skb_verdict")];
    for (program, hook) in pins {
        sh(&format!("bpftool prog attach pinned {} {hook} pinned {}", program.pin, sockets.pin))?;
    }
    let found = attached()?;
    let expected = [("sk_msg_verdict", "message"), ("sk_skb_verdict", "parser")];
    let places: Vec<_> = found.iter().map(|row| (row["attach_type"].as_str(), row["name"].as_str())).collect();
    ensure!(places == expected.map(|(hook, name)| (Some(hook), Some(name))), "{found:?}");
    ensure!(found.iter().all(|row| row["map_name"] == "sockets" && row["link_id"].is_null()), "{found:?}");
    for (program, hook) in pins {
        sh(&format!("bpftool prog detach pinned {} {hook} pinned {}", program.pin, sockets.pin))?;
    }
    if guest.at_least((6, 10)) {
        let links = [message.at_map(sockets, SK_MSG_VERDICT)?, parser.at_map(sockets, SK_SKB_VERDICT)?];
        let found = attached()?;
        let theirs = document("bpftool -j link show")?;
        let is_link = |row: &Value| {
            let mut links = theirs.as_array().into_iter().flatten();
            links.any(|link| link["id"] == row["link_id"] && link["prog_id"] == row["id"])
        };
        ensure!(found.len() == 2 && found.iter().all(is_link), "{found:?}, {theirs}");
        drop(links);
    }
    ensure!(attached()?.is_empty(), "something is still attached to {}", sockets.pin);
    Ok(())
}

/// Runs are shown once they are counted, and no zeros before.
fn statistics(tc: &Loaded) -> Result<()> {
    let row = |rows: Vec<Value>| rows.into_iter().find(|row| row["pinned"][0] == tc.pin.as_str()).context("no program");
    let before = row(rows("skbtrail progs --json")?)?;
    ensure!(before["run_cnt"].is_null(), "{before}");
    sh(&format!(
        "sysctl -qw kernel.bpf_stats_enabled=1 && tc qdisc add dev lo clsact &&
         tc filter add dev lo ingress bpf da pinned {} && ping -q -c 3 -i 0.2 127.0.0.1",
        tc.pin
    ))?;
    let after = row(rows("skbtrail progs --json")?)?;
    let theirs = document(&format!("bpftool -j prog show pinned {}", tc.pin))?;
    let hook = table(&rows("skbtrail net --json")?, "tc").into_iter().find(|row| row["devname"] == "lo");
    let text = sh("skbtrail net")?;
    sh("tc qdisc delete dev lo clsact; sysctl -qw kernel.bpf_stats_enabled=0")?;
    ensure!(
        after["run_cnt"].as_u64().is_some_and(|runs| runs >= 6) && after["run_cnt"] == theirs["run_cnt"],
        "{after}, {theirs}"
    );
    ensure!(after["run_time_ns"] == theirs["run_time_ns"], "{after}, {theirs}");
    // They stand beside the hook too.
    let hook = hook.context("no program at lo")?;
    ensure!(hook["run_cnt"] == after["run_cnt"] && hook["run_time_ns"] == after["run_time_ns"], "{hook}, {after}");
    ensure!(text.contains(&format!("{} runs", hook["run_cnt"])) && text.contains(" each"), "{text}");
    Ok(())
}

fn refusals() -> Result<()> {
    for (command, code, words) in [
        ("setpriv --reuid 65534 --clear-groups skbtrail maps", 1, "CAP_SYS_ADMIN"),
        ("setpriv --reuid 65534 --clear-groups skbtrail progs", 1, "CAP_SYS_ADMIN"),
        ("setpriv --reuid 65534 --clear-groups skbtrail cgroups", 1, "CAP_SYS_ADMIN"),
        ("skbtrail cgroups /nowhere", 2, "failed to open `/nowhere`"),
        ("skbtrail cgroups /tmp", 2, "`/tmp` is no control group"),
        ("skbtrail maps --watch=0", 2, "seconds"),
    ] {
        let said = sh(&format!("{command} 2>&1; echo code $?"))?;
        ensure!(said.contains(words) && said.contains(&format!("code {code}")), "`{command}`: {said}");
    }
    // Again and again until it is told to end.
    let _watching = Background::start("skbtrail maps --json --watch=0.1 > /tmp/watched")?;
    let start = std::time::Instant::now();
    while sh("grep -c '\"name\":\"hash\"' /tmp/watched || true")?.trim().parse::<u32>().unwrap_or_default() < 3 {
        ensure!(start.elapsed().as_secs() < 10, "--watch does not print again");
    }
    Ok(())
}
