//! Under load no journey ever holds another flow's packet, though `sk_buff`s are used again all the time: iperf3 with
//! three flows through a router that loses some, of which one is sampled.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::{Guest, say};
use crate::journeys::{all_let_go, journeys, not_followed};
use crate::net::{Background, Router};
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "follow_iperf",
    about: "three iperf3 flows through a router, one sampled: no journey holds another flow's packet",
    min_kernel: (5, 17),
    seconds: 400,
    run,
};

const PORTS: [u16; 3] = [5201, 5202, 5203];
/// What gets lost is sent again, from a clone in the same memory as the one before.
const LOSS: &str = "add table ip loss; add chain ip loss forward { type filter hook forward priority 0; }; \
                    add rule ip loss forward numgen random mod 100 == 0 drop";
const WATCHED: &str = "5202";

fn run(guest: &Guest) -> Result<()> {
    let router = Router::new()?;
    router.r.sh("ethtool -K ra gro on && ethtool -K rb gro on")?;
    router.b.sh("ethtool -K vb gro on")?;
    let servers = PORTS.map(|port| Background::start(&router.b.inside(&format!("exec iperf3 -s -p {port}"))));
    let _servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
    for port in PORTS {
        router.b.until(&format!("ss -Hlnt sport = :{port} | grep -q {port}"))?;
    }
    // A kernel that attaches one by one is slower with each hit.
    let (seconds, sample) = if guest.has_kprobe_multi() { (60, "1/40") } else { (20, "1/40") };
    let filter = format!("tcp port {WATCHED}");
    let few: &[&str] = if guest.has_kprobe_multi() {
        &[]
    } else {
        &[
            "--filter-func",
            "ip_.*|tcp_v4_.*|veth_xmit|skb_.*|__skb_.*|kfree_skb.*|consume_skb|dev_gro_receive|.*netif_receive_skb.*",
        ]
    };
    router.r.nft(LOSS)?;
    let mut running = Tracer::new(&[few, &["--sample", sample, &filter]].concat()).start()?;
    let clients: Vec<String> =
        PORTS.iter().map(|port| format!("iperf3 -c 10.72.0.1 -p {port} -t {seconds} & P=\"$P $!\"")).collect();
    let said = router.a.sh(&format!("{}; for p in $P; do wait $p || exit 1; done", clients.join("; ")))?;
    ensure!(said.matches("receiver").count() == PORTS.len(), "{said}");
    all_let_go()?;
    let not_followed = not_followed()?;
    let seen = running.stop()?;
    let counts = seen.check()?;
    let journeys = journeys(&seen).context("rules")?;
    let flows = ["tcp 10.71.0.1:* > 10.72.0.1:5202", "tcp 10.72.0.1:5202 > 10.71.0.1:*"];
    for journey in &journeys {
        journey.is_one_packet(&flows)?;
    }
    say(&format!("{} journeys, {} hops, {counts:?}", journeys.len(), seen.hops.len()));
    ensure!(journeys.len() > 20, "only {} journeys", journeys.len());
    ensure!(not_followed == 0, "{not_followed} packets could not be followed");
    Ok(())
}
