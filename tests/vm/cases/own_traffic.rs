//! The tracer's own netlink and unix-socket traffic never shows, and is counted. Without a filter, what it writes to a
//! socket would otherwise be traced, written, traced again. And what has no packet at all is no hit.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::guest::Guest;
use crate::net::Pair;
use crate::tracer::Tracer;

pub(crate) const CASE: Case = Case {
    name: "own_traffic",
    about: "without a filter, writing to a unix socket: the tracer's own buffers are hidden and counted",
    min_kernel: (5, 8),
    seconds: 100,
    run,
};

/// Buffers of sockets pass these too.
const FEW: &str =
    "ip_rcv|icmp_rcv|kfree_skb.*|consume_skb|skb_release_.*|unix_.*|netlink_.*|sock_.*|skb_copy_datagram.*";

/// Called with no `sk_buff` for packets that are still to be made.
const LOOKUPS: &str = "ip_route_output_key_hash|ip_route_output_key_hash_rcu|fib_select_path";

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let (reader, writer) = UnixStream::pair()?;
    let mut running = Tracer::new(&["--filter-func", FEW]).writing_to(writer).start()?;
    let pid = u64::from(running.child.id());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    pair.ping(5)?;
    let seen = running.stop()?;
    ensure!(seen.status.success(), "{}: {}", seen.status, seen.stderr);
    let rows = receiver.iter().map(|line| serde_json::from_str(&line).context(line)).collect::<Result<Vec<Value>>>()?;
    let pings = rows.iter().filter(|row| row["func"] == "icmp_rcv").count();
    ensure!(pings == 10, "{pings} calls of icmp_rcv, not 10, among {} rows", rows.len());
    for row in &rows {
        // A packet that interrupts the tracer has a flow, or had one, or is to have one; nothing else of its pid may show.
        let is_ip = [0x0800, 0x86dd].iter().any(|protocol| row["proto"] == *protocol);
        ensure!(row["pid"] != pid || row.get("tuple").is_some() || is_ip, "the tracer's own: {row}");
    }
    let own = seen.stderr.split("; own ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    ensure!(own.is_some_and(|own| own > 0), "nothing counted as own: {}", seen.stderr);
    without_a_packet(&pair)
}

/// Routes are looked up for a packet, and before there is one.
fn without_a_packet(pair: &Pair) -> Result<()> {
    let filter = format!("ip_rcv|{LOOKUPS}");
    let mut running = Tracer::new(&["--filter-func", &filter]).start()?;
    pair.ping(1)?;
    let seen = running.stop()?;
    seen.check()?;
    ensure!(seen.functions().contains(&"ip_rcv"), "{:?}", seen.functions());
    let none = seen.hops.iter().find(|hop| u64::from_str_radix(hop.skb().trim_start_matches("0x"), 16) == Ok(0));
    ensure!(none.is_none(), "without a packet: {:?}", none.map(|hop| &hop.0));
    Ok(())
}
