//! `skbtrail net` against bpftool and tc: XDP, clsact, a classful qdisc, actions, tcx in order, netkit, netfilter, the flow
//! dissector, in several namespaces; peers of veth pairs in both directions, and drops.

use std::os::fd::OwnedFd;

use anyhow::{Context, Result, ensure};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use serde_json::{Value, json};

use super::Case;
use crate::bpf::{Body, Kind, Loaded, NETKIT_PEER, NETKIT_PRIMARY, TCX_EGRESS, TCX_INGRESS, ifindex, within};
use crate::guest::Guest;
use crate::inspected::{covers, document, rows, table, without};
use crate::net::{Namespace, Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "inspect_net",
    about: "what is attached in each namespace is what bpftool and tc say; peers and drops",
    min_kernel: (5, 17),
    seconds: 120,
    run,
};

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let empty = Namespace::new("empty")?;
    let tc = Loaded::new(Kind::Tc, "a_name_of_more_than_fifteen", Body::Return(0))?;
    let shot = Loaded::new(Kind::Tc, "shot", Body::Return(2))?;
    let xdp = Loaded::new(Kind::Xdp, "pass", Body::Return(2))?;
    pair.a.sh(&format!("ip link set va xdpgeneric pinned {}", xdp.pin))?;
    pair.b.sh(&format!("ip link set vb xdpdrv pinned {}", xdp.pin))?;
    classic(&pair, &tc, &shot)?;
    compare(&pair.a).context("a, classic")?;
    compare(&pair.b).context("b, classic")?;
    compare(&empty).context("a namespace with nothing")?;
    peers(&pair).context("peers")?;
    drops(&pair).context("drops")?;
    flow_dissector(&pair).context("flow dissector")?;
    if guest.at_least((6, 6)) {
        bpftool_knows_tcx()?;
        let _held = tcx(&pair, &tc, &shot).context("tcx")?;
        compare(&pair.a).context("a, with tcx")?;
        not_counted().context("what is not counted")?;
    }
    if guest.at_least((6, 4)) {
        let program = Loaded::new(Kind::Netfilter, "accept", Body::Return(1))?;
        let _links = [program.at_prerouting("a", -128)?, program.at_prerouting("a", 7)?];
        compare(&pair.a).context("a, with netfilter")?;
        if guest.at_least((6, 12)) {
            // Another namespace does not have them.
            let rows = rows("skbtrail net --json --netns b")?;
            ensure!(table(&rows, "netfilter").is_empty(), "b has hooks of a: {rows:?}");
        }
    }
    if guest.at_least((6, 7)) {
        netkit(&pair, &tc, &shot).context("netkit")?;
    }
    all(&pair).context("all namespaces")?;
    refusals()
}

/// clsact with a chain of filters, a qdisc with classes, and a program as an action.
fn classic(pair: &Pair, tc: &Loaded, shot: &Loaded) -> Result<()> {
    let action = Loaded::new(Kind::Action, "action", Body::Return(0))?;
    pair.a.sh(&format!(
        "tc qdisc add dev va clsact &&
         tc filter add dev va ingress prio 5 bpf da pinned {tc} && tc filter add dev va ingress prio 2 bpf pinned {tc} &&
         tc filter add dev va egress prio 9 bpf da pinned {tc}",
        tc = tc.pin
    ))?;
    pair.b.sh(&format!(
        "tc qdisc add dev vb root handle 1: prio && tc filter add dev vb parent 1: prio 3 bpf pinned {} &&
         tc qdisc add dev lo clsact && tc filter add dev lo egress prio 4 bpf da pinned {shot} &&
         tc filter add dev lo ingress prio 1 matchall action bpf pinned {}",
        tc.pin,
        action.pin,
        shot = shot.pin
    ))?;
    let rows = rows("skbtrail net --json --netns b")?;
    let action = table(&rows, "tc").into_iter().find(|row| row["action_of"] == "matchall").context("no action")?;
    ensure!(action["kind"] == "clsact/ingress" && action["devname"] == "lo", "{action}");
    let in_a = crate::inspected::rows("skbtrail net --json --netns a")?;
    let places: Vec<(Value, Value, Value)> = table(&in_a, "tc")
        .into_iter()
        .map(|row| (row["order"].clone(), row["preference"].clone(), row["direct_action"].clone()))
        .collect();
    let expected = [(1, 2, false), (2, 5, true), (1, 9, true)].map(|(o, p, d)| (json!(o), json!(p), json!(d)));
    ensure!(places == expected, "{places:?}");
    Ok(())
}

/// Row by row what bpftool says in this namespace.
fn compare(namespace: &Namespace) -> Result<()> {
    let ours = rows(&format!("skbtrail net --json --netns {}", namespace.name))?;
    let theirs = bpftool(namespace)?;
    for section in ["xdp", "tc", "flow_dissector", "netfilter"] {
        let theirs = theirs[0][section].as_array().cloned().unwrap_or_default();
        let mut ours = table(&ours, section);
        // bpftool does not look into actions.
        ours.retain(|row| row["action_of"].is_null());
        // It says 0 for what was attached without a link; its names of hooks of netfilter are the same.
        let theirs: Vec<Value> = theirs.into_iter().map(without_zero_link).collect();
        covers(&sorted(ours), &sorted(theirs)).with_context(|| section.to_owned())?;
    }
    Ok(())
}

