//! What is said of expressions that are refused.

use tracer_common::predicate::MAX_NODES;

use super::keys::Machine;
use super::program;
use crate::filter::{Request, compile};

#[track_caller]
fn refused(expression: &str) -> String {
    let error = compile(&Request { expression, environment: &Machine, ..Request::default() }).map(|_| ());
    error.expect_err(expression).to_string()
}

#[test]
fn of_the_packet() {
    let cases = [
        (
            "hots 10.0.0.1",
            "unexpected `hots`, expected a condition such as `host`, `port`, `tcp` or `ip[…]`; did you mean `host`?\n  hots 10.0.0.1\n  ^^^^",
        ),
        (
            "tcp adn udp",
            "unexpected `adn`, expected `and`, `or` or the end; did you mean `and`?\n  tcp adn udp\n      ^^^",
        ),
        (
            "10.0.0.1",
            "unexpected `10.0.0.1`, expected `host`, `net`, `src`, … before an address\n  10.0.0.1\n  ^^^^^^^^",
        ),
        ("host", "unexpected end of the expression, expected an address, a number or a name\n  host\n      ^"),
        (
            "host example.org",
            "`example.org` is not an address, and host names are not looked up\n  host example.org\n       ^^^^^^^^^^^",
        ),
        ("host 10.0.0.256", "`10.0.0.256` is not an IPv4 address\n  host 10.0.0.256\n       ^^^^^^^^^^"),
        ("net 10.0.0.1/8", "`10.0.0.1/8` has bits set outside of its mask\n  net 10.0.0.1/8\n      ^^^^^^^^^^"),
        (
            "net 10.0.0.0/33",
            "a mask of 33 bits is longer than the address, 32 bits\n  net 10.0.0.0/33\n               ^^",
        ),
        ("host 10.0.0.0/8", "a mask goes with `net` only\n  host 10.0.0.0/8\n       ^^^^^^^^^^"),
        ("tcp port 65536", "ports go up to 65535\n  tcp port 65536\n           ^^^^^"),
        ("port nosuchport", "unknown port `nosuchport`\n  port nosuchport\n       ^^^^^^^^^^"),
        ("udp port telnet", "`telnet` is a port of tcp\n  udp port telnet\n           ^^^^^^"),
        ("icmp port 80", "ports go with `tcp`, `udp` and `sctp`, or no protocol\n  icmp port 80\n            ^^"),
        (
            "tcp or 80",
            "`80` is a number, not a condition, expected a comparison (`=`, `!=`, `<`, …), or `port`, `host`, … before it\n  tcp or 80\n         ^^",
        ),
        ("(tcp or udp", "unexpected end of the expression, expected `)`\n  (tcp or udp\n             ^"),
        ("ip[0:3] = 1", "3 bytes cannot be loaded at once, expected 1, 2 or 4\n  ip[0:3] = 1\n       ^"),
        ("vlan 5000", "VLAN numbers go up to 4095\n  vlan 5000\n  ^^^^^^^^^"),
        ("tcp and udp", "no packet can match\n  tcp and udp\n  ^^^^^^^^^^^"),
        (
            "wlan host 1:2:3:4:5:6",
            "`wlan` is not supported: it speaks of 802.11 headers, which the kernel's network stack has removed\n  wlan host 1:2:3:4:5:6\n  ^^^^",
        ),
        (
            "inbound",
            "`inbound` is not supported: an skb does not carry its direction; filter by interface, namespace or function instead\n  inbound\n  ^^^^^^^",
        ),
        (
            "ether gateway 10.0.0.1",
            "`gateway` is not supported: it needs a name looked up as IP and as link-layer address; write `ether host MAC and not host IP`\n  ether gateway 10.0.0.1\n        ^^^^^^^",
        ),
        (
            "mpls and arp",
            "MPLS does not tell which protocol it carries, only IPv4 and IPv6 can be recognized behind `mpls`\n  mpls and arp\n           ^^^",
        ),
        ("ip proto 256", "numbers of an IP protocol go up to 255\n  ip proto 256\n           ^^^"),
        ("1/0 = 5", "division by zero\n  1/0 = 5\n  ^^^^^^^"),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected);
    }
}

