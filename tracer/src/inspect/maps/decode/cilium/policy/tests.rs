use super::*;
use crate::inspect::maps::decode::testing::{bytes, decode, fields, subject};

const COUNTS: &str = "0a00000000000000 e803000000000000";

fn map(pin: &str, minor: u16) -> Subject<'_> {
    let (kind, key, value) = match minor {
        ..=13 => (kind::HASH, 8, 24),
        14..=17 => (kind::LPM_TRIE, 12, 24),
        18 => (kind::LPM_TRIE, 12, 8),
        _ => (kind::LPM_TRIE, 12, 12),
    };
    let mut map = subject(pin, kind, key, value);
    map.release = Some((1, minor));
    map
}

#[test]
fn the_oldest_layout_is_a_hash() {
    let check = |key: &str, value: &str, expected: [&str; 7]| {
        let map = map("cilium_policy_00042", 13);
        assert_eq!(decode(&Map, &map, key, value).cells, expected);
    };
    let value = format!("3a98 00 00 00000000 {COUNTS}");
    check("d8660000 0050 06 00", &value, ["Allow", "Ingress", "26328", "80/TCP", "15000", "1000", "10"]);
    let denied = format!("0000 01 00 00000000 {COUNTS}");
    check("02000000 0000 00 01", &denied, ["Deny", "Egress", "2", "ANY", "NONE", "1000", "10"]);
    check("02000000 0000 01 01", &denied, ["Deny", "Egress", "2", "0/ICMP", "NONE", "1000", "10"]);
}

#[test]
fn ports_are_prefixes_from_1_14_on() {
    let check = |minor, key: &str, expected: &str| {
        let row = decode(&Map, &map("cilium_policy_v2_00042", minor), key, &format!("0000 00 01 00000000 {COUNTS}"));
        assert_eq!(row.cells[3], expected, "1.{minor}");
        assert_eq!(row.cells[5], "spire");
    };
    check(17, "40000000 d8660000 00 06 0050", "80/TCP");
    check(17, "30000000 d8660000 00 06 0000", "TCP");
    check(17, "28000000 d8660000 00 00 0000", "ANY");
    check(15, "3c000000 d8660000 00 06 0050", "0x50/12/TCP");
    check(16, "3c000000 d8660000 00 06 0050", "80-95/TCP");
    check(17, "2a000000 d8660000 00 06 0050", "<INVALID PREFIX LENGTH: 2>");
}

#[test]
fn counts_come_from_a_map_of_their_own_from_1_18_on() {
    let key = "40000000 d8660000 01 06 0050";
    let map = map("cilium_policy_v2_00042", 18);
    let row = decode(&Map, &map, key, "0000 00 81 00 00 0000");
    let cells = ["Allow", "Egress", "26328", "80/TCP", "NONE", "spire", "-", "-", "24"];
    assert_eq!(row.cells, cells);
    let counted = Stats::from([((42, 24, 26328, 1, 6, 80), (10, 1000))]);
    let Recognition::Known(layout) = recognise(&map, Some(Arc::new(counted))) else { panic!("not recognised") };
    let (key, value) = (bytes(key), bytes("0000 00 81 00 00 0000"));
    let row = layout.row(&Entry { key: &key, value: &value }).unwrap().unwrap();
    assert_eq!(row.cells[6..], ["1000", "10", "24"]);
    let expected = "endpoint=42 verdict=allow direction=egress identity=26328 ports=80/TCP protocol=TCP port=80 \
                    prefix_length=24 proxy_port=- authentication=spire packets=10 bytes=1000";
    assert_eq!(fields(&row), expected);
}

#[test]
fn cookies_came_with_1_19() {
    let map = map("cilium_policy_v2_00042", 19);
    let row = decode(&Map, &map, "28000000 00000000 00 00 0000", "0000 01 00 07000000 09000000");
    assert_eq!(row.cells, ["Deny", "Ingress", "0", "ANY", "NONE", "disabled", "-", "-", "0", "9"]);
}

#[test]
fn what_is_denied_comes_first() {
    let map = map("cilium_policy_v2_00042", 19);
    let layout = crate::inspect::maps::decode::testing::layout(&Map, &map);
    let (allowed, denied) = (bytes("0000 00 00 00000000 00000000"), bytes("0000 01 00 00000000 00000000"));
    let (low, high) = (bytes("28000000 01000000 00 00 0000"), bytes("28000000 02000000 01 00 0000"));
    let compare = |one: (&[u8], &[u8]), other: (&[u8], &[u8])| {
        layout.compare(&Entry { key: one.0, value: one.1 }, &Entry { key: other.0, value: other.1 })
    };
    assert_eq!(compare((&high, &denied), (&low, &allowed)), Ordering::Less);
    assert_eq!(compare((&low, &allowed), (&high, &allowed)), Ordering::Less);
}

#[test]
fn sizes_of_no_release_are_said() {
    assert!(matches!(recognise(&subject("cilium_policy_v2_00042", 11, 12, 16), None), Recognition::Unknown(_)));
    assert!(matches!(recognise(&subject("cilium_policystats", 10, 12, 16), None), Recognition::Other));
}
