//! Keys, each on events written by hand.

use tracer_common::predicate::Verdict::{self, Match, Reject, Undecidable};
use tracer_common::predicate::{NO_PROBE, Program, Source, UNKNOWN, base};

use super::samples::{dropped, event, framed, name, probes, socket, socket6};
use super::{ARP, ETHERNET, TCP4};
use crate::filter::{Anywhere, Compiled, Environment, EventSource, Request, Unanswered, compile};
use crate::kernel::btf::{Chain, ValueKind};
use crate::model::{Event, ProbeId};

/// A machine with one namespace, one reason and some members.
#[derive(Debug)]
pub(super) struct Machine;

impl Environment for Machine {
    fn netns(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        match name {
            "web" | "/run/netns/web" | "pid:12" => Ok(Some(4_026_531_840)),
            _ => Err(Unanswered::new(format!("no network namespace is called `{name}`"))),
        }
    }

    fn reason(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        match name {
            "NO_SOCKET" => Ok(Some(3)),
            _ => Err(Unanswered::new("no such reason, did you mean `NO_SOCKET`?")),
        }
    }

    fn chain(&self, text: &str) -> Result<Option<Chain>, Unanswered> {
        let (offset, size, shift, width, kind) = match text {
            "skb->u8" => (1, 1, 0, 8, ValueKind::Unsigned),
            "skb->i32" => (2, 4, 0, 32, ValueKind::Signed),
            "skb->bits" => (3, 1, 2, 3, ValueKind::Unsigned),
            "skb->sbits" => (4, 4, 3, 4, ValueKind::Signed),
            "skb->u64" => (5, 8, 0, 64, ValueKind::Unsigned),
            "skb->i64" => (6, 8, 0, 64, ValueKind::Signed),
            "skb->be16" => (7, 2, 0, 16, ValueKind::BigEndian),
            "skb->be32" => (8, 4, 0, 32, ValueKind::BigEndian),
            "skb->be64" => (9, 8, 0, 64, ValueKind::BigEndian),
            "skb->sk" => (10, 8, 0, 64, ValueKind::Pointer),
            "skb->wide" => (11, 8, 30, 5, ValueKind::Unsigned),
            "skb->x[3].y" => (12, 1, 0, 8, ValueKind::Bool),
            _ => return Err(Unanswered::new(format!("`struct sk_buff` has no member of `{text}`"))),
        };
        Ok(Some(Chain { offsets: vec![offset], size, shift, width, kind }))
    }

    fn constant(&self, _: &str, name: &str) -> Result<Option<i64>, Unanswered> {
        if name == "MINUS_TWO" { Ok(Some(-2)) } else { Err(Unanswered::new(format!("no value `{name}`"))) }
    }
}

pub(super) fn compiled(expression: &str) -> Compiled {
    let request = Request { expression, environment: &Machine, ..Request::default() };
    let mut compiled = compile(&request).unwrap_or_else(|error| panic!("{expression}: {error}"));
    compiled.bind(&probes()).expect("few probes");
    compiled
}

fn judge(event: &Event, expression: &str) -> Verdict {
    let compiled = compiled(expression);
    compiled.program.evaluate(&mut EventSource::new(event, &compiled.program))
}

#[track_caller]
fn check(event: &Event, cases: &[(&str, Verdict)]) {
    for (expression, expected) in cases {
        assert_eq!(judge(event, expression), *expected, "{expression}");
    }
}

#[test]
fn every_example_of_every_key_compiles() {
    for (name, about, examples) in crate::filter::keys() {
        assert!(!about.is_empty() && !examples.is_empty(), "{name}");
        for expression in examples {
            let request = Request { expression, environment: &Anywhere, ..Request::default() };
            assert!(compile(&request).is_ok(), "{expression}");
        }
    }
}

