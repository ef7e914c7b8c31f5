//! Each backend that the kernel has shows the same ping, and one that it lacks is refused in a sentence.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "backends",
    about: "kprobe-multi, kprobe and tracepoint each show a ping",
    min_kernel: (5, 3),
    seconds: 400,
    run,
};

/// Few, because kprobes attach one by one.
const FUNCTIONS: &str = "ip_rcv|ip_output|icmp_rcv|veth_xmit";

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    shows(&pair, "kprobe", &["ip_output", "veth_xmit", "ip_rcv", "icmp_rcv"])?;
    if guest.has_kprobe_multi() {
        shows(&pair, "kprobe-multi", &["ip_output", "veth_xmit", "ip_rcv", "icmp_rcv"])?;
    } else {
        refused("kprobe-multi")?;
    }
    shows(&pair, "tracepoint", &["net:net_dev_queue", "net:net_dev_start_xmit", "net:netif_receive_skb"])
}

fn shows(pair: &Pair, backend: &str, functions: &[&str]) -> Result<()> {
    let few: &[&str] = if backend == "tracepoint" { &[] } else { &["--filter-func", FUNCTIONS] };
    let args = [&["--backend", backend], few, &["icmp"]].concat();
    let mut running = Tracer::new(&args).start().context(backend.to_owned())?;
    pair.ping(2)?;
    let seen = running.stop()?;
    seen.check().context(backend.to_owned())?;
    seen.packet_passes(functions).context(backend.to_owned())
}

fn refused(backend: &str) -> Result<()> {
    let Err(error) = Tracer::new(&["--backend", backend, "icmp"]).start() else {
        anyhow::bail!("{backend} works here, which this kernel is built without");
    };
    let said = error.to_string();
    ensure!(said.contains(backend) && said.contains("exit status: 1"), "refused as: {said}");
    Ok(())
}
