//! The network around a node: `cali_v4_routes`, `cali_v4_ip_sets`, `cali_v4_arp2`, `cali_v4_fsafes2`, and those of IPv6.

use std::net::IpAddr;

use super::{Version, octets, version};
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::Versions,
        words::{flag_names, mac},
    },
    model::{
        Datum, Decoded, Form,
        calico::{Failsafe, Member, Neighbour, Route},
    },
};

/// Where prefixes lead.
pub static ROUTES: Versions = Versions {
    dataplane: "calico",
    name: "routes",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_routes", LPM_TRIE, 8, 8, false), version!("cali_v6_routes", LPM_TRIE, 20, 20, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(route(&read_route(entry, version)?))),
};

/// Members of IP sets.
pub static IP_SETS: Versions = Versions {
    dataplane: "calico",
    name: "ipsets",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_ip_sets", LPM_TRIE, 20, 4, false), version!("cali_v6_ip_sets", LPM_TRIE, 32, 4, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(member(&read_member(entry, version)?))),
};

/// Link-layer addresses.
pub static NEIGHBOURS: Versions = Versions {
    dataplane: "calico",
    name: "arp",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_arp2", LRU_HASH, 8, 12, false), version!("cali_v6_arp2", LRU_HASH, 20, 12, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(neighbour(&read_neighbour(entry, version)?))),
};

/// Ports that no policy can close.
pub static FAILSAFES: Versions = Versions {
    dataplane: "calico",
    name: "failsafes",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_fsafes2", LPM_TRIE, 12, 4, false), version!("cali_v6_fsafes2", LPM_TRIE, 24, 4, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(failsafe(&read_failsafe(entry, version)?))),
};

/// The key under which the longest prefix is found that holds an address.
pub fn route_key(address: IpAddr) -> Vec<u8> {
    let octets = octets(address);
    [&(octets.len() as u32 * 8).to_ne_bytes()[..], &octets].concat()
}

/// Reads `struct cali_rt_key` and `struct cali_rt`.
pub fn read_route(entry: &Entry<'_>, version: &Version) -> Result<Route, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Route {
        network: key.address(4, version.is_ipv6),
        bits: key.u32(0),
        flags: value.u32(0),
        next_hop: value.address(4, version.is_ipv6),
        ifindex: value.u32(4),
    })
}

/// Bits of a key of `cali_v4_ip_sets` that are the set's number.
const SET_BITS: u32 = 64;

/// Reads `union ip4_set_bpf_lpm_trie_key`; the value says nothing.
pub fn read_member(entry: &Entry<'_>, version: &Version) -> Result<Member, Misfit> {
    let (key, _) = version.sized(entry)?;
    let port = if version.is_ipv6 { 28 } else { 16 };
    Ok(Member {
        set: u64::from_be_bytes(key.array(4)),
        address: key.address(12, version.is_ipv6),
        bits: key.u32(0).saturating_sub(SET_BITS),
        port: key.u16(port),
        protocol: key.u8(port + 2),
    })
}

/// Reads `struct arp_key` and `struct arp_value`.
pub fn read_neighbour(entry: &Entry<'_>, version: &Version) -> Result<Neighbour, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Neighbour {
        address: key.address(0, version.is_ipv6),
        ifindex: key.u32(if version.is_ipv6 { 16 } else { 4 }),
        source: value.array(0),
        destination: value.array(6),
    })
}

/// Bits of a key of `cali_v4_fsafes2` before the address: port, protocol, direction.
const PORT_BITS: u32 = 32;

/// Reads `struct failsafe_key`; the value says nothing.
fn read_failsafe(entry: &Entry<'_>, version: &Version) -> Result<Failsafe, Misfit> {
    let (key, _) = version.sized(entry)?;
    Ok(Failsafe {
        network: key.address(8, version.is_ipv6),
        bits: key.u32(0).saturating_sub(PORT_BITS),
        port: key.u16(4),
        protocol: key.u8(6),
        flags: key.u8(7),
    })
}