#[test]
fn fields_of_the_hit() {
    check(
        &event(0x800, TCP4),
        &[
            ("netns web", Match),
            ("netns == /run/netns/web", Match),
            ("netns pid:12", Match),
            ("netns 4026531840 and tcp", Match),
            ("netns inode:4026531840", Match),
            ("netns != web", Reject),
            ("netns 5", Reject),
            ("ifname veth12", Match),
            ("ifname veth1", Reject),
            ("ifname veth123", Reject),
            ("ifname veth*", Match),
            ("ifname *", Match),
            ("ifname veth??", Match),
            ("ifname veth?", Reject),
            ("ifname veth???", Reject),
            ("ifname ?et*", Match),
            ("ifname != veth12", Reject),
            ("ifname \"veth12\" or udp", Match),
            ("not ifname eth0", Match),
            ("comm curl", Match),
            ("comm == curl", Match),
            ("comm cur", Reject),
            ("comm cur?", Match),
            ("comm curl?*", Reject),
            ("comm 'curl'", Match),
            ("pid 4711", Match),
            ("pid != 4711", Reject),
            ("pid >= 4711 and pid < 5000", Match),
            ("pid 4712", Reject),
            ("mark 0x105", Match),
            ("mark == 261", Match),
            ("mark & 0xff == 5", Match),
            ("mark & 0xff", Match),
            ("(mark & 0xff) > 4", Match),
            ("mark 5/0xff", Match),
            ("mark 4/0xff", Reject),
            ("mark & 0x200", Reject),
            ("mark & 0xff != 5", Reject),
            ("len == 40", Match),
            ("len > 40", Reject),
            ("greater 40 and less 40", Match),
            ("func ip_rcv", Match),
            ("func ip_(rcv|output)", Match),
            ("func ip", Reject),
            ("func .*_rcv and not func tcp_.*", Match),
            ("func != ip_rcv", Reject),
            ("drop", Reject),
            ("not drop", Match),
            ("drop 3", Reject),
            ("drop != 3", Reject),
            ("not drop NO_SOCKET", Match),
            ("port 80 or drop", Match),
            ("tcp and (mark 1 or (comm curl and not pid 1))", Match),
        ],
    );
    check(&Event { probe: ProbeId(1), ..event(0x800, TCP4) }, &[("func ip_rcv", Reject), ("func tcp_v4_rcv", Match)]);
    let bare = Event { netns: None, ifname: name(""), ifindex: None, ..event(0x800, TCP4) };
    check(&bare, &[("netns web", Reject), ("netns != web", Match), ("ifname *", Reject), ("ifname != lo", Match)]);
    let long = Event { ifname: name("abcdefghijklmno"), ..event(0x800, TCP4) };
    check(&long, &[("ifname abcdefghijklmno", Match), ("ifname abcdefghijklmn", Reject), ("ifname abcdefgh*", Match)]);
}

/// Fields come first, members where they stand: one out of reach must not hide what stands before it.
#[test]
fn order_of_asking() {
    check(
        &event(0x800, TCP4),
        &[
            ("tcp or skb->u8 == 1", Match),
            ("skb->u8 == 1 or tcp", Undecidable),
            ("skb->u8 == 1 or pid 4711", Match),
            ("skb->u8 == 1 and pid 1", Reject),
            ("ip[60] = 1 and not ifname veth12", Reject),
            ("not (ip[60] = 1 or ifname veth12)", Reject),
            ("not (ip[60] = 1 and pid 1)", Match),
        ],
    );
}

#[test]
fn drops() {
    check(
        &dropped(event(0x800, TCP4), 3),
        &[
            ("drop", Match),
            ("drop NO_SOCKET", Match),
            ("drop == NO_SOCKET", Match),
            ("drop != NO_SOCKET", Reject),
            ("drop 3", Match),
            ("drop 0x3", Match),
            ("drop 03", Match),
            ("drop 011", Reject),
            ("drop 4", Reject),
            ("drop != 4", Match),
            ("drop 4 or drop 3", Match),
            ("drop and tcp port 80", Match),
            ("func kfree_skb", Match),
            ("func skb:kfree_skb", Match),
        ],
    );
}