/// As other tools write it, or as fingers do.
#[test]
fn that_have_a_remedy() {
    let cases = [
        ("port 80/udp", "a port's protocol stands before it: `udp port 80`\n  port 80/udp\n       ^^^"),
        ("port 80-90", "several ports are a `portrange 80-90`\n  port 80-90\n       ^^^^^"),
        (
            "\"tcp\"",
            "`tcp` in quotes or behind a backslash is a name; the condition is `tcp` without\n  \"tcp\"\n  ^^^^^",
        ),
        ("\\tcp", "`tcp` in quotes or behind a backslash is a name; the condition is `tcp` without\n  \\tcp\n  ^^^^"),
        ("src hst 10.0.0.1", "unexpected `hst`; did you mean `host`?\n  src hst 10.0.0.1\n      ^^^"),
        (
            "ether host 0:11:22:33:44",
            "`0:11:22:33:44` has 5 parts; a link-layer address has 6, an IPv6 address 8 or `::`\n  ether host 0:11:22:33:44\n             ^^^^^^^^^^^^^",
        ),
        (
            "netn 5",
            "unexpected `netn`, expected a condition such as `host`, `port`, `tcp` or `ip[…]`; did you mean `netns`?\n  netn 5\n  ^^^^",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected);
    }
}

#[test]
fn of_keys() {
    let cases = [
        (
            "ifnane eth0",
            "unexpected `ifnane`, expected a condition such as `host`, `port`, `tcp` or `ip[…]`; did you mean `ifname`?\n  ifnane eth0\n  ^^^^^^",
        ),
        (
            "netns",
            "unexpected end of the expression, expected a namespace: a path, a name, `inode:N` or `pid:N`\n  netns\n       ^",
        ),
        (
            "netns and tcp",
            "unexpected `and`, expected a namespace: a path, a name, `inode:N` or `pid:N`\n  netns and tcp\n        ^^^",
        ),
        ("netns wbe", "no network namespace is called `wbe`\n  netns wbe\n  ^^^^^^^^^"),
        ("netns 99999999999", "inode numbers of namespaces have 32 bits\n  netns 99999999999\n  ^^^^^^^^^^^^^^^^^"),
        ("ifname > a", "unexpected `>`, expected `==` or `!=`\n  ifname > a\n         ^"),
        (
            "ifname a*b",
            "`*` can only stand at the end of a name, and once, not as in `a*b`\n  ifname a*b\n  ^^^^^^^^^^",
        ),
        (
            "ifname abcdefghijklmnop",
            "names have at most 15 bytes, `abcdefghijklmnop` has more\n  ifname abcdefghijklmnop\n  ^^^^^^^^^^^^^^^^^^^^^^^",
        ),
        ("comm \"\"", "a name has at least one letter\n  comm \"\"\n  ^^^^^^^"),
        ("comm \"a", "unexpected end of the expression in quotes, expected `\"`\n  comm \"a\n       ^"),
        (
            "mark",
            "unexpected end of the expression, expected a mark such as `5`, `0x1f00` or `0x100/0xff00`\n  mark\n      ^",
        ),
        ("mark 5/3", "it has bits set outside of its mask, so that no packet could have it\n  mark 5/3\n  ^^^^^^^^"),
        ("mark 4294967296", "`4294967296` is not a number from 0 to 4294967295\n  mark 4294967296\n  ^^^^^^^^^^^^^^^"),
        ("pid -1", "`-1` is not a number from 0 to 4294967295\n  pid -1\n  ^^^^^^"),
        ("pid curl", "unexpected `curl`, expected the number of a process\n  pid curl\n      ^^^^"),
        ("func ip_(rcv", "a bad regular expression: unclosed group\n  func ip_(rcv\n  ^^^^^^^^^^^^"),
        ("drop NO_SOKCET", "no such reason, did you mean `NO_SOCKET`?\n  drop NO_SOKCET\n  ^^^^^^^^^^^^^^"),
        ("drop == and", "unexpected `and`, expected the name or number of a drop reason\n  drop == and\n          ^^^"),
        ("skb->nosuch == 1", "`struct sk_buff` has no member of `skb->nosuch`\n  skb->nosuch == 1\n  ^^^^^^^^^^^^^^^^"),
        ("skb->u8 == 256", "its values go from 0 to 255, so 256 is out of range\n  skb->u8 == 256\n  ^^^^^^^^^^^^^^"),
        ("skb->u8 == -1", "its values go from 0 to 255, so -1 is out of range\n  skb->u8 == -1\n  ^^^^^^^^^^^^^"),
        (
            "skb->i32 == 0xffffffff",
            "its values go from -2147483648 to 2147483647, so 4294967295 is out of range\n  skb->i32 == 0xffffffff\n  ^^^^^^^^^^^^^^^^^^^^^^",
        ),
        ("skb->u8 & -3", "a mask has no sign, as `-3` has\n  skb->u8 & -3\n  ^^^^^^^^^^^^"),
        ("skb->u8 == NOPE", "no value `NOPE`\n  skb->u8 == NOPE\n  ^^^^^^^^^^^^^^^"),
        ("skb->u8 + 1 == 2", "unexpected `+`, expected `and`, `or` or the end\n  skb->u8 + 1 == 2\n          ^"),
        (
            "skb->be64 > 1",
            "a number of 64 bits in network order can only be compared with `==` and `!=`\n  skb->be64 > 1\n  ^^^^^^^^^^^^^",
        ),
        ("mark 1 and mark 2", "no packet can match\n  mark 1 and mark 2\n  ^^^^^^^^^^^^^^^^^"),
        ("inner tcp", "unexpected `tcp`, expected `(` and a condition on the packet inside\n  inner tcp\n        ^^^"),
        ("inner(tcp", "unexpected end of the expression, expected `)`\n  inner(tcp\n           ^"),
        (
            "inner(inner(inner(inner(ip))))",
            "the expression is too large: more than 3 packets inside of each other\n  inner(inner(inner(inner(ip))))\n                    ^^^^^",
        ),
        ("host pid", "`pid` is not an address, and host names are not looked up\n  host pid\n       ^^^"),
        ("host \"tcp\"", "`tcp` is not an address, and host names are not looked up\n  host \"tcp\"\n       ^^^^^"),
        ("port 4294967296", "`4294967296` is larger than 32 bits\n  port 4294967296\n       ^^^^^^^^^^"),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected, "{expression}");
    }
    let many: Vec<String> = (0..9).map(|number| format!("func f{number}")).collect();
    let error = compile(&Request { expression: &many.join(" or "), ..Request::default() }).map(|_| ());
    assert!(error.expect_err("nine sets").to_string().contains("more than 8 different `func`"));
}

