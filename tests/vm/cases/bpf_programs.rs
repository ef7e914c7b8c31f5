//! BPF programs on the way show as hops with their verdicts and where they are attached: of tc, tcx and netkit, of XDP in both
//! modes; one that is loaded while the tracer runs too, and one that cannot be traced is named. pwru's CI case 11 is in here.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Case;
use crate::bpf::{Body, Kind, Loaded, NETKIT_PEER, NETKIT_PRIMARY, TCX_EGRESS, TCX_INGRESS, ifindex};
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::{Namespace, Pair, sh};
use crate::tracer::{Hop, Running, Trace, Tracer};

pub(crate) const CASE: Case = Case {
    name: "bpf_programs",
    about: "programs of tc, tcx, netkit and XDP are hops with verdicts; XDP hops join the later sk_buff's journey",
    min_kernel: (5, 17),
    seconds: 900,
    run,
};

/// For kernels that attach one by one.
const FEW: &str = "ip_rcv|ip_output|icmp_rcv|dev_hard_start_xmit|veth_xmit|netif_rx|__netif_receive_skb.*|kfree_skb|\
                   sk_skb_reason_drop|veth_xdp_rcv_.*|veth_convert_.*|do_xdp_generic|netif_receive_generic_xdp|\
                   bpf_prog_run_generic_xdp|eth_type_trans|consume_skb";
const NOTED_WITHIN: Duration = Duration::from_secs(30);

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    // Programs that drop everything drop what asks for addresses too.
    for (namespace, device, other, peer, address) in
        [(&pair.a, "va", &pair.b, "vb", Pair::B4), (&pair.b, "vb", &pair.a, "va", Pair::A4)]
    {
        let hardware = other.sh(&format!("cat /sys/class/net/{peer}/address"))?;
        namespace.sh(&format!("ip neigh replace {address} lladdr {} dev {device} nud permanent", hardware.trim()))?;
    }
    pair.ping(1)?;
    let before = Holdings::at_rest()?;
    tc(guest, &pair).context("tc")?;
    if guest.at_least((6, 6)) {
        tcx(guest, &pair).context("tcx")?;
    }
    if guest.at_least((6, 7)) {
        netkit(guest, &pair).context("netkit")?;
    }
    for mode in [Mode::Generic, Mode::Native] {
        xdp(guest, &pair, mode).with_context(|| format!("XDP, {mode:?}"))?;
    }
    redirected(guest, &pair).context("XDP, redirected")?;
    sent_back(guest, &pair).context("XDP, sent back")?;
    before.restored()
}

fn start(guest: &Guest, flags: &[&str]) -> Result<Running> {
    Tracer::new(&[how(guest), flags, &["icmp"]].concat()).start()
}

fn how(guest: &Guest) -> &'static [&'static str] {
    if guest.has_kprobe_multi() { &[] } else { &["--filter-func", FEW] }
}

/// Waits until the tracer has said so on stderr.
fn said(running: &Running, text: &str) -> Result<()> {
    let start = Instant::now();
    while !running.stderr()?.contains(text) {
        ensure!(start.elapsed() < NOTED_WITHIN, "it never said `{text}`: {}", running.stderr()?);
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Hops of the program, of which there are some; each says all that it should, and where it is attached (`at`).
fn hops<'a>(seen: &'a Trace, at: &str, program: &str, verdict: &str) -> Result<Vec<&'a Hop>> {
    let kind = if at.starts_with("xdp") { "xdp" } else { "tc" };
    let of: Vec<&Hop> = seen.hops.iter().filter(|hop| hop.kind() == kind && hop.func() == program).collect();
    ensure!(!of.is_empty(), "no hop of {program}: {:?}\n{}", seen.functions(), seen.stderr);
    for hop in &of {
        ensure!(hop.text("/verdict") == verdict && hop.text("/attach") == at, "{}", hop.0);
        ensure!(hop.text("/prog_name") == program && hop.number("/prog_id").is_some(), "{}", hop.0);
        ensure!(hop.text("/tuple/proto") == "icmp", "{}", hop.0);
    }
    Ok(of)
}