#[test]
fn headers_of_an_event() {
    let arp = event(0x806, ARP);
    check(
        &arp,
        &[("arp", Match), ("host 10.0.0.2", Match), ("ip", Reject), ("vlan", Reject), ("ether[0] = 2", Undecidable)],
    );
    // Late on transmit `skb->protocol` is not set yet.
    check(&event(0, TCP4), &[("tcp port 80", Match), ("vlan", Undecidable), ("tcp[13] = 2", Match)]);
    check(&event(0x800, TCP4), &[("ip[60] = 0", Undecidable), ("ip[38:2] = 0", Match), ("ip[38:4] = 0", Undecidable)]);
    let plain = format!("{ETHERNET} 0800 {TCP4}");
    let with_frame = framed(event(0x800, TCP4), &plain);
    check(&with_frame, &[("ether src 2:0:0:0:0:1", Match), ("not vlan", Match), ("ether[12:2] = 0x800", Match)]);
    let tagged = framed(event(0x8100, &format!("0005 0800 {TCP4}")), &format!("{ETHERNET} 81000005 0800 {TCP4}"));
    check(
        &tagged,
        &[("vlan 5 and tcp port 80", Match), ("vlan 6", Reject), ("tcp", Reject), ("vlan and vlan", Reject)],
    );
    let kept = Event { vlan: Some((5, 0x8100)), ..event(0x800, TCP4) };
    check(&kept, &[("vlan 5 and tcp port 80", Match), ("tcp port 80", Match), ("vlan and vlan", Reject)]);
}

#[test]
fn sockets_before_the_headers_are_written() {
    check(
        &socket(),
        &[
            ("ip", Match),
            ("tcp", Match),
            ("host 10.0.0.1 and dst host 10.0.0.2", Match),
            ("src port 1024", Match),
            ("dst port 80", Undecidable),
            ("src port 80", Reject),
            ("net 10.0.0.0/30 and not udp", Match),
            ("ip[8] > 3", Undecidable),
            ("ip6", Reject),
            ("vlan", Undecidable),
            ("comm curl and tcp", Match),
            ("inner(tcp)", Undecidable),
        ],
    );
    check(
        &socket6(),
        &[
            ("udp port 53", Match),
            ("host fd00::2", Match),
            ("src host fd00::2", Reject),
            ("dst port 5353", Match),
            ("ip", Reject),
        ],
    );
}

/// Answers for one chain, and knows nothing else.
struct Value(Option<u64>);

impl Source for Value {
    fn load(&mut self, place: u8, offset: u32, _: u32) -> u64 {
        match (base::kind(place), self.0) {
            (base::CHAIN, Some(value)) if offset.is_multiple_of(2) => value & 0xffff_ffff,
            (base::CHAIN, Some(value)) => value >> 32,
            _ => UNKNOWN,
        }
    }

    fn layer(&mut self, _: u32) -> u64 {
        UNKNOWN
    }
}

fn member(expression: &str, value: Option<u64>) -> Verdict {
    compiled(expression).program.evaluate(&mut Value(value))
}