#[test]
fn what_is_too_large_is_an_error() {
    let many = |count: u32, part: fn(u32) -> String, join: &str| (0..count).map(part).collect::<Vec<_>>().join(join);
    let cases = [
        ("x".repeat(100_000), "100000 bytes"),
        ("(".repeat(1000) + "ip" + &")".repeat(1000), "100 deep"),
        ("ip[".repeat(1000) + "0", "100 deep"),
        ("host (".repeat(1000), "expected an address"),
        ("port (".to_owned() + &"(".repeat(1000), "100 deep"),
        ("1+".repeat(8000) + "1 = 2", "1024 numbers"),
        ("(ip[0]+".repeat(20) + "1" + &")".repeat(20) + " = len", "8 registers"),
        (many(400, |i| format!("host 10.0.{}.{}", i % 250, i * 7 % 250), " or "), "512 fit"),
        (many(1000, |i| format!("port {}", i * 65), " or "), "512 fit"),
        (many(200, |i| format!("ip[{i}] = {i}"), " and "), "192 may"),
        (many(16, |_| "vlan".to_owned(), " and "), "15 VLAN tags"),
        ("-".repeat(16_000), "unexpected end"),
        ("not ".repeat(4000), "unexpected end"),
        ("\u{1f980}".repeat(4000), "unexpected character"),
    ];
    for (expression, expected) in cases {
        let text = refused(&expression);
        assert!(text.contains(expected), "{text}");
        assert!(text.chars().count() < 500, "{text}");
    }
    for expression in
        ["(".repeat(100) + "ip" + &")".repeat(100), "not ".repeat(4000) + "ip", "ip or ".repeat(2700) + "ip"]
    {
        assert_eq!(program(&expression).count, 1);
    }
    let ports = many(200, |i| format!("port {}", i * 77), " or ");
    assert!(program(&ports).count as usize <= MAX_NODES);
}
