use super::*;
use crate::inspect::maps::decode::{
    Entry, Recognition, Subject, kind, recognise,
    testing::{bytes, decode, fields, layout, subject},
    versions::Versions,
};

/// The cell of an entry of a map that is pinned under this name.
fn cell(decoder: &dyn Decoder, pin: &str, kind: u32, key: &str, value: &str) -> String {
    let map = Subject { now: 63_200_000_000, ..subject(pin, kind, bytes(key).len(), bytes(value).len()) };
    decode(decoder, &map, key, value).cells.join(" | ")
}

const LEG_SYN_ACK: &str = "0010000000000000 08000000 01020304 23000000 07000000";
const TCP: &str = "06000000 0a410002 0a410003 12a1 5000";

/// `last_seen` 1.2 s after boot.
fn connection(kind: &str, flags: [&str; 4], rest: &str) -> String {
    let [low, middle, high, second] = flags;
    format!("0000000000000000 008c864700000000 {kind} {low} {middle} {high} 000000 {second} {rest}")
}

fn normal(flags: [&str; 4], legs: [&str; 2]) -> String {
    connection("00", flags, &format!("{} {} {}", legs[0], legs[1], "00".repeat(16)))
}

const NO_FLAGS: [&str; 4] = ["00"; 4];

#[test]
fn connections_as_the_tool_prints_them() {
    let check = |value: &str, expected: &str| {
        assert_eq!(cell(&conntrack::MAP, "cali_v4_ct4", kind::LRU_HASH, TCP, value), expected);
        assert_eq!(cell(&conntrack::MAP, "cali_v4_ct3", kind::HASH, TCP, value), expected);
    };
    check(&normal(NO_FLAGS, [LEG_SYN_ACK; 2]), "TCP 10.65.0.2:41234 -> 10.65.0.3:80  Active ago 1m2s ESTABLISHED");
    // The flag says that b began; a FIN on one side ends it where answers take another way.
    let fin = LEG_SYN_ACK.replace("23000000", "27000000");
    check(
        &normal(["00", "00", "00", "01"], [&fin, LEG_SYN_ACK]),
        "TCP 10.65.0.3:80 -> 10.65.0.2:41234  Active ago 1m2s ESTABLISHED",
    );
    check(
        &normal(["02", "00", "00", "00"], [&fin, LEG_SYN_ACK]),
        "TCP 10.65.0.2:41234 -> 10.65.0.3:80  Active ago 1m2s CLOSED",
    );
    let reset = LEG_SYN_ACK.replace("23000000", "2b000000");
    check(&normal(NO_FLAGS, [&reset, LEG_SYN_ACK]), "TCP 10.65.0.2:41234 -> 10.65.0.3:80  Active ago 1m2s RESET");
    let reverse = connection(
        "02",
        ["00", "00", "00", "02"],
        &format!("{LEG_SYN_ACK} {LEG_SYN_ACK} ac120003 0a600001 bb01 1127 00000000"),
    );
    check(
        &reverse,
        "TCP 10.65.0.2:41234 -> 10.96.0.1:443 -> 10.65.0.3:80 external client, service forwarded to/from 172.18.0.3 \
         source port changed from 10001  Active ago 1m2s ESTABLISHED",
    );
    let forward = connection("01", NO_FLAGS, &format!("{TCP} 1127 {}", "00".repeat(46)));
    check(
        &forward,
        "ConntrackKey{proto=6 10.65.0.2:41234 <-> 10.65.0.3:80} -> Entry{Type:1, LastSeen:1200000000, Flags: <none> \
         REVKey: ConntrackKey{proto=6 10.65.0.2:41234 <-> 10.65.0.3:80} NATSPort: 10001} Active ago 1m2s",
    );
}

