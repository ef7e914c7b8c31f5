//! The memory that packets are made in still holds those before them: no packet is judged by what another one left there.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::bpf::within;
use crate::guest::Guest;
use crate::journeys::{followed, journeys};
use crate::net::Pair;
use crate::tracer::Hop;

pub(crate) const CASE: Case = Case {
    name: "stale_memory",
    about: "two flows of datagrams of one size, in memory that is not cleared: only those asked for have journeys",
    min_kernel: (5, 17),
    seconds: 200,
    run,
};

/// Of each flow and family, from sockets without a peer.
const DATAGRAMS: usize = 50;
/// The flow that is asked for, and one whose datagrams take the memory in turn with its.
const PORTS: [(u16, u16); 2] = [(40001, 5001), (40002, 5002)];
const SOON: Duration = Duration::from_secs(10);
/// Called before a datagram has its header.
const SENDS: [&str; 2] = ["udp_send_skb", "udp_v6_send_skb"];
/// What a datagram passes while it is made, and then.
const FEW: &str = "ip_send_skb|ip6_send_skb|ip_output|ip6_output|ip6_finish_output|veth_xmit|skb_push|skb_set_owner_w|\
                   udp_send_skb|udp_v6_send_skb|udp_rcv|udpv6_rcv";

fn run(guest: &Guest) -> Result<()> {
    let line = std::fs::read_to_string("/proc/cmdline")?;
    ensure!(line.contains("init_on_alloc=0"), "this kernel clears memory: {line}");
    let pair = Pair::new()?;
    pair.ping(1)?;
    pair.ping6(1)?;
    let receivers: Vec<_> = PORTS.iter().map(|(_, port)| bound("b", *port)).collect::<Result<_>>()?;
    for (address, flow) in
        [(Pair::B4, "udp 10.77.0.1:40001 > 10.77.0.2:5001"), (Pair::B6, "udp fd77::1:40001 > fd77::2:5001")]
    {
        without_peer(guest, &receivers, address, flow).with_context(|| format!("sockets without a peer, {address}"))?;
        with_peer(guest, &receivers[0], address, flow).with_context(|| format!("a socket with a peer, {address}"))?;
    }
    Ok(())
}

/// A socket of both families.
fn bound(namespace: &str, port: u16) -> Result<UdpSocket> {
    let socket = within(Some(namespace), || UdpSocket::bind(("::", port)))?;
    socket.set_read_timeout(Some(SOON))?;
    Ok(socket)
}

/// Each datagram of the flow has its journey, which is its own from the first hit on, and no other one has.
fn without_peer(guest: &Guest, receivers: &[UdpSocket], address: &str, flow: &str) -> Result<()> {
    let sockets = PORTS.iter().map(|(from, to)| Ok((bound("a", *from)?, peer(address, *to)?)));
    let sockets: Vec<_> = sockets.collect::<Result<_>>()?;
    let send = || -> io::Result<()> {
        for _ in 0..DATAGRAMS {
            for ((socket, peer), receiver) in sockets.iter().zip(receivers) {
                socket.send_to(b"of one size", peer)?;
                receiver.recv(&mut [0; 16])?;
            }
        }
        Ok(())
    };
    let seen = followed(&args(guest, "udp and src port 40001 and dst port 5001"), || Ok(send()?))?;
    let journeys = journeys(&seen)?;
    ensure!(journeys.len() == DATAGRAMS, "{} journeys of {DATAGRAMS}", journeys.len());
    for journey in &journeys {
        journey.is_one_packet(&[flow])?;
        // Where the ports are still to come, the flow that the function is called with tells them.
        ensure!(SENDS.contains(&journey.hops[0].func()), "{}", journey.story());
    }
    Ok(())
}

/// A socket that has a peer knows the ports before they are written: that hit is judged, and says them.
fn with_peer(guest: &Guest, receiver: &UdpSocket, address: &str, flow: &str) -> Result<()> {
    let (from, to) = PORTS[0];
    let socket = bound("a", from)?;
    socket.connect(peer(address, to)?)?;
    let seen = followed(&args(guest, "udp and src port 40001 and dst port 5001"), || {
        socket.send(b"one")?;
        receiver.recv(&mut [0; 16]).map(drop).map_err(Into::into)
    })?;
    let journeys = journeys(&seen)?;
    let [journey] = &journeys[..] else { anyhow::bail!("{} journeys of one datagram", journeys.len()) };
    journey.is_one_packet(&[flow])?;
    let unwritten = |hop: &&&Hop| SENDS.contains(&hop.func());
    let hop = journey.hops.iter().find(unwritten).with_context(|| journey.story())?;
    ensure!(hop.flow().as_deref() == Some(flow), "{}", hop.0);
    Ok(())
}

fn args<'a>(guest: &Guest, filter: &'a str) -> Vec<&'a str> {
    if guest.has_kprobe_multi() { vec![filter] } else { vec!["--filter-func", FEW, filter] }
}

fn peer(address: &str, port: u16) -> Result<SocketAddr> {
    let mapped = if address.contains(':') { address.to_owned() } else { format!("::ffff:{address}") };
    Ok(SocketAddr::new(mapped.parse()?, port))
}
