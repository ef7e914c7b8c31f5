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

/// Headers with their numbers in 1.16, 1.17, 1.18 and from 1.19 on; 0 where a release has none.
const HEADERS: [(&str, [u8; 4]); 18] = [
    ("arp.h", [101, 101, 101, 0]),
    ("drop.h", [102, 102, 102, 101]),
    ("srv6.h", [103, 103, 103, 102]),
    ("icmp6.h", [104, 104, 104, 103]),
    ("nodeport.h", [105, 105, 105, 104]),
    ("lb.h", [106, 106, 106, 105]),
    ("mcast.h", [107, 107, 107, 106]),
    ("ipv4.h", [108, 108, 108, 107]),
    ("conntrack.h", [109, 109, 109, 108]),
    ("l3.h", [110, 110, 0, 0]),
    ("local_delivery.h", [0, 0, 110, 109]),
    ("trace.h", [111, 111, 111, 110]),
    ("encap.h", [112, 112, 112, 111]),
    ("encrypt.h", [113, 113, 113, 0]),
    ("host_firewall.h", [0, 114, 114, 112]),
    ("nodeport_egress.h", [0, 115, 115, 113]),
    ("ipv6.h", [0, 0, 116, 114]),
    ("classifiers.h", [0, 0, 117, 115]),
];

/// The file's name in this release (1.16 or later).
pub(in super::super) fn file(number: u8, minor: u16) -> String {
    let release = usize::from(minor.clamp(16, 19) - 16);
    // bpf_wireguard.c came with 1.17, bpf_network.c went with 1.20.
    let exists = match number {
        0 => false,
        6 => minor <= 19,
        7 => minor >= 17,
        _ => true,
    };
    let source = SOURCES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    let header = || HEADERS.iter().find(|(_, numbers)| numbers[release] == number).map(|(name, _)| *name);
    let name = source.or_else(header).filter(|_| exists);
    name.map_or_else(|| format!("unknown({number})"), str::to_owned)
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
            (0, 19, "unknown(0)"),
            (114, 16, "unknown(114)"),
            (117, 18, "classifiers.h"),
            (101, 19, "drop.h"),
        ];
        for (number, minor, expected) in cases {
            assert_eq!(file(number, minor), expected, "{number} of 1.{minor}");
        }
    }
}
