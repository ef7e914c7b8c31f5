//! Bytes behind the linear part of an `sk_buff` are matched and shown: what TCP sends lies there, and behind a packet socket's
//! ring even the headers do.

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::bpf::ifindex;
use crate::guest::Guest;
use crate::net::Pair;
use crate::packet_ring;
use crate::tracer::{Hop, Trace, trace};

pub(crate) const CASE: Case = Case {
    name: "beyond_linear",
    about: "payload and headers behind the linear part: matched in the kernel, and shown",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

/// For kernels that attach one by one.
const FEW: &str = "ip_output|dev_hard_start_xmit|veth_xmit|__netif_receive_skb_core.*|ip_rcv|tcp_v4_rcv";
/// The first four bytes behind the TCP header, whatever its length: `GET `.
const PAYLOAD: &str = "tcp dst port 8081 and tcp[(tcp[12] & 0xf0) >> 2:4] = 0x47455420";
const PIECES: &str = "skb->data_len";
const WAY: &[&str] = &["ip_output", "veth_xmit", "ip_rcv", "tcp_v4_rcv"];

fn run(guest: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let _server = pair.b.listen("8081")?;
    pair.ping(1)?;
    payload(guest, &pair).context("payload")?;
    headers(guest, &pair).context("headers")
}

fn traced(guest: &Guest, filter: &str, traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let how: &[&str] = if guest.has_kprobe_multi() { &[] } else { &["--filter-func", FEW] };
    let seen = trace(&[how, &["--no-track", "--output-skb-metadata", PIECES, filter]].concat(), traffic)?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}");
    Ok(seen)
}

/// The request that begins so, and none that does not.
fn payload(guest: &Guest, pair: &Pair) -> Result<()> {
    let seen = traced(guest, PAYLOAD, || {
        pair.a.sh("printf \"PUT / HTTP/1.0\\r\\n\" | nc -n -q 0 -w 2 -p 40001 10.77.0.2 8081")?;
        pair.a.sh("printf \"GET / HTTP/1.0\\r\\n\" | nc -n -q 0 -w 2 -p 40002 10.77.0.2 8081").map(drop)
    })?;
    seen.packet_passes(WAY)?;
    for hop in &seen.hops {
        ensure!(hop.number("/tuple/sport") == Some(40002) && in_pieces(hop) > 0, "{}", hop.0);
    }
    Ok(())
}

/// As long as no header lies in the linear part, no other filter could match either.
fn headers(guest: &Guest, pair: &Pair) -> Result<()> {
    let hardware = pair.b.sh("cat /sys/class/net/vb/address")?;
    let frame = datagram(&hardware)?;
    let seen = traced(guest, "udp dst port 7777 and src host 10.77.0.1", || {
        packet_ring::send("a", ifindex(&pair.a, "va")?, &frame)
    })?;
    let hop = seen.hops.iter().find(|hop| hop.func() == "veth_xmit");
    let hop = hop.with_context(|| format!("no veth_xmit: {:?}\n{}", seen.functions(), seen.stderr))?;
    ensure!(hop.number("/len") == Some(in_pieces(hop) + 14), "not as it should be sent: {}", hop.0);
    let whole = "udp 10.77.0.1:7778 > 10.77.0.2:7777";
    ensure!(hop.flow().as_deref() == Some(whole), "{}", hop.0);
    for hop in &seen.hops {
        // Once IP has pulled its own header into the linear part, that one alone is shown until UDP pulls its own.
        let flow = hop.flow().unwrap_or_default();
        ensure!([whole, "udp 10.77.0.1 > 10.77.0.2"].contains(&flow.as_str()), "`{flow}`: {}", hop.0);
    }
    ensure!(seen.functions().contains(&"ip_rcv"), "{:?}", seen.functions());
    Ok(())
}

fn in_pieces(hop: &Hop) -> u64 {
    hop.0["metadata"][PIECES].as_u64().unwrap_or_default()
}

/// A UDP datagram without a checksum, in an Ethernet frame to a hardware address as sysfs prints it.
fn datagram(to: &str) -> Result<Vec<u8>> {
    let to = to.trim().split(':').map(|byte| u8::from_str_radix(byte, 16));
    let mut frame = to.collect::<Result<Vec<u8>, _>>().context("no hardware address")?;
    ensure!(frame.len() == 6, "no hardware address");
    frame.extend([2, 0, 0, 0, 0, 1, 0x08, 0x00]);
    let mut ip = [0x45, 0, 0, 32, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2];
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    for half in [7778u16, 7777, 12, 0] {
        frame.extend(half.to_be_bytes());
    }
    frame.extend(*b"ring");
    Ok(frame)
}