/// What the comparison rests on; Debian 12's own lists neither tcx nor netkit.
fn bpftool_knows_tcx() -> Result<()> {
    let said = sh("bpftool version")?;
    let version = said.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('v').to_owned();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let version = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    ensure!(version >= (7, 3), "bpftool {version:?} is too old to compare with; `./tests/run fetch` gets a newer one");
    Ok(())
}

/// Its list of flow dissectors, `["id":7]`, is no JSON (7.5).
fn bpftool(namespace: &Namespace) -> Result<Value> {
    let said = namespace.sh("bpftool -j net")?;
    let text = match said.split_once("[\"id\":") {
        Some((before, after)) => format!("{before}[{{\"id\":{}", after.replacen(']', "}]", 1)),
        None => said,
    };
    serde_json::from_str(&text).with_context(|| format!("bpftool printed no JSON: {text}"))
}

fn without_zero_link(mut row: Value) -> Value {
    if row["link_id"] == 0 {
        row["link_id"] = Value::Null;
    }
    row
}

/// Devices and hooks in one order; what is run one after the other stays as it is.
fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(|row| (row["ifindex"].as_u64(), row["kind"].to_string(), row["mode"].to_string()));
    rows
}

fn interface(namespace: &str, device: &str) -> Result<Value> {
    let rows = rows(&format!("skbtrail net --json --netns {namespace}"))?;
    let found = table(&rows, "interfaces").into_iter().find(|row| row["devname"] == device);
    found.with_context(|| format!("no {device} in {namespace}: {rows:?}"))
}

/// Each end names the other, with its namespace; ethtool says the same number.
fn peers(pair: &Pair) -> Result<()> {
    for (here, device, there, other) in [(&pair.a, "va", &pair.b, "vb"), (&pair.b, "vb", &pair.a, "va")] {
        let peer = interface(&here.name, device)?["peer"].clone();
        ensure!(peer["devname"] == other && peer["netns_name"] == there.name, "{device}: {peer}");
        ensure!(peer["netns"] == there.inode()?, "{device}: {peer}");
        let said = here.sh(&format!("ethtool -S {device} | grep -o 'peer_ifindex: .*'"))?;
        ensure!(said.trim() == format!("peer_ifindex: {}", peer["ifindex"]), "{device}: {peer}, {said}");
    }
    // Both ends in one namespace.
    pair.a.sh("ip link add e0 type veth peer name e1")?;
    let peer = interface("a", "e0")?["peer"].clone();
    ensure!(peer["devname"] == "e1" && peer["other_netns"] == false, "{peer}");
    // In the namespace of this process, from the other side.
    sh("ip link add h0 type veth peer name h1 netns a")?;
    let rows = rows("skbtrail net --json")?;
    let h0 = table(&rows, "interfaces").into_iter().find(|row| row["devname"] == "h0").context("no h0")?;
    ensure!(h0["peer"]["devname"] == "h1" && h0["peer"]["netns_name"] == "a", "{h0}");
    sh("ip link delete h0").map(drop)
}

/// What a clsact program drops is what tc says.
fn drops(pair: &Pair) -> Result<()> {
    pair.b.ping_unanswered("127.0.0.1", 2)?;
    let said = document(&pair.b.inside("tc -j -s qdisc show dev lo clsact"))?;
    let theirs = said[0]["drops"].as_u64().context("tc says no drops")?;
    let ours = interface("b", "lo")?;
    ensure!(theirs >= 2 && ours["tc_drops"] == theirs, "{theirs} drops, but {ours}");
    let shown = sh("skbtrail net --netns b")?;
    ensure!(shown.contains(&format!("  {theirs}\n")), "the text does not say {theirs}: {shown}");
    Ok(())
}

fn flow_dissector(pair: &Pair) -> Result<()> {
    let program = Loaded::new(Kind::FlowDissector, "dissect", Body::Return(0))?;
    pair.b.sh(&format!("bpftool prog attach pinned {} flow_dissector", program.pin))?;
    compare(&pair.b)?;
    let rows = rows("skbtrail net --json --netns b")?;
    ensure!(table(&rows, "flow_dissector").len() == 1, "{rows:?}");
    pair.b.sh(&format!("bpftool prog detach pinned {} flow_dissector", program.pin)).map(drop)
}