/// Functions of the same journey as this hop, in order.
fn journey<'a>(seen: &'a Trace, hop: &Hop) -> Result<Vec<&'a str>> {
    let number = hop.number("/journey").with_context(|| format!("no journey: {}", hop.0))?;
    Ok(seen.hops.iter().filter(|other| other.number("/journey") == Some(number)).map(Hop::func).collect())
}

fn ensure_order(functions: &[&str], wanted: &[&str]) -> Result<()> {
    let mut rest = functions.iter();
    ensure!(wanted.iter().all(|wanted| rest.any(|function| function == wanted)), "{wanted:?} in {functions:?}");
    Ok(())
}

fn tc(guest: &Guest, pair: &Pair) -> Result<()> {
    let pass = Loaded::new(Kind::Tc, "a_name_longer_than_15_bytes", Body::Return(0))?;
    let untyped = Loaded::without_types(Kind::Tc, "untyped", Body::Return(0))?;
    let out = Loaded::new(Kind::Tc, "on_the_way_out", Body::Return(0))?;
    pair.a
        .sh(&format!("tc qdisc add dev va clsact && tc filter add dev va egress bpf da object-pinned {}", out.pin))?;
    pair.b.sh(&format!(
        "tc qdisc add dev vb clsact && tc filter add dev vb ingress pref 1 bpf da object-pinned {} &&
         tc filter add dev vb egress bpf da object-pinned {}",
        pass.pin, untyped.pin
    ))?;
    let mut running = start(guest, &["--filter-trace-tc"])?;
    said(&running, "the tc program untyped (id ")?;
    pair.ping(2)?;
    let drop = Loaded::new(Kind::Tc, "loaded_later", Body::Return(2))?;
    said(&running, "the tc program loaded_later (id ")?;
    pair.b.sh(&format!("tc filter replace dev vb ingress pref 1 bpf da object-pinned {}", drop.pin))?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    pair.a.sh("tc qdisc del dev va clsact")?;
    pair.b.sh("tc qdisc del dev vb clsact")?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}");
    let passed = hops(&seen, "tc ingress", "a_name_longer_than_15_bytes", "TC_ACT_OK")?;
    ensure!(passed.len() == 2, "{} hops for two packets", passed.len());
    for hop in passed {
        ensure_order(&journey(&seen, hop)?, &["veth_xmit", hop.func(), "ip_rcv", "icmp_rcv"])?;
    }
    for hop in hops(&seen, "tc egress", "on_the_way_out", "TC_ACT_OK")? {
        ensure!(hop.text("/tuple/daddr") == Pair::B4 && hop.ifname() == "va", "{}", hop.0);
        ensure_order(&journey(&seen, hop)?, &["ip_output", hop.func(), "veth_xmit"])?;
    }
    for hop in hops(&seen, "tc ingress", "loaded_later", "TC_ACT_SHOT")? {
        let functions = journey(&seen, hop)?;
        ensure_order(&functions, &[hop.func(), "skb:kfree_skb"])?;
        ensure!(!functions.contains(&"ip_rcv"), "{functions:?}");
    }
    ensure!(seen.functions().iter().all(|function| *function != "untyped"), "hops of a program that is not traced");
    ensure!(seen.stderr.contains("is not traced: it was loaded without type information (BTF)"), "{}", seen.stderr);
    Ok(())
}

/// The same program at both ends of the way: at tcx egress it is to be told from tcx ingress.
fn tcx(guest: &Guest, pair: &Pair) -> Result<()> {
    let shot = Loaded::new(Kind::Tc, "drops_at_tcx", Body::Return(2))?;
    let passes = Loaded::new(Kind::Tc, "passes_at_tcx", Body::Return(-1))?;
    let links = [
        shot.at_device("b", ifindex(&pair.b, "vb")?, TCX_INGRESS)?,
        passes.at_device("a", ifindex(&pair.a, "va")?, TCX_EGRESS)?,
    ];
    let mut running = start(guest, &["--filter-trace-tc"])?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    drop(links);
    seen.check()?;
    for hop in hops(&seen, "tcx ingress", "drops_at_tcx", "TC_ACT_SHOT")? {
        ensure_order(&journey(&seen, hop)?, &["ip_output", "passes_at_tcx", "veth_xmit", hop.func()])?;
    }
    hops(&seen, "tcx egress", "passes_at_tcx", "TC_ACT_UNSPEC").map(drop)
}

