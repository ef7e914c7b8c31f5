//! The witness itself works: pwru sees a ping go from one namespace to the other.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::witness::watch;

pub(crate) const CASE: Case = Case {
    name: "pwru_witness",
    about: "pwru, the independent witness, sees a ping",
    min_kernel: (5, 3),
    seconds: 300,
    run,
};

/// All functions take pwru 67 s on 6.1, which attaches one by one.
const FEW: &[&str] = &["--filter-func", "ip_.*|icmp_.*|__netif_receive_skb.*", "icmp"];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let args = if guest.has_kprobe_multi() { &["icmp"] } else { FEW };
    let sights = watch(args, || pair.ping(2))?;
    for wanted in ["ip_output", "ip_rcv", "icmp_rcv", "icmp_echo"] {
        ensure!(
            sights.iter().any(|sight| sight.func == wanted && sight.line.contains("10.77.0.2")),
            "pwru did not see {wanted} in {} rows, of which {:?}",
            sights.len(),
            sights.iter().take(5).map(|sight| &sight.line).collect::<Vec<_>>()
        );
    }
    Ok(())
}
