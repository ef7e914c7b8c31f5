//! The whole way from text to verdict, on packets written out by hand. `tests/filter` does it by the thousand.

use tracer_common::predicate::Verdict::{Match, Reject, Undecidable};
use tracer_common::predicate::{OUTSIDE, Program, Source, UNKNOWN, Verdict, base, field};

use super::*;

mod hostile;
mod inner;
mod keys;
mod laws;
mod mistakes;
mod samples;

/// 10.0.0.1:1024 to 10.0.0.2:80, SYN.
const TCP4: &str = "45000028 00010000 40060000 0a000001 0a000002 04000050 00000001 00000000 50020000 00000000";
/// The same as a later fragment.
const FRAGMENT: &str = "45000028 00010007 40060000 0a000001 0a000002 04000050 00000001 00000000 50020000 00000000";
/// fd00::1 port 53 to fd00::2 port 5353, UDP.
const UDP6: &str =
    "60000000 00081140 fd000000 00000000 00000000 00000001 fd000000 00000000 00000000 00000002 003514e9 00080000";
/// Who has 10.0.0.2, asks 10.0.0.1.
const ARP: &str = "00010800 06040001 02000000 00010a00 00010000 00000000 0a000002";
const ETHERNET: &str = "02000000 0002 02000000 0001";

fn bytes(parts: &[&str]) -> Vec<u8> {
    let digits: String = parts.concat().split_whitespace().collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn program(expression: &str) -> Box<Program> {
    compile(&Request { expression, ..Request::default() }).unwrap_or_else(|error| panic!("{error}")).program
}

fn judge(framing: Framing, packet: &[u8], expression: &str) -> Verdict {
    program(expression).evaluate(&mut PacketSource::new(framing, packet, packet.len() as u32))
}

#[track_caller]
fn check(framing: Framing, parts: &[&str], matching: &[&str], other: &[&str]) {
    let packet = bytes(parts);
    for expression in matching {
        assert_eq!(judge(framing, &packet, expression), Match, "{expression}");
    }
    for expression in other {
        assert_eq!(judge(framing, &packet, expression), Reject, "{expression}");
    }
}

#[test]
fn ipv4() {
    let matching = [
        "",
        "ip",
        "tcp",
        "host 10.0.0.1",
        "src 10.0.0.1",
        "dst net 10.0.0.0/30",
        "port 80",
        "src port 1024 or 80",
        "portrange 1-100",
        "port http",
        "tcp[tcpflags] = tcp-syn",
        "not udp",
        "len = 40",
        "ip[2:2] = len",
        "host 10.0.0.1 and tcp port 80",
        "not (port 80 and 81)",
        "host fd00::1 or 10.0.0.2",
        "ip proto 6",
        "proto \\tcp",
        "tcp[0:2] > tcp[2:2]",
        "ip[ip[0] - 0x45] = 0x45",
        "ip protochain 6",
    ];
    let other = [
        "ip6",
        "udp",
        "arp",
        "src 10.0.0.2",
        "port 443",
        "udp port 80",
        "not tcp",
        "tcp[13] & 0x10 != 0",
        "ip[40] = 0",
        "not ip[40] = 0",
        "ip[0] / ip[1] = 0",
        "dst port ssh",
        "less 39",
        "ip broadcast",
        "net 10.0.0.4/30",
    ];
    check(Framing::RawIp, &[TCP4], &matching, &other);
    check(
        Framing::Ethernet,
        &[ETHERNET, "0800", TCP4],
        &[&matching[..12], &["ether src 2:0:0:0:0:1"]].concat(),
        &other,
    );
    check(Framing::RawIp, &[FRAGMENT], &["tcp", "host 10.0.0.1"], &["port 80", "tcp[13] = 2"]);
}

#[test]
fn ipv6_and_arp() {
    let matching = ["ip6", "udp", "host fd00::1", "net fd00::/126", "src port 53", "ip6[6] = 17", "ip6 protochain 17"];
    check(Framing::RawIp, &[UDP6], &matching, &["ip", "tcp", "host fd00::3", "udp[0:2] = 53", "dst port 53"]);
    let matching = ["arp", "host 10.0.0.2", "arp[6:2] = 1", "ether src 2:0:0:0:0:1", "not ip"];
    check(Framing::Ethernet, &[ETHERNET, "0806", ARP], &matching, &["ip", "ip host 10.0.0.2", "rarp", "vlan"]);
}

#[test]
fn tags_and_labels() {
    let tagged = [ETHERNET, "88a80064 81000005 0800", TCP4];
    let matching = ["vlan", "vlan 100", "vlan 100 and vlan 5 and tcp port 80", "vlan and vlan and host 10.0.0.1"];
    check(
        Framing::Ethernet,
        &tagged,
        &matching,
        &["vlan 5", "ip", "vlan and ip", "vlan and vlan and vlan", "not vlan"],
    );
    let labelled = [ETHERNET, "8847 00005000 00007100", TCP4];
    let matching = ["mpls 5", "mpls and mpls 7", "mpls and mpls and tcp port 80", "mpls and mpls and tcp[13] = 2"];
    check(Framing::Ethernet, &labelled, &matching, &["mpls 7", "mpls and ip", "mpls and mpls and mpls", "ip"]);
    let session = [ETHERNET, "8864 11000005 002a0021", TCP4];
    check(Framing::Ethernet, &session, &["pppoes 5 and tcp port 80", "pppoes and host 10.0.0.1"], &["pppoes 6", "ip"]);
}

/// What a cooked header names; 802.2 frames and tags are as in Ethernet.
#[test]
fn network_header_named_from_outside() {
    let other = ["ip6", "arp", "vlan", "mpls", "stp", "port 81"];
    check(Framing::Network(Some(0x0800)), &[TCP4], &["ip", "tcp port 80", "tcp[13] = 2"], &other);
    check(Framing::Network(None), &[TCP4], &["not ip"], &["ip", "tcp", "vlan", "llc", "stp"]);
    let tagged = ["0064 8100 0005 0800", TCP4];
    let matching = ["vlan 100", "vlan 100 and vlan 5 and tcp port 80", "vlan and not ip"];
    check(Framing::Network(Some(0x88a8)), &tagged, &matching, &["vlan 5", "ip", "vlan and vlan and vlan"]);
    check(Framing::Network(Some(0x8847)), &["00007100", TCP4], &["mpls 7 and tcp port 80"], &["mpls 5", "vlan"]);
    check(Framing::Network(Some(4)), &["4242 0300"], &["stp", "llc", "llc u"], &["ip", "iso", "llc i"]);
    check(Framing::Network(Some(4)), &["fefe 0383 1401 000f"], &["iso", "isis", "l1", "iih"], &["clnp", "l2", "stp"]);
    check(Framing::Network(Some(1)), &["ffff 0300 00000000"], &["ipx"], &["stp", "llc"]);
    // Only the TPID is there: that there is a tag is certain, which one is not.
    check(Framing::Network(Some(0x8100)), &[""], &["vlan"], &["vlan 5", "vlan and ip"]);
    assert_eq!(judge(Framing::Network(Some(0x0800)), &bytes(&[TCP4]), "ether[0] = 1"), Undecidable);
}

#[test]
fn no_link_layer_header() {
    let packet = bytes(&[TCP4]);
    for (expression, expected) in [
        ("ether host 2:0:0:0:0:1", Undecidable),
        ("ether[0] = 0x45", Undecidable),
        ("broadcast", Undecidable),
        ("vlan", Reject),
        ("mpls", Reject),
        ("arp", Reject),
        ("stp", Reject),
        ("not vlan", Match),
        ("tcp or broadcast", Match),
    ] {
        assert_eq!(judge(Framing::RawIp, &packet, expression), expected, "{expression}");
    }
}

/// What the kernel has: headers that may not be there, and a tag beside the bytes.
#[derive(Clone, Copy)]
struct Buffer<'a> {
    bytes: &'a [u8],
    link: Option<usize>,
    network: Option<usize>,
    protocol: u32,
    tag: u32,
}