#[test]
fn member_chains() {
    let cases: &[(&str, u64, bool)] = &[
        ("skb->u8 == 200", 200, true),
        ("skb->u8 = 0xc8", 200, true),
        ("skb->u8 == 0310", 200, true),
        ("skb->u8", 0, false),
        ("skb->u8", 5, true),
        ("not skb->u8", 0, true),
        ("skb->u8 != 7", 7, false),
        ("skb->u8 & 0xf == 3", 0x53, true),
        ("skb->u8 & 0xf", 0x50, false),
        ("(skb->u8 & 0xf) >= 3", 0x52, false),
        ("skb->i32 < 0", 0xffff_fff0, true),
        ("skb->i32 == -16", 0xffff_fff0, true),
        ("skb->i32 == MINUS_TWO", 0xffff_fffe, true),
        ("skb->i32 >= -16 and skb->i32 <= 5", 5, true),
        ("skb->i32 >= -16 and skb->i32 <= 5", 6, false),
        ("skb->i32 > -16", 0xffff_fff0, false),
        ("skb->i32 > -16", 0x7fff_ffff, true),
        ("skb->i32 != -1", 0xffff_ffff, false),
        ("skb->bits == 5", 0b1011_0111, true),
        ("skb->bits < 5", 0b1011_0111, false),
        ("skb->bits & 4 != 0", 0b0001_0000, true),
        ("skb->sbits == -3", 0b1101 << 3 | 7, true),
        ("skb->sbits < -3", 0b1100 << 3 | 7, true),
        ("skb->sbits >= 0", 0b0111 << 3, true),
        ("skb->wide == 21", 21 << 30 | 7, true),
        ("skb->wide > 20", 20 << 30 | 7, false),
        ("skb->u64 == 0x123456789abcdef0", 0x1234_5678_9abc_def0, true),
        ("skb->u64 > 4294967296", 0x1_0000_0000, false),
        ("skb->u64 > 4294967296", 0x1_0000_0001, true),
        ("skb->u64 < 0x100000000", 0xffff_ffff, true),
        ("skb->u64 >= 0x300000005", 0x3_0000_0004, false),
        ("skb->u64 >= 0x300000005", 0x4_0000_0000, true),
        ("skb->u64 & 0xff00000000 == 0x500000000", 0x1205_0000_0007, true),
        ("skb->u64 > 123456789012", 123_456_789_012, false),
        ("skb->i64 == -1", u64::MAX, true),
        ("skb->i64 < -4294967296", 0xffff_fffe_ffff_ffff, true),
        ("skb->i64 < -4294967296", 0xffff_ffff_0000_0000, false),
        ("skb->i64 > -2 and skb->i64 < 2", u64::MAX, true),
        ("skb->be16 == 0x800", 0x0008, true),
        ("skb->be16 != 2048", 0x0008, false),
        ("skb->be16 > 0x7ff", 0x0008, true),
        ("skb->be16 < 0x800", 0x0008, false),
        ("skb->be16 & 0xff00 == 0x800", 0x1208, true),
        ("skb->be16 & 0xff < 0x12", 0x1108, true),
        ("skb->be32 >= 0x0a000000 and skb->be32 <= 0x0affffff", 0x0500_000a, true),
        ("skb->be32 == 0x0a000005", 0x0500_000a, true),
        ("skb->be64 == 1", 1 << 56, true),
        ("skb->sk == 0", 0, true),
        ("skb->sk", 0xffff_8880_0000_0000, true),
        ("skb->sk != 0", 1 << 40, true),
        ("skb->sk == 0xffff888000000000", 0xffff_8880_0000_0000, true),
        ("skb->x[3].y == 1", 1, true),
        ("skb->u8 == 1 or not (skb->u8 != 2)", 2, true),
    ];
    for (expression, value, matches) in cases {
        let expected = if *matches { Match } else { Reject };
        assert_eq!(member(expression, Some(*value)), expected, "{expression} of {value:#x}");
    }
    // A pointer on the way is NULL.
    for expression in ["skb->u8 == 1", "not skb->u8 == 1", "skb->u64 > 5", "skb->sk", "skb->be16 > 5"] {
        assert_eq!(member(expression, None), Undecidable, "{expression}");
    }
}

