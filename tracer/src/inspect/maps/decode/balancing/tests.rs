use super::*;
use crate::inspect::maps::decode::{
    kind,
    testing::{bytes, decode, fields, subject},
};

fn row(decoder: &dyn Decoder, pin: &str, kind: u32, key: &str, value: &str) -> crate::model::Decoded {
    let map = subject(pin, kind, bytes(key).len(), bytes(value).len());
    decode(decoder, &map, key, value)
}

#[test]
fn what_is_translated() {
    let service = row(
        &services::SERVICES,
        "map_service",
        kind::HASH,
        "0a60000a 3500 11 00 00 000000",
        "234e0000 02000000 01000000 00000000 00 00 00 01",
    );
    assert_eq!(
        service.cells,
        [
            "{ DestIp:10.96.0.10, DestPort:53, protocol:udp, NatType:service, Scope:0 }",
            "{ SvcId:20003, TotalBackendCount:2, LocalBackendCount:1, AffinitySecond:0, NatMode:ServiceClusterIP, \
             ServiceFlags:0, BalancingFlags:0, RedirectFlags:0 }"
        ]
    );
    assert_eq!(
        fields(&service),
        "address=10.96.0.10 port=53 protocol=udp nat_type=service scope=0 service_id=20003 backends=2 local_backends=1 \
         affinity_seconds=0 mode=ServiceClusterIP service_flags=0 balancing_flags=0 redirect_flags=0"
    );
    let backend = row(
        &services::BACKENDS,
        "map_backend",
        kind::HASH,
        "234e0000 00000000 3500 11 00 00 000000",
        "ac140105 bc458f23 3500 0000",
    );
    assert_eq!(
        backend.cells,
        [
            "{ Order:0, SvcId:20003, port:53, protocol:udp, NatType:service, Scope: 0 }",
            "{ PodIp:172.20.1.5 , PodPort:53, NodeId:596592060, NodePort:0 }"
        ]
    );
}

#[test]
fn what_was_translated() {
    let affinity = row(
        &records::AFFINITY,
        "map_affinity",
        kind::LRU_HASH,
        "1027000000000000 0a60000a 3500 11 00",
        "00ca9a3b00000000 ac140105 3500 0000",
    );
    assert_eq!(
        affinity.cells,
        [
            "{ ClientCookie:10000 , OriginalDestIp:10.96.0.10, OriginalPort:53, protocol:udp }",
            "{ LastUpdatedTimeStamp:1000000000 , NatIp:172.20.1.5, NatPort:53  }"
        ]
    );
    let record = row(
        &records::NAT_RECORDS,
        "map_nat_record",
        kind::LRU_HASH,
        "3412000000000000 ac140105 3500 11 00",
        "0a60000a 3500 0000",
    );
    assert_eq!(
        record.cells,
        [
            "{ SocketCookie:4660, NatIp:172.20.1.5, NatPort:53, protocol:udp }",
            "{ OriginalDstIp:10.96.0.10 , OriginalDstPort:53 }"
        ]
    );
    let flow = row(
        &records::FLOWS,
        "map_qos_flows",
        kind::LRU_HASH,
        "ac140105 3500 11 00",
        "0100000000000000 05000000 00000000",
    );
    assert_eq!(flow.cells, ["172.20.1.5:53/udp", "5"]);
}

#[test]
fn nodes_and_settings() {
    let node = row(&services::NODE_ADDRESSES, "map_node_ip", kind::HASH, "c0a8000a", "00000000");
    assert_eq!(node.cells, ["{ NodeIp:192.168.0.10}", "0"]);
    let proxy = row(&services::NODE_PROXIES, "map_node_proxy_ip", kind::HASH, "bc458f23", "c0a8000a");
    assert_eq!(proxy.cells, ["596592060", "{ NodeIp:192.168.0.10}"]);
    for (key, value, expected) in [
        ("00000000", "01000000", "debugLevel: info"),
        ("00000000", "09000000", "debugLevel: unknown (9)"),
        ("01000000", "01000000", "Ipv4Enabled: enabled"),
        ("02000000", "00000000", "Ipv6Enabled: disabled"),
        ("03000000", "64000000", "redirectQosLimit: 100"),
        ("07000000", "01000000", "unknown setting 7: 1"),
    ] {
        assert_eq!(row(&services::SETTINGS, "map_configure", kind::ARRAY, key, value).cells, [expected]);
    }
}

#[test]
fn numbers_without_a_name_are_shown() {
    assert_eq!(services::mode_name(0x30), "unknown (0x30)");
    assert_eq!(
        (protocol_name(132), nat_type_name(nat_type(9))),
        ("unknown (132)".to_owned(), "unknown (9)".to_owned())
    );
}