impl Buffer<'_> {
    /// Tags in the bytes, of so many tags passed.
    fn in_bytes(&self, tags: u8) -> usize {
        usize::from(tags).saturating_sub(usize::from(self.tag != 0))
    }

    fn word(&self, start: Option<usize>, width: u32) -> u64 {
        let Some(start) = start else { return UNKNOWN };
        let mut word = [0; 4];
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.len().min(4);
        word[..length].copy_from_slice(&rest[..length]);
        if rest.len() < width as usize { OUTSIDE } else { u64::from(u32::from_be_bytes(word)) }
    }

    fn network(&self, tags: u8) -> Option<usize> {
        match self.in_bytes(tags) {
            0 => self.network,
            count => self.link.map(|link| link + 14 + 4 * count),
        }
    }
}

impl Source for Buffer<'_> {
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        let tags = base::tags(base);
        let behind_tags = |position| self.link.map(|link| link + position + 4 * self.in_bytes(tags));
        let start = match (base::kind(base), offset) {
            (base::FIELD, field::PROTOCOL) if self.in_bytes(tags) == 0 => return u64::from(self.protocol),
            (base::FIELD, field::PROTOCOL) => return self.word(behind_tags(12), 2) >> 16,
            (base::FIELD, field::VLAN) if tags == 0 && self.tag != 0 => return u64::from(self.tag),
            (base::FIELD, field::VLAN) => match self.word(behind_tags(12), width) {
                word if word >= OUTSIDE || matches!(word >> 16, 0x8100 | 0x88a8 | 0x9100) => return word,
                _ => return 0,
            },
            (base::FIELD, field::MARK) => return 0x105,
            (base::FIELD, field::NETNS | field::IFINDEX | field::PID) => return 7,
            (base::FIELD, _) => return UNKNOWN,
            (base::LINK, _) => self.link,
            (base::NETWORK, _) => self.network(tags),
            _ => self.network(tags).map(|start| start + usize::from(self.bytes[start] & 15) * 4),
        };
        self.word(start.map(|start| start + offset as usize), width)
    }

    fn layer(&mut self, _depth: u32) -> u64 {
        UNKNOWN
    }
}

