//! TCP leaves the sender in large packets. Where a device cuts them, the segments are branches; where the receiver's device
//! puts segments together (GRO), the packet goes on in the journey.

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::journeys::Expected;
use crate::net::{Namespace, Router};
use crate::tracer::Trace;

pub(crate) const CASE: Case = Case {
    name: "follow_segments",
    about: "TCP cut by GSO on a router and put together by GRO: segments are branches of one journey",
    min_kernel: (5, 17),
    seconds: 200,
    run,
};

const BULK: Expected = Expected {
    name: "bulk",
    filter: "tcp dst port 8080",
    traffic: "head -c 300000 /dev/zero | nc -n -N -w 5 -p 40001 10.72.0.1 8080",
    journeys: None,
    flows: &["tcp 10.71.0.1:40001 > 10.72.0.1:8080"],
    way: &["veth_xmit@a/va", "ip_forward@r/ra"],
    // The functions of GRO are called with the packet that takes up the others.
    branches: &[
        ("ip_forward@r/ra", 1),
        ("veth_xmit@r/rb", 5),
        ("dev_gro_receive@b/vb", 5),
        ("skb_gro_receive@b/vb", 1),
        ("tcp_v4_rcv@b/vb", 1),
    ],
};
/// An Ethernet frame with 1500 bytes.
const FRAME: u64 = 1514;

fn run(guest: &Guest) -> Result<()> {
    let router = Router::new()?;
    router.r.sh("ethtool -K rb tso off gso off")?;
    router.b.sh("ethtool -K vb gro on")?;
    let _server = router.b.listen("8080")?;
    let seen = Expected::check(&[BULK], guest, &router.a)?;
    let lengths = |function: &str, netns: &Namespace| lengths(&seen, function, netns);
    let (whole, cut, merged) =
        (lengths("ip_forward", &router.r)?, lengths("veth_xmit", &router.r)?, lengths("tcp_v4_rcv", &router.b)?);
    ensure!(whole.iter().any(|length| *length > 2 * FRAME), "nothing to cut: {whole:?}");
    ensure!(cut.iter().all(|length| *length <= FRAME), "not cut: {cut:?}");
    ensure!(merged.iter().any(|length| *length > FRAME), "nothing merged: {merged:?}");
    Ok(())
}

fn lengths(seen: &Trace, function: &str, netns: &Namespace) -> Result<Vec<u64>> {
    let netns = netns.inode()?;
    let hops = seen.hops.iter().filter(|hop| hop.func() == function && hop.netns() == Some(netns));
    Ok(hops.filter_map(|hop| hop.number("/len")).collect())
}