/// A line of `routes dump`.
pub fn route(entry: &Route) -> Decoded {
    let network = format!("{}/{}", entry.network, entry.bits);
    let workload = entry.has(Route::WORKLOAD);
    let local = entry.has(Route::LOCAL);
    Decoded::new([format!("{network:>15}: {}", words(entry))])
        .with("network", network)
        .with("type", words(entry))
        .with("next_hop", (workload && !local).then_some(entry.next_hop))
        .with("ifindex", (workload && local).then_some(entry.ifindex))
        .with("flags", entry.flags)
}

/// What a route is, as the tool says it. Flags that are newer than its words stand at the end as a number.
pub fn words(entry: &Route) -> String {
    const PLAIN: &[(u32, &str)] = &[
        (Route::IN_POOL, "in-pool"),
        (Route::NAT_OUT, "nat-out"),
        (Route::SAME_SUBNET, "same-subnet"),
        (Route::NO_DSR, "no-dsr"),
        (Route::TUNNELED, "tunneled"),
    ];
    const HOLES: &[(u32, &str)] =
        &[(Route::BLACKHOLE_DROP, "blackhole-drop"), (Route::BLACKHOLE_REJECT, "blackhole-reject")];
    let has = |flag| entry.has(flag);
    let mut words = Vec::new();
    if has(Route::LOCAL) {
        words.push("local".to_owned());
    } else if !has(Route::BLACKHOLE_DROP | Route::BLACKHOLE_REJECT) {
        words.push("remote".to_owned());
    }
    if has(Route::HOST) {
        words.push("host".to_owned());
    } else if has(Route::WORKLOAD) {
        words.push("workload".to_owned());
    }
    let named = |names: &[(u32, &str)]| names.iter().fold(0, |all, (bit, _)| all | bit);
    words.extend(flag_names(entry.flags & named(PLAIN), PLAIN));
    if has(Route::WORKLOAD) {
        words.push(if has(Route::LOCAL) { format!("idx {}", entry.ifindex) } else { format!("nh {}", entry.next_hop) });
    }
    words.extend(flag_names(entry.flags & named(HOLES), HOLES));
    let said = named(PLAIN) | named(HOLES) | Route::LOCAL | Route::HOST | Route::WORKLOAD;
    words.extend(flag_names(entry.flags & !said, LATER));
    words.join(" ")
}

/// Flags of 3.31 on; 3.30 has 0x800 for virtual machines.
const LATER: &[(u32, &str)] = &[(0x400, "vxlan"), (0x800, "skip-ingress-redir")];

/// A line of `ipsets dump`, with the set's number.
pub fn member(entry: &Member) -> Decoded {
    Decoded::new([format!("IP set {:#x}   {}", entry.set, member_text(entry))])
        .with("set", format!("{:#x}", entry.set))
        .with("address", entry.address)
        .with("bits", entry.bits)
        .with("port", (entry.protocol != 0).then_some(entry.port))
        .with("protocol", (entry.protocol != 0).then_some(entry.protocol))
}

/// A member as the tool prints it.
pub fn member_text(entry: &Member) -> String {
    match entry.protocol {
        0 => format!("{}/{}", entry.address, entry.bits),
        protocol => format!("{}:{} (proto {protocol})", entry.address, entry.port),
    }
}

/// A line of `arp dump`.
pub fn neighbour(entry: &Neighbour) -> Decoded {
    let (source, destination) = (mac(entry.source), mac(entry.destination));
    // A width says nothing about an address by itself.
    let address = entry.address.to_string();
    Decoded::new([format!("dev {:>4}: {address:>15} : {source} -> {destination}", entry.ifindex)])
        .with("ifindex", entry.ifindex)
        .with("address", entry.address)
        .with("source_mac", source)
        .with("destination_mac", destination)
}

/// `CALI_FSAFE_OUTBOUND`
const OUTBOUND: u8 = 1;

fn failsafe(entry: &Failsafe) -> Decoded {
    let direction = if entry.flags & OUTBOUND != 0 { "outbound" } else { "inbound" };
    let network = format!("{}/{}", entry.network, entry.bits);
    Decoded::new([format!("proto {} port {} {direction} {network}", entry.protocol, entry.port)])
        .with("protocol", entry.protocol)
        .with("port", entry.port)
        .with("direction", direction)
        .with("network", network)
        .with("flags", Datum::Number(entry.flags.into()))
}