#[test]
fn a_connection_raw_and_by_the_clock() {
    let (key, value) = (bytes(TCP), bytes(&normal(["01", "01", "00", "20"], [LEG_SYN_ACK; 2])));
    let connection = conntrack::read(&Entry { key: &key, value: &value }, &conntrack::MAP.known[0]).unwrap();
    assert_eq!(
        conntrack::raw(&connection, 63_200_000_000),
        "ConntrackKey{proto=6 10.65.0.2:41234 <-> 10.65.0.3:80} -> Entry{Type:0, LastSeen:1200000000, Flags: 0x12001 \
         nat-out no-dsr maglev Data: {A2B:{Bytes:4096 Packets:8 Seqno:16909060 SynSeen:true AckSeen:true FinSeen:false \
         RstSeen:false Approved:false Opener:true Workload:false Ifindex:7} B2A:{Bytes:4096 Packets:8 Seqno:16909060 \
         SynSeen:true AckSeen:true FinSeen:false RstSeen:false Approved:false Opener:true Workload:false Ifindex:7} \
         OrigDst:0.0.0.0 OrigSrc:0.0.0.0 OrigPort:0 OrigSPort:0 TunIP:0.0.0.0}} Active ago 1m2s ESTABLISHED"
    );
    assert_eq!(
        fields(&conntrack::decoded(&connection, 63_200_000_000)),
        "protocol=TCP protocol_number=6 a=10.65.0.2:41234 b=10.65.0.3:80 type=normal began=a a_to_b_bytes=4096 \
         a_to_b_packets=8 a_to_b_seen=[syn,ack,opener] a_to_b_ifindex=7 b_to_a_bytes=4096 b_to_a_packets=8 \
         b_to_a_seen=[syn,ack,opener] b_to_a_ifindex=7 state=ESTABLISHED flags=[nat-out,no-dsr,maglev] \
         last_seen_ns=1200000000 active_ago_ns=62000000000 created_or_reset_ns=0"
    );
}

#[test]
fn connections_of_other_layouts() {
    let client = "fd000000000000000000000000000001";
    let server = "fd000000000000000000000000000002";
    let service = "fd000000000000000000000000000003";
    let key = format!("11000000 {client} {server} 3930 3500");
    let value = connection(
        "02",
        NO_FLAGS,
        &format!("{LEG_SYN_ACK} {LEG_SYN_ACK} {} {service} 3500 0000 {} 00000000", "00".repeat(16), "00".repeat(16)),
    );
    assert_eq!(
        cell(&conntrack::MAP, "cali_v6_ct4", kind::LRU_HASH, &key, &value),
        "UDP fd00::1:12345 -> fd00::3:53 -> fd00::2:53  Active ago 1m2s"
    );
    // The second version: legs of 12 bytes, which count nothing.
    let short = "01020304 03000000 07000000";
    let value = connection("02", NO_FLAGS, &format!("{short} {short} 0a600001 bb01 0000 00000000 00000000"));
    assert_eq!(
        cell(&conntrack::MAP, "cali_v4_ct2", kind::HASH, TCP, &value),
        "TCP 10.65.0.2:41234 -> 10.96.0.1:443 -> 10.65.0.3:80  Active ago 1m2s ESTABLISHED"
    );
    // A kind that no release has is said to be one.
    let unknown = normal(NO_FLAGS, [LEG_SYN_ACK; 2]).replacen("00000000 00 00", "00000000 09 00", 1);
    let unknown = cell(&conntrack::MAP, "cali_v4_ct4", kind::LRU_HASH, TCP, &unknown);
    assert!(unknown.contains("Type:9") && unknown.contains("TYPE INVALID"), "{unknown}");
}