#[test]
fn buffers_of_the_kernel() {
    let frame = bytes(&[ETHERNET, "0800", TCP4]);
    let tagged = bytes(&[ETHERNET, "81000005 0800", TCP4]);
    let plain = Buffer { bytes: &frame, link: Some(0), network: Some(14), protocol: 0x800, tag: 0 };
    let accelerated = Buffer { tag: 0x8100_0005, ..plain };
    let without_link = Buffer { link: None, ..plain };
    let in_bytes = Buffer { bytes: &tagged, network: Some(18), protocol: 0x8100, ..plain };
    let double = Buffer { tag: 0x88a8_0064, ..in_bytes };
    let headless = Buffer { network: None, ..without_link };
    for (name, buffer, expression, expected) in [
        ("plain", plain, "tcp port 80", Match),
        ("plain", plain, "vlan", Reject),
        ("plain", plain, "ether src 2:0:0:0:0:1", Match),
        ("accelerated", accelerated, "tcp port 80", Match),
        ("accelerated", accelerated, "vlan 5 and tcp port 80", Match),
        ("accelerated", accelerated, "vlan 6", Reject),
        ("accelerated", accelerated, "vlan and vlan", Reject),
        ("accelerated, no link", Buffer { link: None, ..accelerated }, "vlan 5 and host 10.0.0.1", Match),
        ("in bytes", in_bytes, "vlan 5 and tcp port 80", Match),
        ("in bytes", in_bytes, "tcp port 80", Reject),
        ("double", double, "vlan 100 and vlan 5 and tcp port 80", Match),
        ("double", double, "vlan 5", Reject),
        ("without link", without_link, "host 10.0.0.1 and tcp port 80", Match),
        ("without link", without_link, "ether src 2:0:0:0:0:1", Undecidable),
        ("headless", headless, "host 10.0.0.1", Undecidable),
        ("headless", headless, "arp", Reject),
    ] {
        assert_eq!(program(expression).evaluate(&mut buffer.clone()), expected, "{name}: {expression}");
    }
}

#[test]
fn other_conditions_come_first() {
    let frame = bytes(&[ETHERNET, "0800", TCP4]);
    let mut buffer = Buffer { bytes: &frame, link: Some(0), network: Some(14), protocol: 0x800, tag: 0 };
    let tcp = Request { expression: "tcp", ..Request::default() };
    for (request, expected) in [
        (Request { netns: Some(7), expression: "tcp and pid 7", mark: Some((5, 0xff)), ..tcp }, Match),
        (Request { netns: Some(8), ..tcp }, Reject),
        (Request { expression: "tcp and pid 8", ..tcp }, Reject),
        (Request { mark: Some((5, u32::MAX)), ..tcp }, Reject),
        (Request { mark: Some((0, 0)), ..tcp }, Match),
        (Request { mark: Some((5, 0xff)), expression: "udp or icmp", ..tcp }, Reject),
    ] {
        let compiled = compile(&request).expect("a sound request");
        assert_eq!(compiled.program.evaluate(&mut buffer), expected, "{request:?}");
    }
    let expression = "ip and netns 1 and ifname eth0 and mark 5 and (pid 3 or tcp) and pid 4";
    let program = program(expression);
    let order: Vec<u32> = program.nodes[..6].iter().map(|node| node.offset).collect();
    let expected = [field::MARK, field::PID, field::IFNAME, field::IFNAME + 1, field::NETNS, field::PROTOCOL];
    assert_eq!(order, expected);
}

/// What a packet that does not match costs is the point of the whole design: these numbers are kept small on purpose.
#[test]
fn sizes() {
    for (expression, nodes) in [
        ("", 0),
        ("ip", 1),
        ("host 10.0.0.1", 7),
        ("net 10.0.0.0/8", 7),
        ("ip host 10.0.0.1", 3),
        ("src host fd00::1", 5),
        ("host 10.0.0.1 and tcp port 80", 7),
        ("tcp port 80 and host 10.0.0.1", 7),
        ("port 80", 11),
        ("port 80 or 81 or 82", 12),
        ("ip host 10.0.0.1 or 10.0.0.2 or 10.0.0.3", 4),
        ("ip[8] > 5 and ip[8] < 9", 2),
        ("vlan 5", 1),
        ("tcp and ip", 2),
        ("ip or not ip", 1),
        ("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", 4),
    ] {
        let program = program(expression);
        assert_eq!(program.count, nodes, "{expression}\n{program:?}");
    }
}

#[test]
fn targets_lie_ahead() {
    for expression in ["port 80 or host 10.0.0.1 or vlan 5 and ip[0] + ip[1] > len", "protochain 6", "isis and l1"] {
        let program = program(expression);
        for (index, node) in program.nodes[..program.count as usize].iter().enumerate() {
            for target in [node.on_true, node.on_false] {
                let inside = usize::from(target) < program.count as usize && usize::from(target) > index;
                assert!(inside || target >= REJECT, "{expression}: {index} to {target}");
            }
        }
    }
}
