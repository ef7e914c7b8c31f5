//! The words of the language, but for those of its keys ([`keys`]).

use crate::filter::keys;

/// Protocol words. What each one tests is decided in `meaning::protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    Link,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
    Igmp,
    Igrp,
    Pim,
    Vrrp,
    Carp,
    Ah,
    Esp,
    Gre,
    Atalk,
    Aarp,
    Decnet,
    Lat,
    Sca,
    Mopdl,
    Moprc,
    Stp,
    Ipx,
    Netbeui,
    Iso,
    Clnp,
    Esis,
    Isis,
    IsisL1,
    IsisL2,
    IsisIih,
    IsisLsp,
    IsisSnp,
    IsisCsnp,
    IsisPsnp,
}

/// `src`, `dst` and their combinations. Without any, `Either` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Source,
    Destination,
    Either,
    Both,
}

/// The kind of thing that an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// No word at all: as `Host`.
    Default,
    Host,
    Net,
    Port,
    PortRange,
    Protocol,
    ProtocolChain,
}

/// Every spelling of every protocol.
pub(crate) const PROTOCOLS: &[(&str, Protocol)] = &[
    ("ether", Protocol::Link),
    ("link", Protocol::Link),
    ("ip", Protocol::Ip),
    ("ip6", Protocol::Ip6),
    ("arp", Protocol::Arp),
    ("rarp", Protocol::Rarp),
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("sctp", Protocol::Sctp),
    ("icmp", Protocol::Icmp),
    ("icmp6", Protocol::Icmp6),
    ("igmp", Protocol::Igmp),
    ("igrp", Protocol::Igrp),
    ("pim", Protocol::Pim),
    ("vrrp", Protocol::Vrrp),
    ("carp", Protocol::Carp),
    ("ah", Protocol::Ah),
    ("esp", Protocol::Esp),
    ("gre", Protocol::Gre),
    ("atalk", Protocol::Atalk),
    ("aarp", Protocol::Aarp),
    ("decnet", Protocol::Decnet),
    ("lat", Protocol::Lat),
    ("sca", Protocol::Sca),
    ("mopdl", Protocol::Mopdl),
    ("moprc", Protocol::Moprc),
    ("stp", Protocol::Stp),
    ("ipx", Protocol::Ipx),
    ("netbeui", Protocol::Netbeui),
    ("iso", Protocol::Iso),
    ("clnp", Protocol::Clnp),
    ("esis", Protocol::Esis),
    ("es-is", Protocol::Esis),
    ("isis", Protocol::Isis),
    ("is-is", Protocol::Isis),
    ("l1", Protocol::IsisL1),
    ("l2", Protocol::IsisL2),
    ("iih", Protocol::IsisIih),
    ("lsp", Protocol::IsisLsp),
    ("snp", Protocol::IsisSnp),
    ("csnp", Protocol::IsisCsnp),
    ("psnp", Protocol::IsisPsnp),
];

/// The words behind which an operand stands.
pub(crate) const KINDS: &[(&str, What)] = &[
    ("host", What::Host),
    ("net", What::Net),
    ("port", What::Port),
    ("portrange", What::PortRange),
    ("proto", What::Protocol),
    ("protochain", What::ProtocolChain),
];

/// Words that are numbers: header offsets, ICMP types, TCP flags.
pub(crate) const NUMBERS: &[(&str, u32)] = &[
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("tcpflags", 13),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
    ("tcp-fin", 1),
    ("tcp-syn", 2),
    ("tcp-rst", 4),
    ("tcp-push", 8),
    ("tcp-ack", 16),
    ("tcp-urg", 32),
    ("tcp-ece", 64),
    ("tcp-cwr", 128),
];

/// Words that begin a primitive of their own, or join primitives.
pub(crate) const OTHERS: &[&str] = &[
    "and",
    "or",
    "not",
    "src",
    "dst",
    "mask",
    "broadcast",
    "multicast",
    "less",
    "greater",
    "len",
    "length",
    "vlan",
    "mpls",
    "pppoed",
    "pppoes",
    "llc",
    "inner",
];

const WLAN: &str = "it speaks of 802.11 headers, which the kernel's network stack has removed";
const FRAME: &str = "it speaks of a link layer that this program does not read; write `ether`";
const ATM: &str = "it speaks of ATM circuits";
const FIREWALL: &str = "it speaks of log records of the BSD packet filter pf";
const SIGNALLING: &str = "it speaks of SS7 signalling links";
const WAY: &str = "an skb does not carry its direction; filter by interface, namespace or function instead";