#[test]
fn services() {
    let check = |map: &Versions, pin: &str, kind: u32, key: &str, value: &str, expected: &str| {
        assert_eq!(cell(map, pin, kind, key, value), expected);
    };
    let value = "01000000 01000000 00000000 00000000 00000000";
    check(
        &nat::FRONTENDS,
        "cali_v4_nat_fe3",
        kind::LPM_TRIE,
        "38000000 0a600001 bb01 06 00000000 00",
        value,
        "10.96.0.1 port 443 proto 6 id 1 count 1 local 0",
    );
    check(
        &nat::FRONTENDS,
        "cali_v4_nat_fe3",
        kind::LPM_TRIE,
        "40000000 0a600001 bb01 06 ac000000 00",
        "02000000 ffffffff 00000000 00000000 0b000000",
        "10.96.0.1 port 443 proto 6 id 2 count -1 local 0 flags external-local, internal-local, maglev src 172.0.0.0/8",
    );
    check(
        &nat::FRONTENDS,
        "cali_v6_nat_fe3",
        kind::LPM_TRIE,
        &format!("98000000 fd000000000000000000000000000003 3500 11 {} 00", "00".repeat(16)),
        value,
        "fd00::3 port 53 proto 17 id 1 count 1 local 0",
    );
    let (key, value) = ("01000000 00000000", "ac120002 2b19 0000");
    check(&nat::BACKENDS, "cali_v4_nat_be", kind::HASH, key, value, "1:0 172.18.0.2:6443");
    check(&nat::MAGLEV, "cali_v4_mglv2", kind::HASH, key, value, "svc 1 ordinal 0 -> 172.18.0.2:6443");
    let value = "fd000000000000000000000000000002 2b19 0000";
    check(&nat::BACKENDS, "cali_v6_nat_be", kind::HASH, key, value, "1:0 [fd00::2]:6443");
    check(
        &nat::AFFINITY,
        "cali_v4_nat_aff",
        kind::LRU_HASH,
        "0a600001 bb01 06 00 0a000001 00000000",
        "0a000002 2b19 0000 00ec7c6f0e000000",
        "client 10.0.0.1 svc proto 6 10.96.0.1:443 -> 10.0.0.2:6443 ts 1m2s",
    );
    check(
        &nat::REVERSALS,
        "cali_v4_srmsg",
        kind::LRU_HASH,
        "3412000000000000 0a000002 00350000",
        "0a60000a 00350000",
        "socket 0x0000000000001234: answers from 10.0.0.2:53 shown as 10.96.0.10:53",
    );
}

#[test]
fn an_affinity_of_ipv6() {
    let key =
        format!("{} bb01 06 00 {} 00000000", "fd000000000000000000000000000003", "fd000000000000000000000000000001");
    let value = "fd000000000000000000000000000002 2b19 0000 00000000 00ec7c6f0e000000";
    assert_eq!(
        cell(&nat::AFFINITY, "cali_v6_nat_aff", kind::LRU_HASH, &key, value),
        "client fd00::1 svc proto 6 [fd00::3]:443 -> [fd00::2]:6443 ts 1m2s"
    );
}

#[test]
fn the_network_around() {
    let route = |key: &str, value: &str| cell(&node::ROUTES, "cali_v4_routes", kind::LPM_TRIE, key, value);
    let cases = [
        ("1a000000 0a410100", "07000000 ac120003", "   10.65.1.0/26: remote workload in-pool nat-out nh 172.18.0.3"),
        ("20000000 0a410002", "0f000000 07000000", "   10.65.0.2/32: local workload in-pool nat-out idx 7"),
        ("20000000 ac120002", "18000000 00000000", "  172.18.0.2/32: local host"),
        ("20000000 ac120003", "d0000000 00000000", "  172.18.0.3/32: remote host no-dsr tunneled"),
        ("18000000 0a420000", "00010000 00000000", "   10.66.0.0/24: blackhole-drop"),
        ("18000000 0a420000", "04140000 ac120003", "   10.66.0.0/24: remote workload nh 172.18.0.3 vxlan 0x1000"),
        ("00000000 00000000", "00000000 00000000", "      0.0.0.0/0: remote"),
    ];
    for (key, value, expected) in cases {
        assert_eq!(route(key, value), expected);
    }
    assert_eq!(
        cell(
            &node::ROUTES,
            "cali_v6_routes",
            kind::LPM_TRIE,
            "40000000 fd000000000000000000000000000000",
            "05000000 fd000000000000000000000000000003",
        ),
        "      fd00::/64: remote workload in-pool nh fd00::3"
    );
    let set = |key: &str| cell(&node::IP_SETS, "cali_v4_ip_sets", kind::LPM_TRIE, key, "01000000");
    assert_eq!(set("60000000 1234567890abcdef 0a410009 0000 00 00"), "IP set 0x1234567890abcdef   10.65.0.9/32");
    assert_eq!(
        set("78000000 1234567890abcdef 0a410009 5000 06 00"),
        "IP set 0x1234567890abcdef   10.65.0.9:80 (proto 6)"
    );
    let neighbour =
        cell(&node::NEIGHBOURS, "cali_v4_arp2", kind::LRU_HASH, "ac120003 02000000", "0242ac120002 0242ac120003");
    assert_eq!(neighbour, "dev    2:      172.18.0.3 : 02:42:ac:12:00:02 -> 02:42:ac:12:00:03");
    let failsafe =
        cell(&node::FAILSAFES, "cali_v4_fsafes2", kind::LPM_TRIE, "20000000 1600 06 00 00000000", "01000000");
    assert_eq!(failsafe, "proto 6 port 22 inbound 0.0.0.0/0");
}