/// All comparisons of all kinds against plain arithmetic, around the borders of their values.
#[test]
fn comparisons_of_members_are_those_of_numbers() {
    type Decode = fn(u64) -> i128;
    type Compare = fn(&i128, &i128) -> bool;
    let members: [(&str, u32, Decode); 6] = [
        ("skb->u8", 8, |raw| raw.into()),
        ("skb->i32", 32, |raw| (raw as i32).into()),
        ("skb->bits", 8, |raw| (raw >> 2 & 7).into()),
        ("skb->i64", 64, |raw| (raw as i64).into()),
        ("skb->u64", 64, |raw| raw.into()),
        ("skb->be16", 16, |raw| (raw as u16).swap_bytes().into()),
    ];
    let relations: [(&str, Compare); 6] =
        [("==", i128::eq), ("!=", i128::ne), ("<", i128::lt), ("<=", i128::le), (">", i128::gt), (">=", i128::ge)];
    let borders =
        [0, 1, 2, 5, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX];
    let mut judged = 0;
    for (name, bits, decode) in members {
        let raws = || borders.into_iter().map(|raw| raw & (u64::MAX >> (64 - bits)));
        for constant in raws().map(decode) {
            for (sign, compare) in relations {
                let expression = format!("{name} {sign} {constant}");
                let request = Request { expression: &expression, environment: &Machine, ..Request::default() };
                let compiled = compile(&request);
                for raw in raws() {
                    let found = compiled.as_ref().is_ok_and(|it| it.program.evaluate(&mut Value(Some(raw))) == Match);
                    assert_eq!(found, compare(&decode(raw), &constant), "{expression} of {raw:#x}");
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 5000);
}

#[test]
fn chains_are_numbered_once() {
    let both = compiled("skb->u8 == 1 or skb->i32 == 2 or skb->u8 == 3");
    assert_eq!(both.program.chain_count, 2);
    assert_eq!([both.program.chains[0].offsets[0], both.program.chains[1].offsets[0]], [1, 2]);
    assert_eq!((both.program.chains[0].hops, both.program.chains[0].size), (1, 1));
    assert!(!both.is_incomplete());
}

#[test]
fn functions_are_bound_to_probes() {
    let compiled = compiled("func .*rcv or func tcp_v4_rcv");
    assert_eq!(compiled.program.functions[..4], [0b01, 0b11, 0, 0]);
    let many = vec![probes()[0].clone(); NO_PROBE as usize + 1];
    let mut filter = compiled.clone();
    let text = filter.bind(&many).expect_err("too many").to_string();
    assert!(text.contains(&format!("{} are probed", many.len())), "{text}");
    assert_eq!(filter.bind(&many[1..]), Ok(()));
    let mut plain = compile(&Request { expression: "tcp", ..Request::default() }).expect("no keys");
    assert_eq!(plain.bind(&many), Ok(()));
    assert!(!plain.asks_for_functions() && compiled.asks_for_functions());
}

/// Without a machine everything compiles that might on some machine; nothing that could not on any.
#[test]
fn names_may_be_accepted_unseen() {
    let compile_anywhere = |expression| compile(&Request { expression, environment: &Anywhere, ..Request::default() });
    for expression in ["netns a and netns b", "drop A and not drop A", "skb->a == 1 and skb->a == 2", "skb->a->b > X"] {
        assert!(compile_anywhere(expression).is_ok_and(|it| it.is_incomplete()), "{expression}");
    }
    for expression in ["netns a and hots b", "mark 5/3", "func (", "skb->a & -1", "ifname a*b"] {
        assert!(compile_anywhere(expression).is_err(), "{expression}");
    }
    assert!(compile_anywhere("netns 5 and drop 3").is_ok_and(|it| !it.is_incomplete()));
}

#[test]
fn requests_of_several_parts() {
    let event = event(0x800, &super::samples::vxlan());
    let base = Request { environment: &Machine, ..Request::default() };
    for (request, expected) in [
        (Request { ifname: Some("veth12"), netns: Some(4_026_531_840), ..base }, Match),
        (Request { ifname: Some("veth13"), ..base }, Reject),
        (Request { ifname: Some("veth*"), expression: "udp", mark: Some((5, 0xff)), ..base }, Match),
        (Request { also: &["udp", "mark 0x105"], ..base }, Match),
        (Request { also: &["udp or tcp", "mark 1 or pid 1"], expression: "ip", ..base }, Reject),
        (Request { inside: &["tcp port 80"], ..base }, Match),
        (Request { inside: &["tcp port 80", "host 10.0.0.1"], expression: "udp", ..base }, Match),
        (Request { inside: &["tcp port 80", "host 10.0.0.9"], ..base }, Reject),
        (Request { inside: &["udp"], ..base }, Reject),
        (Request { inside: &["inner(ip)"], ..base }, Reject),
        (Request { inside: &[""], ..base }, Match),
    ] {
        let compiled = compile(&request).expect("a sound request");
        let verdict = compiled.program.evaluate(&mut EventSource::new(&event, &compiled.program));
        assert_eq!(verdict, expected, "{request:?}");
    }
}

#[test]
fn quoted_words_are_names() {
    let program = |expression| -> Box<Program> { compiled(expression).program };
    let same = |one, other| assert_eq!(program(one).nodes, program(other).nodes, "{one}");
    same("proto \"tcp\"", "proto \\tcp");
    same("port \"http\"", "port http");
    same("comm \"curl\"", "comm curl");
    same("ifname 'and'", "ifname == \"and\"");
}