/// Words of pcap-filter(7) that are refused, and why.
pub(crate) const REFUSED: &[(&str, &str)] = &[
    ("gateway", "it needs a name looked up as IP and as link-layer address; write `ether host MAC and not host IP`"),
    ("geneve", "write `inner(…)` for the packet inside, and `udp port 6081` for the one around it"),
    ("inbound", WAY),
    ("outbound", WAY),
    ("ifindex", "write `ifname NAME`, or `skb->dev->ifindex == N`"),
    ("byte", "write `ether[offset]` with a comparison"),
    ("radio", WLAN),
    ("wlan", WLAN),
    ("type", WLAN),
    ("subtype", WLAN),
    ("dir", WLAN),
    ("direction", WLAN),
    ("ra", WLAN),
    ("ta", WLAN),
    ("addr1", WLAN),
    ("addr2", WLAN),
    ("addr3", WLAN),
    ("addr4", WLAN),
    ("address1", WLAN),
    ("address2", WLAN),
    ("address3", WLAN),
    ("address4", WLAN),
    ("fddi", FRAME),
    ("tr", FRAME),
    ("ppp", FRAME),
    ("slip", FRAME),
    ("lane", ATM),
    ("vpi", ATM),
    ("vci", ATM),
    ("metac", ATM),
    ("bcc", ATM),
    ("sc", ATM),
    ("ilmic", ATM),
    ("oam", ATM),
    ("oamf4", ATM),
    ("oamf4ec", ATM),
    ("oamf4sc", ATM),
    ("connectmsg", ATM),
    ("metaconnect", ATM),
    ("on", FIREWALL),
    ("rset", FIREWALL),
    ("ruleset", FIREWALL),
    ("rnr", FIREWALL),
    ("rulenum", FIREWALL),
    ("srnr", FIREWALL),
    ("subrulenum", FIREWALL),
    ("reason", "write `drop NAME`"),
    ("action", FIREWALL),
    ("fisu", SIGNALLING),
    ("lssu", SIGNALLING),
    ("lsu", SIGNALLING),
    ("msu", SIGNALLING),
    ("hfisu", SIGNALLING),
    ("hlssu", SIGNALLING),
    ("hmsu", SIGNALLING),
    ("sio", SIGNALLING),
    ("opc", SIGNALLING),
    ("dpc", SIGNALLING),
    ("sls", SIGNALLING),
];

/// The entry of `word` in a table of words.
pub(crate) fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, meaning)| *meaning)
}

/// The keyword spelled most like `word`, where that is near enough to be what was meant.
pub(crate) fn nearest(word: &str) -> Option<&'static str> {
    let names = OTHERS.iter().copied().chain(KINDS.iter().map(|entry| entry.0));
    let names = names.chain(keys::names());
    let names = names.chain(PROTOCOLS.iter().map(|entry| entry.0)).chain(NUMBERS.iter().map(|entry| entry.0));
    let reach = match word.len() {
        2..=4 => 1,
        5..=32 => 2,
        _ => return None,
    };
    // Capitals are the only mistake of some.
    let small = word.to_ascii_lowercase();
    let scored = names.filter(|name| *name != word).map(|name| (distance(&small, name), name));
    let near = scored.filter(|(distance, _)| *distance <= reach);
    // Letters are left out more often than taken for others.
    near.min_by_key(|(distance, name)| (*distance, !has_letters_of(name, &small))).map(|(_, name)| name)
}

/// Whether all letters of `part` stand in `whole`, in this order.
fn has_letters_of(whole: &str, part: &str) -> bool {
    let mut letters = whole.bytes();
    part.bytes().all(|wanted| letters.any(|letter| letter == wanted))
}

/// Letters to insert, drop, replace or swap with their neighbour to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_keyword() {
        let cases = [
            ("hots", Some("host")),
            ("an", Some("and")),
            ("prot", Some("proto")),
            ("hst", Some("host")),
            ("tpc", Some("tcp")),
            ("brodcast", Some("broadcast")),
            ("icmp-ecko", Some("icmp-echo")),
            ("ifnane", Some("ifname")),
            ("iner", Some("inner")),
            ("TCP", Some("tcp")),
            ("netn", Some("netns")),
            ("example", None),
            ("x", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word), expected, "{word}");
        }
    }

    #[test]
    fn no_word_has_two_meanings() {
        let mut words: Vec<&str> =
            PROTOCOLS.iter().map(|entry| entry.0).chain(KINDS.iter().map(|entry| entry.0)).collect();
        words.extend(
            NUMBERS
                .iter()
                .map(|entry| entry.0)
                .chain(REFUSED.iter().map(|entry| entry.0))
                .chain(OTHERS.iter().copied())
                .chain(keys::names()),
        );
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
