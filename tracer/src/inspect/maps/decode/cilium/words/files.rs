//! Which source file a counter belongs to (`pkg/monitor/api/files.go`). The numbers of headers differ between releases.

const SOURCES: [(u8, &str); 7] = [
    (1, "bpf_host.c"),
    (2, "bpf_lxc.c"),
    (3, "bpf_overlay.c"),
    (4, "bpf_xdp.c"),
    (5, "bpf_sock.c"),
    (6, "bpf_network.c"),
    (7, "bpf_wireguard.c"),
];

/// Headers are numbered from here on.
const FIRST_HEADER: u8 = 101;

const HEADERS_16: [&str; 13] = [
    "arp.h",
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "l3.h",
    "trace.h",
    "encap.h",
    "encrypt.h",
];
const HEADERS_17: [&str; 15] = [
    "arp.h",
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "l3.h",
    "trace.h",
    "encap.h",
    "encrypt.h",
    "host_firewall.h",
    "nodeport_egress.h",
];
const HEADERS_18: [&str; 17] = [
    "arp.h",
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "local_delivery.h",
    "trace.h",
    "encap.h",
    "encrypt.h",
    "host_firewall.h",
    "nodeport_egress.h",
    "ipv6.h",
    "classifiers.h",
];
const HEADERS_19: [&str; 15] = [
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "local_delivery.h",
    "trace.h",
    "encap.h",
    "host_firewall.h",
    "nodeport_egress.h",
    "ipv6.h",
    "classifiers.h",
];

/// The file's name in this release (1.16 or later).
pub(in super::super) fn file(number: u8, minor: u16) -> String {
    let headers: &[&str] = match minor {
        ..=16 => &HEADERS_16,
        17 => &HEADERS_17,
        18 => &HEADERS_18,
        _ => &HEADERS_19,
    };
    // bpf_wireguard.c came with 1.17, bpf_network.c went with 1.20.
    let exists = match number {
        6 => minor <= 19,
        7 => minor >= 17,
        _ => true,
    };
    let source = SOURCES.iter().find(|(known, _)| exists && *known == number).map(|(_, name)| *name);
    let header = || headers.get(usize::from(number.checked_sub(FIRST_HEADER)?)).copied();
    source.or_else(header).map_or_else(|| format!("unknown({number})"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_the_release_says() {
        let cases = [
            (1, 16, "bpf_host.c"),
            (7, 16, "unknown(7)"),
            (7, 17, "bpf_wireguard.c"),
            (6, 20, "unknown(6)"),
            (112, 18, "encap.h"),
            (112, 19, "host_firewall.h"),
            (110, 17, "l3.h"),
            (110, 18, "local_delivery.h"),
            (115, 19, "classifiers.h"),
            (116, 19, "unknown(116)"),
            (0, 18, "unknown(0)"),
        ];
        for (number, minor, expected) in cases {
            assert_eq!(file(number, minor), expected, "{number} of 1.{minor}");
        }
    }
}