#[test]
fn interfaces() {
    let name = "63616c69313233 000000000000000000";
    let value = format!("03000000 {name} ffffffff 03000000 04000000 ffffffff ffffffff ffffffff ffffffff 09000000");
    assert_eq!(
        cell(&interfaces::STATES, "cali_iface4", kind::HASH, "07000000", &value),
        "    7 : {flags: workload,v4Ready, XDPPolicyV4: -1, IngressPolicyV4: 3, EgressPolicyV4: 4, XDPPolicyV6: -1, \
         IngressPolicyV6: -1, EgressPolicyV6: -1, IngressFilter: -1, EgressFilter: 9, name: cali123}"
    );
    assert_eq!(
        cell(&interfaces::STATES, "cali_iface2", kind::HASH, "07000000", &format!("03000000 {name}")),
        "    7 : {flags: workload,ready, name: cali123}"
    );
    assert_eq!(
        cell(&interfaces::STATES, "cali_iface2", kind::HASH, "02000000", &format!("00000000 {}", "65".repeat(16))),
        "    2 : {flags: host, name: eeeeeeeeeeeeeeee}"
    );
    let rate = "00000000 e803 0a00 ffff 000000000000 0100000000000000";
    assert_eq!(
        cell(&interfaces::RATES, "cali_qos2", kind::HASH, "07000000 0100 0400", rate),
        "dev    7 ingress IPv4: 1000 packets/s, burst 10, tokens -1"
    );
    assert_eq!(
        cell(&interfaces::RATES, "cali_qos", kind::HASH, "07000000 00000000", rate),
        "dev    7 egress: 1000 packets/s, burst 10, tokens -1"
    );
}

#[test]
fn counters_of_all_cpus_add_up() {
    // 2³² packets and 5 on one CPU, 3 on the other; 2 dropped by policy.
    let cpu = |total: u64, dropped: u64, count: usize| -> Vec<u8> {
        let mut values = vec![0_u64; count];
        (values[0], values[4]) = (total, dropped);
        values.iter().flat_map(|value| value.to_ne_bytes()).collect()
    };
    for (pin, count) in [("cali_counters2", 14), ("cali_counters3", 17), ("cali_counters5", 25), ("cali_counters6", 27)]
    {
        let map = subject(pin, kind::PERCPU_HASH, 8, 8 * count);
        let value = [cpu((1 << 32) + 5, 0, count), cpu(3, 2, count)].concat();
        let entry = Entry { key: &bytes("07000000 01000000"), value: &value };
        let row = layout(&counters::COUNTERS, &map).row(&entry).unwrap().unwrap();
        assert_eq!(row.cells, ["7", "egress", "Total packets 4294967304, Dropped by policy 2"]);
        assert_eq!(row.fields.len(), 2 + count);
    }
    let map = subject("cali_counters", kind::PERCPU_ARRAY, 4, 112);
    let entry = Entry { key: &[0; 4], value: &cpu(0, 1, 14) };
    let row = layout(&counters::OLD_COUNTERS, &map).row(&entry).unwrap().unwrap();
    assert_eq!(row.cells, ["Dropped by policy 1"]);
}

#[test]
fn unknown_sizes_are_said() {
    let map = subject("cali_v4_ct5", kind::LRU_HASH, 16, 88);
    assert!(recognise(&map).is_none());
    let map = subject("cali_v4_ct4", kind::LRU_HASH, 16, 96);
    let (decoder, answer) = recognise(&map).unwrap();
    assert_eq!(decoder.name(), "conntrack");
    assert_eq!(
        answer.err().unwrap(),
        "no known release has a map `cali_v4_ct4` of type 9 with keys of 16 and values of 96 bytes"
    );
}

#[test]
fn the_kernels_name_is_enough() {
    let map = Subject {
        name: "cali_v6_nat_aff",
        pin: None,
        kind: kind::LRU_HASH,
        key_size: 40,
        value_size: 32,
        release: Some((3, 31)),
        now: 0,
    };
    assert!(matches!(nat::AFFINITY.recognise(&map), Recognition::Known(_)));
}
