//! How long filters take to compile: `cargo run --release --example compile_time`.
#![expect(clippy::print_stdout, reason = "printing is all that it does")]

use std::time::{Duration, Instant};

use skbtrail::filter::{Anywhere, Request, compile};

/// The expressions of the comparison with tcpdump.
const EXPRESSIONS: &str = include_str!("../../tests/filter/expressions.txt");
/// Each is compiled so often; the median counts.
const TIMES: usize = 9;

fn main() {
    let plain = EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned);
    let keys = skbtrail::filter::keys().flat_map(|(_, _, examples)| examples.iter().map(|text| (*text).to_owned()));
    let mixed = [
        "inner(inner(host 10.0.0.1 and tcp port 80)) and (drop or func tcp_.*) and not ifname lo and skb->dev->mtu > 1500",
    ];
    print("expressions of the tests", plain.chain(keys).chain(mixed.map(str::to_owned)).collect());
    let many = |count: u32, part: fn(u32) -> String| (0..count).map(part).collect::<Vec<_>>().join(" or ");
    print(
        "the largest that may be typed",
        vec![
            many(900, |i| format!("ifname abc{i}")),
            many(700, |i| format!("comm c{i} and pid {i}")),
            many(400, |i| format!("netns {i} and ip[{}] = 1 and mark & {i} = {i}", i % 60)),
            many(250, |i| format!("(inner(port {i}) and not inner(host 10.0.0.{i}))")),
            many(250, |i| format!("inner(inner(inner(ip[{i}] = 1 or ip6[{i}] = 2)))")),
            many(500, |i| format!("host 10.0.{}.{} and port {i}", i % 250, i % 7)),
            many(300, |i| format!("host fd00::{i:x} and not portrange {i}-{}", 2 * i + 5)),
            many(450, |i| format!("(skb->a > {i} and skb->b & {i} < 7)")),
            many(700, |i| format!("pid {i} or mark & {i} = 1")),
            many(800, |i| format!("(ip[{}] = {})", i % 100, i % 250)),
        ],
    );
}

fn print(title: &str, expressions: Vec<String>) {
    let mut taken: Vec<(Duration, String)> = expressions.into_iter().map(|text| (time(&text), text)).collect();
    taken.sort_unstable_by(|one, other| other.cmp(one));
    let sum: Duration = taken.iter().map(|(time, _)| *time).sum();
    println!("{title}: {} of them, mean {:?}, longest", taken.len(), sum / taken.len() as u32);
    for (time, text) in taken.iter().take(5) {
        println!("  {time:>10.1?}  {}", text.chars().take(90).collect::<String>());
    }
}

fn time(expression: &str) -> Duration {
    let mut times = [Duration::ZERO; TIMES];
    for time in &mut times {
        let start = Instant::now();
        let _ = compile(&Request { expression, environment: &Anywhere, ..Request::default() });
        *time = start.elapsed();
    }
    times.sort_unstable();
    times[TIMES / 2]
}