/// Several at one hook, by links and without, one of them put before the others.
fn tcx(pair: &Pair, tc: &Loaded, shot: &Loaded) -> Result<Vec<OwnedFd>> {
    let device = ifindex(&pair.a, "va")?;
    let third = Loaded::new(Kind::Tc, "third", Body::Return(-1))?;
    let mut held = vec![tc.at_device("a", device, TCX_INGRESS)?, third.at_device("a", device, TCX_INGRESS)?];
    held.push(tc.at_device("a", device, TCX_EGRESS)?);
    shot.first_at_device("a", ifindex(&pair.a, "e0")?, TCX_INGRESS)?;
    third.first_at_device("a", device, TCX_EGRESS)?;
    let rows = rows("skbtrail net --json --netns a")?;
    let order: Vec<String> = table(&rows, "tc")
        .iter()
        .filter(|row| row["devname"] == "va")
        .map(|row| format!("{} {} {}", row["kind"], row["order"], row["link_id"].is_number()))
        .collect();
    let expected =
        ["\"tcx/ingress\" 1 true", "\"tcx/ingress\" 2 true", "\"tcx/egress\" 1 false", "\"tcx/egress\" 2 true"];
    ensure!(order.len() == 7 && order[..4] == expected, "{order:?}");
    ensure!(order[4].starts_with("\"clsact/ingress\" 3"), "tcx comes before clsact: {order:?}");
    Ok(held)
}

/// The kernel counts no drops of tcx: that is said, and no 0.
fn not_counted() -> Result<()> {
    let row = interface("a", "e0")?;
    ensure!(row["tc_drops"].is_null(), "{row}");
    let shown = sh("skbtrail net --netns a")?;
    let line = shown.lines().rfind(|line| line.starts_with("e0(")).context("no e0")?;
    ensure!(line.contains("not counted by the kernel"), "{line}");
    // A device with both says what is counted, and that it is not all.
    let line = shown.lines().rfind(|line| line.starts_with("va(")).context("no va")?;
    ensure!(line.contains("tcx not counted"), "{line}");
    Ok(())
}

fn netkit(pair: &Pair, tc: &Loaded, shot: &Loaded) -> Result<()> {
    within(Some("a"), make_netkit).context("failed to make a netkit pair")?;
    let device = ifindex(&pair.a, "nkp")?;
    let _held = [tc.at_device("a", device, NETKIT_PRIMARY)?, shot.at_device("a", device, NETKIT_PEER)?];
    compare(&pair.a)?;
    let rows = rows("skbtrail net --json --netns a")?;
    let kinds: Vec<Value> =
        table(&rows, "tc").iter().filter(|row| row["devname"] == "nkp").map(|row| row["kind"].clone()).collect();
    ensure!(kinds == [json!("netkit/primary"), json!("netkit/peer")], "{kinds:?}");
    let row = interface("a", "nkp")?;
    ensure!(row["type"] == "netkit" && row["peer"]["devname"].is_string() && row["tc_drops"].is_null(), "{row}");
    Ok(())
}

/// Debian 12's ip(8) does not know netkit.
fn make_netkit() -> std::io::Result<()> {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName("nkp".to_owned()));
    link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Netkit)]));
    let payload = NetlinkPayload::from(RouteNetlinkMessage::NewLink(link));
    let mut packet = NetlinkMessage::new(NetlinkHeader::default(), payload);
    packet.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).map_err(std::io::Error::other)?;
    match answer.payload {
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        _ => Ok(()),
    }
}

/// One call sees what calls for each namespace see, and which namespace has what name and process.
fn all(pair: &Pair) -> Result<()> {
    let everything = rows("skbtrail net --json --all-netns")?;
    for namespace in [&pair.a, &pair.b] {
        let inode = namespace.inode()?;
        let of_it: Vec<Value> = everything.iter().filter(|row| row["netns"] == inode).cloned().collect();
        let alone = rows(&format!("skbtrail net --json --netns {}", namespace.name))?;
        ensure!(
            without(of_it.clone(), &["processes", "process_count"]) == without(alone, &["processes", "process_count"]),
            "{}: {of_it:#?}",
            namespace.name
        );
        ensure!(of_it[0]["names"][0] == namespace.name.as_str(), "{}", of_it[0]);
    }
    // One without a name, which a process alone leads to.
    let _process = crate::net::Background::start("unshare -n sleep 1000")?;
    let unnamed = || -> Result<bool> {
        let rows = rows("skbtrail net --json --all-netns")?;
        let mut spaces = table(&rows, "netns").into_iter();
        Ok(spaces.any(|row| row["names"] == json!([]) && row["processes"][0]["comm"] == "sleep"))
    };
    let start = std::time::Instant::now();
    while !unnamed()? {
        ensure!(start.elapsed().as_secs() < 10, "the namespace of `unshare -n sleep` is not found");
    }
    Ok(())
}

/// Wrong questions are answered in a sentence, with the code for bad usage; a lack of rights with that for failure.
fn refusals() -> Result<()> {
    for (command, code, words) in [
        ("skbtrail net --netns none", 2, "no network namespace is called `none`"),
        ("skbtrail net --netns inode:1", 2, "leads to the network namespace 1"),
        ("skbtrail net --netns a --all-netns", 2, "cannot be used with"),
        ("setpriv --reuid 65534 --clear-groups skbtrail net", 1, "CAP_SYS_ADMIN"),
    ] {
        let said = sh(&format!("{command} 2>&1; echo code $?"))?;
        ensure!(said.contains(words) && said.contains(&format!("code {code}")), "`{command}`: {said}");
    }
    Ok(())
}
