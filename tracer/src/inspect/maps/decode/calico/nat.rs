//! Services: `cali_v4_nat_fe3`, `cali_v4_nat_be`, `cali_v4_nat_aff`, `cali_v4_mglv2`, `cali_v4_srmsg`, and those of IPv6.

use std::net::{IpAddr, SocketAddr};

use super::{Version, octets, version};
use crate::{
    inspect::maps::decode::{
        Bytes, Entry, Misfit,
        versions::Versions,
        words::{flag_names, go_duration},
    },
    model::{
        Datum, Decoded, Form,
        calico::{Affinity, Backend, Frontend, MaglevSlot, Reversal},
    },
};

/// What clients send to.
pub static FRONTENDS: Versions = Versions {
    dataplane: "calico",
    name: "nat-frontends",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_nat_fe3", LPM_TRIE, 16, 20, false), version!("cali_v6_nat_fe3", LPM_TRIE, 40, 20, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(frontend(&read_frontend(entry, version)?))),
};

/// What stands behind.
pub static BACKENDS: Versions = Versions {
    dataplane: "calico",
    name: "nat-backends",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_nat_be", HASH, 8, 8, false), version!("cali_v6_nat_be", HASH, 8, 20, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(backend(&read_backend(entry, version)?))),
};

/// Who keeps which backend.
pub static AFFINITY: Versions = Versions {
    dataplane: "calico",
    name: "nat-affinity",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_nat_aff", LRU_HASH, 16, 16, false), version!("cali_v6_nat_aff", LRU_HASH, 40, 32, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(affinity(&read_affinity(entry, version)?))),
};

/// Tables of services that choose backends by Maglev hashing.
pub static MAGLEV: Versions = Versions {
    dataplane: "calico",
    name: "nat-maglev",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_mglv2", HASH, 8, 8, false), version!("cali_v6_mglv2", HASH, 8, 20, true)],
    is_common_name: false,
    row: |entry, version, _| {
        let Backend { id, ordinal, address } = read_backend(entry, version)?;
        Ok(Some(maglev(&MaglevSlot { id, ordinal, backend: address })))
    },
};

/// Senders that are not connected.
pub static REVERSALS: Versions = Versions {
    dataplane: "calico",
    name: "sendmsg-recvmsg",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_v4_srmsg", LRU_HASH, 16, 8, false), version!("cali_v6_srmsg", LRU_HASH, 32, 20, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(reversal(&read_reversal(entry, version)?))),
};

/// `NAT_FLG_…`
const FLAGS: &[(u32, &str)] = &[(1, "external-local"), (2, "internal-local"), (4, "nat-exclude"), (8, "maglev")];

/// The key under which a service is found, whoever asks for it: the client's prefix is left out.
pub fn frontend_key(address: IpAddr, port: u16, protocol: u8) -> Vec<u8> {
    let octets = octets(address);
    let mut key = ((octets.len() as u32 + 3) * 8).to_ne_bytes().to_vec();
    key.extend(&octets);
    key.extend(port.to_ne_bytes());
    key.push(protocol);
    key.resize(if address.is_ipv4() { 16 } else { 40 }, 0);
    key
}

/// The key under which a backend is found.
pub fn backend_key(id: u32, ordinal: u32) -> Vec<u8> {
    [id.to_ne_bytes(), ordinal.to_ne_bytes()].concat()
}

/// Reads `struct calico_nat_key` and `struct calico_nat_value`.
pub fn read_frontend(entry: &Entry<'_>, version: &Version) -> Result<Frontend, Misfit> {
    let (key, value) = version.sized(entry)?;
    let size = if version.is_ipv6 { 16 } else { 4 };
    // Address, port and protocol always count; what is beyond them is the client's prefix.
    let fixed = (size as u32 + 3) * 8;
    Ok(Frontend {
        address: SocketAddr::new(key.address(4, version.is_ipv6), key.u16(4 + size)),
        protocol: key.u8(6 + size),
        source: (key.address(7 + size, version.is_ipv6), key.u32(0).saturating_sub(fixed)),
        id: value.u32(0),
        count: value.u32(4),
        local: value.u32(8),
        affinity: value.u32(12),
        flags: value.u32(16),
    })
}

/// Reads `struct calico_nat_secondary_key` and `struct calico_nat_dest`.
pub fn read_backend(entry: &Entry<'_>, version: &Version) -> Result<Backend, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Backend { id: key.u32(0), ordinal: key.u32(4), address: destination(value, 0, version.is_ipv6) })
}

