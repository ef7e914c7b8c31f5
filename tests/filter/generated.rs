//! Expressions made at random.

use proptest::{prelude::*, sample::select, strategy::Union};

const ADDRESSES: &[&str] =
    &["10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.1", "192.168.77.9", "172.16.0.5", "10.0", "192.168.1"];
const ADDRESSES6: &[&str] = &["fd77::1", "fd77::2", "fd77::3", "fe80::200:ff:fe00:1", "ff02::1", "::1"];
const NETS: &[&str] = &["10", "192.168", "10.0.0.0/8", "10.0.0.0/30", "192.168.0.0/16", "172.16.0.0/12", "0.0.0.0/1"];
const NETS6: &[&str] = &["fd77::/64", "fe80::/10", "ff00::/8", "fd77::2/127", "::/0", "fd77::/126"];
const MACS: &[&str] = &["02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"];
const PORTS: &[&str] = &["80", "443", "22", "53", "8080", "1024", "ssh", "domain", "http", "0x50"];
const RANGES: &[&str] = &["1-100", "80-443", "22-53", "1024-65535", "8080-80", "443"];
const DIRECTIONS: &[&str] = &["", "", "src ", "dst ", "src or dst ", "src and dst "];
const PLAIN: &[&str] = &[
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "pim",
    "ah",
    "esp",
    "atalk",
    "aarp",
    "stp",
    "ipx",
    "iso",
    "isis",
    "netbeui",
    "l1",
    "csnp",
    "broadcast",
    "multicast",
    "ip multicast",
    "ip6 multicast",
    "ip broadcast",
    "llc",
    "llc u",
    "llc ui",
    "pppoed",
    "less 80",
    "greater 70",
    "ether proto 0x0806",
    "ether proto 46",
    "ip proto 17",
    "ip6 proto 0",
    "proto 58",
    "decnet",
    "vrrp",
];
const LAYERS: &[&str] = &["vlan", "vlan 5", "vlan 200", "mpls", "mpls 5", "mpls 6", "pppoes", "pppoes 5"];
const LOADS: &[&str] = &["ip", "ip6", "tcp", "udp", "icmp", "icmp6", "arp", "ether", "sctp"];
const OPERATORS: &[&str] = &["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"];
const RELATIONS: &[&str] = &["=", "==", "!=", "<", "<=", ">", ">="];

const SIGNS: &[&str] = &[
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "!",
    "not",
    "and",
    "or",
    "&&",
    ":",
    "src",
    "dst",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "mask",
    "protochain",
    "len",
    "tcpflags",
    "tcp-syn",
    "\\tcp",
    "0x",
    "99999999999",
    "ether",
    "link",
    "less",
];

/// An expression with up to some ten primitives, mostly one that compiles.
pub(super) fn expression() -> impl Strategy<Value = String> {
    let layered = (layers(), flat()).prop_map(|(layers, rest)| format!("{layers}{rest}"));
    prop_oneof![3 => flat(), 3 => nested(), 1 => layered]
}

/// Layer words joined to the front.
fn layers() -> impl Strategy<Value = String> {
    proptest::collection::vec((select(LAYERS), select(&["and", "or", "and", "and"][..])), 1..3)
        .prop_map(|layers| layers.iter().flat_map(|(word, join)| [*word, " ", *join, " "]).collect())
}

/// Terms in a row.
fn flat() -> impl Strategy<Value = String> {
    let more = (select(&["and", "or", "&&", "||"][..]), select(&["", "", "not ", "! "][..]), primitive());
    (primitive(), proptest::collection::vec(more, 0..5)).prop_map(|(first, more)| {
        let more: String = more.iter().flat_map(|(join, not, next)| [" ", *join, " ", *not, next]).collect();
        first + &more
    })
}

/// Terms in parentheses.
fn nested() -> impl Strategy<Value = String> {
    primitive().prop_recursive(4, 12, 2, |inner| {
        let pair = (inner.clone(), select(&["and", "or"][..]), inner.clone());
        prop_oneof![
            3 => pair.prop_map(|(left, join, right)| format!("({left} {join} {right})")),
            1 => inner.clone().prop_map(|inner| format!("not ({inner})")),
            1 => inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

fn primitive() -> BoxedStrategy<String> {
    let hosts =
        [("host ", ADDRESSES), ("ip host ", ADDRESSES), ("arp host ", ADDRESSES), ("net ", NETS), ("net ", NETS6)];
    let hosts = Union::new(hosts.map(|(words, values)| qualified(words, values)));
    let hosts6 = prop_oneof![qualified("host ", ADDRESSES6), qualified("ip6 net ", NETS6)];
    let ports = [("port ", PORTS), ("tcp port ", &PORTS[..6]), ("udp port ", &PORTS[..6]), ("portrange ", RANGES)];
    let ports = Union::new(ports.map(|(words, values)| qualified(words, values)));
    let macs = qualified("ether host ", MACS);
    let plain = select(PLAIN).prop_map(str::to_owned);
    let layer = select(LAYERS).prop_map(str::to_owned);
    prop_oneof![6 => hosts, 3 => hosts6, 6 => ports, 1 => macs, 8 => plain, 5 => relation(), 1 => layer].boxed()
}

/// Words with a direction put before their last, and one to three operands.
fn qualified(words: &'static str, values: &'static [&'static str]) -> BoxedStrategy<String> {
    let more = (select(&["or", "and", "or not"][..]), select(values));
    (select(DIRECTIONS), select(values), proptest::collection::vec(more, 0..3), any::<bool>())
        .prop_map(move |(direction, first, more, group)| {
            let kind = words.trim_end().rfind(' ').map_or(0, |space| space + 1);
            let more: String = more.iter().flat_map(|(join, value)| [" ", *join, " ", *value]).collect();
            let operands =
                if group && !more.is_empty() { format!("({first}{more})") } else { format!("{first}{more}") };
            format!("{}{direction}{}{operands}", &words[..kind], &words[kind..])
        })
        .boxed()
}

fn relation() -> impl Strategy<Value = String> {
    (value(), select(RELATIONS), prop_oneof![3 => number(), 1 => value().boxed()])
        .prop_map(|(left, relation, right)| format!("{left} {relation} {right}"))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![6 => load(number()), 1 => Just("len".to_owned()), 2 => number()];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let pair = (inner.clone(), select(OPERATORS), inner.clone());
        prop_oneof![
            4 => pair.clone().prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            2 => pair.prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            1 => load(inner),
        ]
    })
}

fn load(index: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (select(LOADS), index, select(&["", "", ":1", ":2", ":4"][..]))
        .prop_map(|(protocol, index, width)| format!("{protocol}[{index}{width}]"))
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![
        6 => (0u32..20).prop_map(|number| number.to_string()),
        2 => select(&["0x45", "64", "80", "443", "0x0a000001", "0x1fff", "255", "40", "0xf0"][..]).prop_map(str::to_owned),
        1 => any::<u32>().prop_map(|number| number.to_string()),
    ]
    .boxed()
}

/// Words and signs in any order, hardly ever an expression.
pub(super) fn nonsense() -> impl Strategy<Value = String> {
    let words =
        [PLAIN, LAYERS, LOADS, OPERATORS, RELATIONS, ADDRESSES, ADDRESSES6, NETS, MACS, PORTS, RANGES, SIGNS].concat();
    let soup = proptest::collection::vec(select(words), 0..12).prop_map(|words| words.join(" "));
    prop_oneof![3 => soup, 1 => "\\PC{0,60}", 1 => "[a-z0-9 ()\\[\\]!&|<>=+*/:.-]{0,60}"]
}
