//! Times between two functions, in a line.

use super::{
    Object, duration, escape,
    json::VERSION,
    phrase::{append, plural},
};
use crate::track::Between;

/// Quantiles that are shown.
const SHARES: [(&str, &str, f64); 3] = [("p50", "p50_ns", 0.5), ("p90", "p90_ns", 0.9), ("p99", "p99_ns", 0.99)];

/// Appends `from ip_rcv to tcp_v4_rcv: 118 packets, p50 4.51 µs, p90 …, p99 …, longest 1.20 ms (packet 17); 2 never got there`.
pub fn text(between: &Between, out: &mut Vec<u8>) {
    let mut line = String::from("from ");
    escape(between.from.as_bytes(), &mut line);
    line.push_str(" to ");
    escape(between.to.as_bytes(), &mut line);
    append(format_args!(": {}", plural(between.times.count(), "packet")), &mut line);
    for (name, _, share) in SHARES {
        if let Some(time) = between.times.quantile(share) {
            append(format_args!(", {name} "), &mut line);
            duration::write(time, &mut line);
        }
    }
    if let (Some((_, most)), Some(packet)) = (between.times.range(), between.slowest) {
        line.push_str(", longest ");
        duration::write(most, &mut line);
        append(format_args!(" (packet {packet})"), &mut line);
    }
    if between.only_from > 0 {
        append(format_args!("; {} never got there", between.only_from), &mut line);
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

/// Appends the same as a JSON object on a line of its own.
pub fn json(between: &Between, out: &mut Vec<u8>) {
    let mut line = String::new();
    let mut object = Object::begin(&mut line);
    object.number("v", VERSION);
    object.text("type", |out| out.push_str("between"));
    object.foreign("from", between.from.as_bytes());
    object.foreign("to", between.to.as_bytes());
    object.number("packets", between.times.count());
    object.number("only_from", between.only_from);
    for (_, key, share) in SHARES {
        if let Some(time) = between.times.quantile(share) {
            object.number(key, time);
        }
    }
    if let (Some((least, most)), Some(packet)) = (between.times.range(), between.slowest) {
        object.number("min_ns", least);
        object.number("max_ns", most);
        object.number("slowest", packet);
    }
    object.end();
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::testing::{Script, journeys};

    #[test]
    fn in_a_line() {
        let mut script = Script::default();
        for packet in 1..=20_u64 {
            script.hit(packet * 1_000_000, packet, packet as u32, "ip_rcv");
            if packet < 20 {
                script.hit(packet * 1_010_000, packet, packet as u32, "tcp_v4_rcv");
            }
        }
        let mut between = Between::new("ip_rcv", "tcp_v4_rcv");
        for journey in journeys(&script) {
            between.add(&journey, &script.probes);
        }
        let mut out = Vec::new();
        text(&between, &mut out);
        json(&between, &mut out);
        let out = String::from_utf8(out).unwrap();
        insta::assert_snapshot!(out, @r#"
        from ip_rcv to tcp_v4_rcv: 19 packets, p50 100 µs, p90 176 µs, p99 190 µs, longest 190 µs (packet 19); 1 never got there
        {"v":1,"type":"between","from":"ip_rcv","to":"tcp_v4_rcv","packets":19,"only_from":1,"p50_ns":100352,"p90_ns":176128,"p99_ns":190000,"min_ns":10000,"max_ns":190000,"slowest":19}
        "#);
    }
}
