use super::*;
use crate::inspect::maps::decode::{
    kind,
    testing::{bytes, decode, fields, subject},
};

fn cells(decoder: &dyn Decoder, pin: &str, kind: u32, key: &str, value: &str) -> String {
    let map = subject(pin, kind, bytes(key).len(), bytes(value).len());
    decode(decoder, &map, key, value).cells.join(" | ")
}

/// `::ffff:` and an address of four bytes.
fn mapped(address: &str) -> String {
    format!("00000000000000000000ffff{address}")
}

#[test]
fn where_a_socket_wanted_to_go() {
    let check = |value: &str| {
        let text = cells(&redirects::COOKIES, "cookie_original_dst", kind::LRU_HASH, "3412000000000000", value);
        assert_eq!(text, "0x1234 | 10.96.203.65:5000 | 4711 | known");
    };
    check("67120000 0a60cb41 1388 0100");
    check(&format!("{} 67120000 1388 0100", mapped("0a60cb41")));
    let text = cells(
        &redirects::COOKIES,
        "osm_cki_fib",
        kind::LRU_HASH,
        "3412000000000000",
        "fd000000000000000000000000000001 00000000 1388 0000",
    );
    assert_eq!(text, "0x1234 | [fd00::1]:5000 | - | -");
}

#[test]
fn connections() {
    let narrow = ("7f000001 7f800001 a112 3a99", "67120000 0a60cb41 1388 0900");
    let expected = "127.0.0.1:41234 | 127.128.0.1:15001 | 10.96.203.65:5000 | 4711 | known,tc";
    assert_eq!(cells(&redirects::PAIRS, "pair_original_dst", kind::LRU_HASH, narrow.0, narrow.1), expected);
    let key = format!("{}{} a112 3a99", mapped("7f000001"), mapped("7f800001"));
    let value = format!("{} 67120000 1388 0900", mapped("0a60cb41"));
    for pin in ["pair_original_dst", "osm_nat_fib"] {
        assert_eq!(cells(&redirects::PAIRS, pin, kind::LRU_HASH, &key, &value), expected);
    }
    // Of a sockhash there is no value.
    let map = subject("sock_pair_map", kind::SOCKHASH, 36, 4);
    let row = decode(&redirects::SOCKETS, &map, &key, "");
    assert_eq!(fields(&row), "source=127.0.0.1:41234 destination=127.128.0.1:15001");
    assert!(is_made_up("127.128.0.1".parse().unwrap()) && is_made_up("127.143.255.255".parse().unwrap()));
    assert!(!is_made_up("127.0.0.1".parse().unwrap()) && !is_made_up("127.144.0.0".parse().unwrap()));
}

/// A `struct pod_config` with `most` places: two networks that are left out, one port each of the other kinds.
fn config(most: usize) -> String {
    let mut value = vec![0_u8; 4 + 2 * most * 8 + 4 * most * 2];
    let mut put = |at: usize, hex: &str| {
        let hex = bytes(hex);
        value[at..at + hex.len()].copy_from_slice(&hex);
    };
    put(0, "8d3c");
    put(4, "0a000000 08000000 ac100000 0c000000");
    put(4 + most * 8, "0a600000 10000000");
    let ports = 4 + 2 * most * 8;
    put(ports, "8813");
    put(ports + 2 * most, "5000 bb01");
    put(ports + 4 * most, "903a");
    put(ports + 6 * most, "1600");
    value.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn pods() {
    let expected = "10.244.1.4 | in: only 5000 but 14992; out: only 80,443,10.96.0.0/16 but 22,10.0.0.0/8,172.16.0.0/12; \
                    status port 15501";
    let wide = mapped("0af40104");
    for (pin, key, most) in [
        ("local_pod_ips", "0af40104", 10),
        ("local_pod_ips", &wide, 10),
        ("local_pod_ips", &wide, 20),
        ("osm_pod_fib", &wide, 20),
    ] {
        assert_eq!(cells(&pods::PODS, pin, kind::HASH, key, &config(most)), expected, "{pin} {most}");
    }
    assert_eq!(cells(&pods::PODS, "local_pod_ips", kind::HASH, "0af40104", "01000000"), "10.244.1.4 | -");
    let all = "00".repeat(244);
    assert_eq!(cells(&pods::PODS, "local_pod_ips", kind::HASH, "0af40104", &all), "10.244.1.4 | in: all; out: all");
}

#[test]
fn lists_that_are_full_have_no_end_mark() {
    let value = format!("{}{}", "00".repeat(4 + 160), "5000".repeat(40));
    let map = subject("local_pod_ips", kind::HASH, 4, 244);
    let row = decode(&pods::PODS, &map, "0af40104", &value);
    let ports = "[80,80,80,80,80,80,80,80,80,80]";
    assert!(fields(&row).ends_with(&format!("exclude_in_ports={ports} exclude_out_ports={ports}")), "{}", fields(&row));
}

#[test]
fn who_belongs_to_the_mesh() {
    assert_eq!(cells(&pods::PROCESSES, "process_ip", kind::LRU_HASH, "67120000", "0af40104"), "4711 | 10.244.1.4");
    assert_eq!(cells(&pods::MARKS, "mark_pod_ips_map", kind::HASH, "39050000", "0af40104"), "0x539 | 10.244.1.4");
    let value = mapped("0af40104");
    assert_eq!(cells(&pods::MARKS, "osm_mark_fib", kind::HASH, "39050000", &value), "0x539 | 10.244.1.4");
    let value = format!("d204000000000000 01000000 {value} 0200 0700");
    let text = cells(&pods::CGROUPS, "cgroup_info_map", kind::LRU_HASH, "d204000000000000", &value);
    assert_eq!(text, "1234 | yes | 10.244.1.4 | dns | ambient,dns,ztunnel");
    let text = cells(&pods::SETTINGS, "settings", kind::HASH, "01000000", &mapped("0af40105"));
    assert_eq!(text, "ztunnel address | 10.244.1.5");
}