/// Reads `struct calico_nat_affinity_key` and `struct calico_nat_affinity_val`.
pub fn read_affinity(entry: &Entry<'_>, version: &Version) -> Result<Affinity, Misfit> {
    let (key, value) = version.sized(entry)?;
    let size = if version.is_ipv6 { 16 } else { 4 };
    Ok(Affinity {
        client: key.address(4 + size, version.is_ipv6),
        service: destination(key, 0, version.is_ipv6),
        protocol: key.u8(2 + size),
        backend: destination(value, 0, version.is_ipv6),
        time: value.u64(if version.is_ipv6 { 24 } else { 8 }),
    })
}

/// Reads `struct sendrec_key` and `struct sendrec_val`: a port has a word to itself, in network order in its first half.
fn read_reversal(entry: &Entry<'_>, version: &Version) -> Result<Reversal, Misfit> {
    let (key, value) = version.sized(entry)?;
    let size = if version.is_ipv6 { 16 } else { 4 };
    Ok(Reversal {
        cookie: key.u64(0),
        from: SocketAddr::new(key.address(8, version.is_ipv6), key.be16(8 + size)),
        shown: SocketAddr::new(value.address(0, version.is_ipv6), value.be16(size)),
    })
}

/// `struct calico_nat_dest`: the port is in the machine's order.
fn destination(bytes: Bytes<'_>, at: usize, is_ipv6: bool) -> SocketAddr {
    let port = bytes.u16(at + if is_ipv6 { 16 } else { 4 });
    SocketAddr::new(bytes.address(at, is_ipv6), port)
}

/// A service's line of `nat dump`.
pub fn frontend(entry: &Frontend) -> Decoded {
    let Frontend { address, protocol, id, local, .. } = entry;
    let flags = flag_names(entry.flags, FLAGS);
    let mut text = format!(
        "{} port {} proto {protocol} id {id} count {} local {local}",
        address.ip(),
        address.port(),
        shown_count(entry)
    );
    if !flags.is_empty() {
        text.push_str(" flags ");
        text.push_str(&flags.join(", "));
    }
    let source = (entry.source.1 != 0).then(|| format!("{}/{}", entry.source.0, entry.source.1));
    if let Some(source) = &source {
        text.push_str(" src ");
        text.push_str(source);
    }
    Decoded::new([text])
        .with("address", address.ip())
        .with("port", address.port())
        .with("protocol", *protocol)
        .with("source", source)
        .with("id", *id)
        .with("count", Datum::Signed(shown_count(entry)))
        .with("local", *local)
        .with("affinity_seconds", entry.affinity)
        .with("flags", Datum::texts(flags))
}

/// -1 for a service whose packets are thrown away.
fn shown_count(entry: &Frontend) -> i64 {
    if entry.count == Frontend::BLACK_HOLE { -1 } else { entry.count.into() }
}

/// A backend's line of `nat dump`, with other white space.
pub fn backend(entry: &Backend) -> Decoded {
    let Backend { id, ordinal, address } = entry;
    Decoded::new([format!("{id}:{ordinal} {address}")])
        .with("id", *id)
        .with("ordinal", *ordinal)
        .with("address", address.ip())
        .with("port", address.port())
}

/// A line of `nat aff`.
pub fn affinity(entry: &Affinity) -> Decoded {
    let Affinity { client, service, protocol, backend, time } = entry;
    let time_text = go_duration(i64::try_from(*time).unwrap_or(i64::MAX));
    Decoded::new([format!("client {client} svc proto {protocol} {service} -> {backend} ts {time_text}")])
        .with("client", *client)
        .with("protocol", *protocol)
        .with("service", service.to_string())
        .with("backend", backend.to_string())
        .with("time_ns", *time)
}

/// A line of `nat maglev`.
pub fn maglev(entry: &MaglevSlot) -> Decoded {
    let MaglevSlot { id, ordinal, backend } = entry;
    Decoded::new([format!("svc {id} ordinal {ordinal} -> {backend}")])
        .with("id", *id)
        .with("ordinal", *ordinal)
        .with("backend", backend.to_string())
}

fn reversal(entry: &Reversal) -> Decoded {
    let Reversal { cookie, from, shown } = entry;
    Decoded::new([format!("socket {cookie:#018x}: answers from {from} shown as {shown}")])
        .with("socket_cookie", *cookie)
        .with("from", from.to_string())
        .with("shown", shown.to_string())
}
