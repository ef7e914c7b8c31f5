use super::*;
use crate::inspect::maps::decode::testing::{bytes, fields, subject};

const FRONTEND: (&str, &str) = ("0a600001 01bb 0000 06 00 0000", "00000000 0200 0102 40 00 0000");
const FIRST: (&str, &str) = ("0a600001 01bb 0100 06 00 0000", "05000000 0000 0102 40 00 0000");
const LOST: (&str, &str) = ("0a600001 01bb 0200 06 01 0000", "63000000 0000 0102 40 00 0000");

fn backends() -> Backends {
    let (key, value) = (bytes("05000000"), bytes("0a000009 192b 06 00 0000 00 00"));
    let backend = Backend::read(&Entry { key: &key, value: &value }, 18).unwrap();
    Arc::new(HashMap::from([(5, backend)]))
}

fn row(minor: u16, backends: Option<Backends>, (key, value): (&str, &str)) -> Decoded {
    let (key, value) = (bytes(key), bytes(value));
    let is_ipv6 = key.len() == 24;
    let name = if is_ipv6 { "cilium_lb6_services_v2" } else { "cilium_lb4_services_v2" };
    let mut map = subject(name, kind::HASH, key.len(), 12);
    map.release = Some((1, minor));
    let Recognition::Known(layout) = recognise(&map, backends) else { panic!("not recognised") };
    layout.row(&Entry { key: &key, value: &value }).unwrap().unwrap()
}

#[test]
fn with_backends_as_lb_list_prints_it() {
    let check = |minor, entry, expected: [&str; 2]| {
        assert_eq!(row(minor, Some(backends()), entry).cells, expected, "1.{minor}");
    };
    check(18, FRONTEND, ["10.96.0.1:443/TCP (0)", "0.0.0.0:0 (258) (0) [ClusterIP] "]);
    check(18, FIRST, ["10.96.0.1:443/TCP (1)", "10.0.0.9:6443/TCP (258) (1)"]);
    check(18, LOST, ["10.96.0.1:443/TCP/i (2)", "backend 99 not found"]);
    check(16, FIRST, ["10.96.0.1:443 (1)", "10.0.0.9:6443 (258) (1)"]);
    check(12, FRONTEND, ["10.96.0.1:443", "0.0.0.0:0 (258) (0) [ClusterIP]"]);
    check(12, LOST, ["10.96.0.1:443/i", "backend 99 not found"]);
    let proxied = ("0a600001 01bb 0000 06 00 0000", "1f900000 0200 0102 40 04 0000");
    let expected = "0.0.0.0:0 (258) (0) [ClusterIP, l7-load-balancer] (L7LB Proxy Port: 8080)";
    check(18, proxied, ["10.96.0.1:443/TCP (0)", expected]);
}

#[test]
fn without_backends_their_numbers() {
    let frontend = ("0a600001 01bb 0000 06 00 0000", "00000000 0200 0102 52 80 0100");
    assert_eq!(row(16, None, frontend).cells[1], "0 2 (258) [0x52 0x80]");
    assert_eq!(row(17, None, frontend).cells[1], "0 2[1] (258) [0x52 0x80]");
    let expected = "address=10.96.0.1 port=443 protocol=TCP scope=external slot=0 rev_nat=258 type=NodePort backends=2 \
                    quarantined=1 flags=[sessionAffinity,dsr] l7_proxy_port=-";
    assert_eq!(fields(&row(18, None, frontend)), expected);
}

#[test]
fn ipv6() {
    let key = "fd000000000000000000000000000001 0050 0000 06 00 0000";
    assert_eq!(
        row(18, Some(backends()), (key, "00000000 0100 0001 40 00 0000")).cells,
        ["[fd00::1]:80/TCP (0)", "[::]:0 (1) (0) [ClusterIP] "]
    );
}

#[test]
fn the_key_of_a_slot_is_the_one_in_the_map() {
    assert_eq!(key("10.96.0.1".parse().unwrap(), 443, 6, 1), bytes(FIRST.0));
    let ipv6 = "fd000000000000000000000000000001 0050 0000 06 00 0000";
    assert_eq!(key("fd00::1".parse().unwrap(), 80, 6, 0), bytes(ipv6));
}
