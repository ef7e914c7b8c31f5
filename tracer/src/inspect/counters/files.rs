//! Counters from the files of `/proc/net`, as text.

use super::known::{CONNTRACK, Known, PROTOCOL, SOFTNET};

/// A counter's place, name and value.
pub(super) type Found = (String, String, u64);

/// Columns of `softnet_stat`, of which those named in [`SOFTNET`] are taken. The CPU's number is one since 5.10; before,
/// lines stand for CPUs in their order.
const SOFTNET_COLUMNS: [(usize, &str); 3] = [(1, SOFTNET[0].0), (2, SOFTNET[1].0), (10, SOFTNET[2].0)];
const SOFTNET_CPU: usize = 12;

/// `softnet_stat`: a line for each CPU, columns in hexadecimal.
pub(super) fn softnet(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(0_u64..) {
        let columns: Vec<u64> = line.split_whitespace().map_while(hexadecimal).collect();
        let cpu = columns.get(SOFTNET_CPU).copied().unwrap_or(number);
        for (column, name) in SOFTNET_COLUMNS {
            found.extend(columns.get(column).map(|value| (format!("cpu {cpu}"), name.to_owned(), *value)));
        }
    }
    found
}

/// `snmp` and `netstat`: a line of names, then one of values, both with the protocol in front.
pub(super) fn paired(text: &str) -> Vec<Found> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let Some((protocol, names)) = names.split_once(':') else { continue };
        let values = values.split_once(':').map_or("", |(_, values)| values);
        // A value may be negative (`TcpMaxConn -1`); none of those that count is.
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            found.extend(protocol_counter(&format!("{protocol}{name}"), value));
        }
    }
    found
}

/// `snmp6`: a name and a value a line.
pub(super) fn single(text: &str) -> Vec<Found> {
    text.lines().filter_map(|line| protocol_counter(line.split_whitespace().next()?, last(line)?)).collect()
}

/// `xfrm_stat`: the same, and all of it is errors.
pub(super) fn xfrm(text: &str) -> Vec<Found> {
    let counter = |line: &str| {
        let name = line.split_whitespace().next()?;
        Some((String::new(), name.to_owned(), last(line)?.parse().ok()?))
    };
    text.lines().filter_map(counter).collect()
}

/// `stat/nf_conntrack`: names, then a line for each CPU in hexadecimal; they are summed.
pub(super) fn conntrack(text: &str) -> Vec<Found> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let mut sums = vec![0_u64; names.len()];
    for line in lines {
        for (sum, value) in sums.iter_mut().zip(line.split_whitespace().map_while(hexadecimal)) {
            *sum = sum.saturating_add(value);
        }
    }
    let wanted = names.iter().zip(sums).filter(|(name, _)| is_in(CONNTRACK, name));
    wanted.map(|(name, sum)| (String::new(), (*name).to_owned(), sum)).collect()
}

fn protocol_counter(name: &str, value: &str) -> Option<Found> {
    let value = value.parse().ok().filter(|_| is_in(PROTOCOL, name))?;
    Some((String::new(), name.to_owned(), value))
}

fn is_in(list: &[Known], name: &str) -> bool {
    list.iter().any(|(known, _)| *known == name)
}

fn last(line: &str) -> Option<&str> {
    line.split_whitespace().nth(1)
}

fn hexadecimal(word: &str) -> Option<u64> {
    u64::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[Found], expected: &[(&str, &str, u64)]) {
        let found: Vec<_> = found.iter().map(|(at, name, value)| (at.as_str(), name.as_str(), *value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn softnet_counts_by_cpu() {
        let new = "0000001a 00000002 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004 \
                   00000000 00000007 00000000 00000000\n";
        let expected = [("cpu 7", "dropped", 2), ("cpu 7", "time_squeeze", 3), ("cpu 7", "flow_limit", 4)];
        check(&softnet(new), &expected);
        check(&softnet("1 a\n2 b\n"), &[("cpu 0", "dropped", 10), ("cpu 1", "dropped", 11)]);
        check(&softnet("nonsense\n"), &[]);
    }

    #[test]
    fn names_and_values_stand_in_pairs_of_lines() {
        let text = "Ip: Forwarding InHdrErrors\nIp: 1 5\nTcp: MaxConn RetransSegs\nTcp: -1 7\nTcpExt: ListenDrops New\n\
                    TcpExt: 9\nUdp: NoPorts\n";
        check(&paired(text), &[("", "IpInHdrErrors", 5), ("", "TcpRetransSegs", 7), ("", "TcpExtListenDrops", 9)]);
        check(&paired("x\ny\n"), &[]);
    }

    #[test]
    fn a_name_and_a_value_a_line() {
        check(&single("Ip6InReceives   \t 4\nIp6InNoRoutes \t\t17\nIp6InHdrErrors\n"), &[("", "Ip6InNoRoutes", 17)]);
        check(&xfrm("XfrmInNoStates  \t3\nXfrmBroken x\n"), &[("", "XfrmInNoStates", 3)]);
    }

    #[test]
    fn conntrack_is_summed_over_cpus() {
        let text = "entries  clashres found invalid drop\n0000000a 1 2 00000003 0000000f\n0000000a 1 2 1 1\n";
        check(&conntrack(text), &[("", "invalid", 4), ("", "drop", 16)]);
        check(&conntrack(""), &[]);
    }
}