/// A pair of netkit devices, the second end in the other namespace: the request passes one program, the answer falls to the
/// other.
fn netkit(guest: &Guest, pair: &Pair) -> Result<()> {
    let (near, far) = ("10.79.0.1", "10.79.0.2");
    // The peer is named by the kernel.
    pair.a.sh("ip link add kit type netkit && ip link set nk0 netns b")?;
    pair.b.sh(&format!("ip addr add {far}/24 dev nk0 && ip link set nk0 up"))?;
    pair.a.sh(&format!("ip addr add {near}/24 dev kit && ip link set kit up"))?;
    pair.a.ping(far, 1)?;
    let kit = ifindex(&pair.a, "kit")?;
    let passes = Loaded::new(Kind::Tc, "passes_at_primary", Body::Return(0))?;
    let drops = Loaded::new(Kind::Tc, "drops_at_peer", Body::Return(2))?;
    let links = [passes.at_device("a", kit, NETKIT_PRIMARY)?, drops.at_device("a", kit, NETKIT_PEER)?];
    let mut running = start(guest, &["--filter-trace-tc"])?;
    pair.a.ping_unanswered(far, 1)?;
    let seen = running.stop()?;
    drop(links);
    pair.a.sh("ip link del kit")?;
    seen.check()?;
    for hop in hops(&seen, "netkit primary", "passes_at_primary", "TC_ACT_OK")? {
        ensure!(hop.text("/tuple/saddr") == near, "{}", hop.0);
        ensure_order(&journey(&seen, hop)?, &["netkit_xmit", hop.func(), "ip_rcv", "icmp_rcv"])?;
    }
    for hop in hops(&seen, "netkit peer", "drops_at_peer", "TC_ACT_SHOT")? {
        ensure!(hop.text("/tuple/saddr") == far, "{}", hop.0);
        ensure_order(&journey(&seen, hop)?, &["netkit_xmit", hop.func(), "skb:kfree_skb"])?;
    }
    Ok(())
}

/// How a device calls an XDP program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Generic,
    Native,
}

fn xdp(guest: &Guest, pair: &Pair, mode: Mode) -> Result<()> {
    let pass = Loaded::new(Kind::Xdp, "lets_everything_pass", Body::Return(2))?;
    let rewrite = Loaded::new(Kind::Xdp, "rewrites_the_source", Body::Rewrite(99))?;
    let drop = Loaded::new(Kind::Xdp, "drops_everything", Body::Return(1))?;
    let (how, at) = if mode == Mode::Generic { ("xdpgeneric", "xdp generic") } else { ("xdpdrv", "xdp driver") };
    let attach = |program: &Loaded| {
        pair.b.sh(&format!("ip link set dev vb {how} off; ip link set dev vb {how} pinned {}", program.pin)).map(|_| ())
    };
    attach(&pass)?;
    // The first packet may find the device about to change.
    pair.a.ping(Pair::B4, 1)?;
    let mut running = start(guest, &["--filter-trace-xdp"])?;
    pair.ping(2)?;
    attach(&drop)?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    attach(&rewrite)?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    pair.b.sh(&format!("ip link set dev vb {how} off"))?;
    seen.check()?;
    for hop in hops(&seen, at, "lets_everything_pass", "XDP_PASS")? {
        // On a veth the packet has its sk_buff already.
        ensure_order(&journey(&seen, hop)?, &["veth_xmit", hop.func(), "icmp_rcv"])?;
    }
    for hop in hops(&seen, at, "drops_everything", "XDP_DROP")? {
        ensure!(!journey(&seen, hop)?.contains(&"ip_rcv"), "it goes on");
    }
    hops(&seen, at, "rewrites_the_source", "XDP_PASS").map(|_| ())
}

/// `vb` redirects to `d0`, whose peer `d1` in another namespace sees the packet without an sk_buff.
fn redirected(guest: &Guest, pair: &Pair) -> Result<()> {
    let end = Namespace::new("c")?;
    sh("ip link add d0 netns b type veth peer name d1 netns c")?;
    pair.b.sh("ip link set d0 up")?;
    end.sh("ip link set d1 up")?;
    let redirect = Loaded::new(Kind::Xdp, "sends_it_elsewhere", Body::Redirect(ifindex(&pair.b, "d0")?.cast_signed()))?;
    let rewrite = Loaded::new(Kind::Xdp, "rewrites_the_source", Body::Rewrite(99))?;
    end.sh(&format!("ip link set dev d1 xdpdrv pinned {}", rewrite.pin))?;
    pair.b.sh(&format!("ip link set dev vb xdpdrv pinned {}", redirect.pin))?;
    pair.a.ping_unanswered(Pair::B4, 1)?;

    let mut running = start(guest, &["--filter-trace-xdp"])?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    seen.check()?;
    for hop in hops(&seen, "xdp driver", "sends_it_elsewhere", "XDP_REDIRECT")? {
        ensure_order(&journey(&seen, hop)?, &["veth_xmit", "sends_it_elsewhere", "rewrites_the_source"])?;
    }

    // Nothing but XDP ever sees what the filter asks for.
    let filter = ["--filter-trace-xdp", "--filter-netns", "c", "src host 10.77.0.1 and"];
    let mut running = start(guest, &filter)?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    seen.check()?;
    for hop in hops(&seen, "xdp driver", "rewrites_the_source", "XDP_PASS")? {
        ensure!(hop.ifname() == "d1" && hop.netns() == Some(end.inode()?), "{}", hop.0);
        ensure!(hop.text("/tuple/saddr") == "10.77.0.99" && hop.0["first"] == true, "{}", hop.0);
        let later: Vec<&Hop> =
            seen.hops.iter().filter(|other| other.number("/parent") == hop.number("/branch")).collect();
        ensure!(!later.is_empty(), "no sk_buff took its journey over: {:?}", seen.functions());
        ensure!(later.iter().all(|other| other.number("/journey") == hop.number("/journey")), "{}", hop.0);
    }

    // Sent away without one, it has ended: what it is sent to takes no frames.
    let back = Loaded::new(Kind::Xdp, "sends_it_back", Body::Return(3))?;
    end.sh(&format!("ip link set dev d1 xdpdrv off; ip link set dev d1 xdpdrv pinned {}", back.pin))?;
    let mut running =
        Tracer::text(&[&["--group", "--output-json"][..], how(guest), &filter, &["icmp"]].concat()).start()?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    running.stop()?;
    pair.b.sh("ip link set dev vb xdpdrv off")?;
    let lines = running.stdout()?;
    let packets: Vec<serde_json::Value> =
        lines.lines().map(serde_json::from_str).collect::<Result<_, _>>().with_context(|| lines.clone())?;
    let [packet] = &packets[..] else { bail!("{} packets, not one: {lines}", packets.len()) };
    ensure!(packet["state"] == "ended" && lines.contains("sends_it_back"), "{lines}");
    Ok(())
}

/// What a veth sends back goes on at its peer, where XDP sees it, and an `sk_buff` is made of it.
fn sent_back(guest: &Guest, pair: &Pair) -> Result<()> {
    let back = Loaded::new(Kind::Xdp, "sends_it_back", Body::Return(3))?;
    let pass = Loaded::new(Kind::Xdp, "lets_everything_pass", Body::Return(2))?;
    pair.a.sh(&format!("ip link set dev va xdpdrv pinned {}", pass.pin))?;
    pair.b.sh(&format!("ip link set dev vb xdpdrv pinned {}", back.pin))?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let mut running = start(guest, &["--filter-trace-xdp"])?;
    pair.a.ping_unanswered(Pair::B4, 1)?;
    let seen = running.stop()?;
    seen.check()?;
    for hop in hops(&seen, "xdp driver", "sends_it_back", "XDP_TX")? {
        ensure_order(&journey(&seen, hop)?, &["veth_xmit", "sends_it_back", "lets_everything_pass", "skb:kfree_skb"])?;
    }
    pair.a.sh("ip link set dev va xdpdrv off")?;
    pair.b.sh("ip link set dev vb xdpdrv off").map(|_| ())
}
