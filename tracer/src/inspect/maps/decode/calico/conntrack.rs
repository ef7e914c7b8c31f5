//! `cali_v4_ct4` and its forerunners: connections. Texts as `conntrack dump` and `conntrack dump --raw` print them.

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use super::{Version, version};
use crate::{
    inspect::maps::decode::{
        Bytes, Entry, Misfit,
        versions::Versions,
        words::{flag_names, go_duration},
    },
    model::{
        Datum, Decoded, Form,
        calico::{Connection, ConnectionKey, ConnectionKind, ConnectionState, Leg, Track},
    },
};

/// The map. The second version of the layout is only read to upgrade from it.
pub static MAP: Versions = Versions {
    dataplane: "calico",
    name: "conntrack",
    titles: &[],
    form: Form::Lines,
    known: &[
        version!("cali_v4_ct4", LRU_HASH, 16, 88, false),
        version!("cali_v6_ct4", LRU_HASH, 40, 128, true),
        version!("cali_v4_ct3", HASH, 16, 88, false),
        version!("cali_v6_ct3", HASH, 40, 128, true),
        version!("cali_v4_ct2", HASH, 16, 64, false),
    ],
    is_common_name: false,
    row: |entry, version, at| Ok(Some(decoded(&read(entry, version)?, at.now))),
};

/// `CALI_CT_FLAG_…`, as the tool names them.
const FLAGS: &[(u32, &str)] = &[
    (0x1, "nat-out"),
    (0x2, "fwd-dsr"),
    (0x4, "np-fwd"),
    (0x8, "skip-fib"),
    (0x40, "ext-local"),
    (0x80, "via-nat-iface"),
    (0x100, "B-A"),
    (0x200, "host-psnat"),
    (0x400, "svc-self"),
    (0x800, "np-loop"),
    (0x1000, "np-remote"),
    (0x2000, "no-dsr"),
    (0x4000, "no-redir-peer"),
    (0x8000, "dscp"),
    (0x1_0000, "maglev"),
    (0x2_0000, "send-rst"),
    (0x4_0000, "connlimit-in"),
    (0x8_0000, "connlimit-in-rej"),
    (0x10_0000, "connlimit-out"),
    (0x20_0000, "connlimit-dec"),
];

/// Size of a value of the layout that does not count bytes.
const SECOND: u32 = 64;

/// Reads `struct calico_ct_key` and `struct calico_ct_value`.
pub fn read(entry: &Entry<'_>, version: &Version) -> Result<Connection, Misfit> {
    let (key, value) = version.sized(entry)?;
    // Bits 16 to 31 came with the fourth version of the map; before, those bytes were padding and zero.
    let flags = [value.u8(17), value.u8(23), value.u8(18), value.u8(19)];
    let kind = match value.u8(16) {
        0 => ConnectionKind::Normal(track(value, version)),
        1 => ConnectionKind::Forward {
            reverse: connection_key(value, 24, version.is_ipv6),
            source_port: value.u16(if version.is_ipv6 { 64 } else { 40 }),
        },
        2 => ConnectionKind::Reverse(track(value, version)),
        other => ConnectionKind::Unknown(other),
    };
    Ok(Connection {
        key: connection_key(key, 0, version.is_ipv6),
        created_or_reset: value.u64(0).cast_signed(),
        last_seen: value.u64(8).cast_signed(),
        flags: u32::from_le_bytes(flags),
        kind,
    })
}

fn connection_key(bytes: Bytes<'_>, at: usize, is_ipv6: bool) -> ConnectionKey {
    let size = if is_ipv6 { 16 } else { 4 };
    let ports = at + 4 + 2 * size;
    let end = |address, port| SocketAddr::new(bytes.address(address, is_ipv6), bytes.u16(port));
    ConnectionKey { protocol: bytes.u32(at) as u8, a: end(at + 4, ports), b: end(at + 4 + size, ports + 2) }
}

fn track(value: Bytes<'_>, version: &Version) -> Track {
    if version.value == SECOND {
        return Track {
            a_to_b: short_leg(value, 24),
            b_to_a: short_leg(value, 36),
            tunnel: value.ipv4(56),
            destination: value.ipv4(48),
            destination_port: value.u16(52),
            source_port: 0,
            source: IpAddr::from([0; 4]),
        };
    }
    let size = if version.is_ipv6 { 16 } else { 4 };
    let (destination, ports) = (72 + size, 72 + 2 * size);
    Track {
        a_to_b: leg(value, 24),
        b_to_a: leg(value, 48),
        tunnel: value.address(72, version.is_ipv6),
        destination: value.address(destination, version.is_ipv6),
        destination_port: value.u16(ports),
        source_port: value.u16(ports + 2),
        source: value.address(ports + 4, version.is_ipv6),
    }
}

fn leg(value: Bytes<'_>, at: usize) -> Leg {
    Leg { bytes: Some(value.u64(at)), packets: Some(value.u32(at + 8)), ..short_leg(value, at + 12) }
}

fn short_leg(value: Bytes<'_>, at: usize) -> Leg {
    Leg {
        bytes: None,
        packets: None,
        sequence: u32::from_be_bytes(value.array(at)),
        bits: value.u32(at + 4),
        ifindex: value.u32(at + 8),
    }
}

/// The entry in the tool's words; `now` is nanoseconds since boot.
pub fn decoded(entry: &Connection, now: u64) -> Decoded {
    let row = Decoded::new([text(entry, now).unwrap_or_else(|| raw(entry, now))])
        .with("protocol", protocol(entry.key.protocol))
        .with("protocol_number", entry.key.protocol)
        .with("a", entry.key.a.to_string())
        .with("b", entry.key.b.to_string());
    let row = match &entry.kind {
        ConnectionKind::Normal(track) => with_track(row.with("type", "normal"), entry, track),
        ConnectionKind::Forward { reverse, source_port } => row
            .with("type", "nat-forward")
            .with("reverse_a", reverse.a.to_string())
            .with("reverse_b", reverse.b.to_string())
            .with("source_port", *source_port),
        ConnectionKind::Reverse(track) => with_track(row.with("type", "nat-reverse"), entry, track),
        ConnectionKind::Unknown(kind) => row.with("type", format!("unknown ({kind})")),
    };
    row.with("state", entry.state().map(state))
        .with("flags", Datum::texts(flag_names(entry.flags, FLAGS)))
        .with("last_seen_ns", Datum::Signed(entry.last_seen))
        .with("active_ago_ns", Datum::Signed(ago(entry, now)))
        .with("created_or_reset_ns", Datum::Signed(entry.created_or_reset))
}

fn with_track(row: Decoded, entry: &Connection, track: &Track) -> Decoded {
    let row = row.with("began", if entry.flags & Connection::FROM_B == 0 { "a" } else { "b" });
    let row = [("a_to_b", &track.a_to_b), ("b_to_a", &track.b_to_a)].into_iter().fold(row, |row, (name, leg)| {
        let names: [&'static str; 4] = match name {
            "a_to_b" => ["a_to_b_bytes", "a_to_b_packets", "a_to_b_seen", "a_to_b_ifindex"],
            _ => ["b_to_a_bytes", "b_to_a_packets", "b_to_a_seen", "b_to_a_ifindex"],
        };
        row.with(names[0], leg.bytes)
            .with(names[1], leg.packets)
            .with(names[2], Datum::texts(flag_names(leg.bits, BITS)))
            .with(names[3], leg.ifindex)
    });
    if !matches!(entry.kind, ConnectionKind::Reverse(_)) {
        return row;
    }
    row.with("service", SocketAddr::new(track.destination, track.destination_port).to_string())
        .with("tunnel", (!track.tunnel.is_unspecified()).then_some(track.tunnel))
        .with("source", (!track.source.is_unspecified()).then_some(track.source))
        .with("source_port", track.source_port)
}

const BITS: &[(u32, &str)] = &[
    (Leg::SYN, "syn"),
    (Leg::ACK, "ack"),
    (Leg::FIN, "fin"),
    (Leg::RST, "rst"),
    (Leg::APPROVED, "approved"),
    (Leg::OPENER, "opener"),
    (Leg::WORKLOAD, "workload"),
];

/// The line of `conntrack dump`, which leaves out the forward half of a translated connection.
pub fn text(entry: &Connection, now: u64) -> Option<String> {
    let ConnectionKey { protocol: number, a, b } = entry.key;
    let (from, to) = if entry.flags & Connection::FROM_B == 0 { (a, b) } else { (b, a) };
    let mut out = format!("{} {} -> ", protocol(number), plain(from));
    let track = match &entry.kind {
        ConnectionKind::Normal(track) => track,
        ConnectionKind::Reverse(track) => {
            let service = SocketAddr::new(track.destination, track.destination_port);
            let _ = write!(out, "{} -> ", plain(service));
            track
        }
        ConnectionKind::Forward { .. } | ConnectionKind::Unknown(_) => return None,
    };
    let _ = write!(out, "{} ", plain(to));
    if matches!(entry.kind, ConnectionKind::Reverse(_)) && !track.tunnel.is_unspecified() {
        let _ = write!(out, "external client, service forwarded to/from {} ", track.tunnel);
    }
    if entry.flags & Connection::SOURCE_PORT_CHANGED != 0 {
        let _ = write!(out, "source port changed from {} ", track.source_port);
    }
    activity(entry, now, &mut out);
    Some(out)
}

/// The line of `conntrack dump --raw`.
pub fn raw(entry: &Connection, now: u64) -> String {
    let flags = match entry.flags {
        0 => "<none>".to_owned(),
        flags => format!("{flags:#x} {}", flag_names(flags, FLAGS).join(" ")),
    };
    let kind = match entry.kind {
        ConnectionKind::Normal(_) => 0,
        ConnectionKind::Forward { .. } => 1,
        ConnectionKind::Reverse(_) => 2,
        ConnectionKind::Unknown(kind) => kind,
    };
    let mut out =
        format!("{} -> Entry{{Type:{kind}, LastSeen:{}, Flags: {flags} ", raw_key(&entry.key), entry.last_seen);
    let _ = match &entry.kind {
        ConnectionKind::Normal(track) | ConnectionKind::Reverse(track) => write!(
            out,
            "Data: {{A2B:{} B2A:{} OrigDst:{} OrigSrc:{} OrigPort:{} OrigSPort:{} TunIP:{}}}",
            raw_leg(&track.a_to_b),
            raw_leg(&track.b_to_a),
            track.destination,
            track.source,
            track.destination_port,
            track.source_port,
            track.tunnel
        ),
        ConnectionKind::Forward { reverse, source_port } => {
            write!(out, "REVKey: {} NATSPort: {source_port}", raw_key(reverse))
        }
        ConnectionKind::Unknown(_) => write!(out, "TYPE INVALID"),
    };
    out.push('}');
    activity(entry, now, &mut out);
    out
}

fn raw_key(key: &ConnectionKey) -> String {
    format!("ConntrackKey{{proto={} {} <-> {}}}", key.protocol, plain(key.a), plain(key.b))
}

fn raw_leg(leg: &Leg) -> String {
    let counts = match (leg.bytes, leg.packets) {
        (Some(bytes), Some(packets)) => format!("Bytes:{bytes} Packets:{packets} "),
        _ => String::new(),
    };
    format!(
        "{{{counts}Seqno:{} SynSeen:{} AckSeen:{} FinSeen:{} RstSeen:{} Approved:{} Opener:{} Workload:{} Ifindex:{}}}",
        leg.sequence,
        leg.has(Leg::SYN),
        leg.has(Leg::ACK),
        leg.has(Leg::FIN),
        leg.has(Leg::RST),
        leg.has(Leg::APPROVED),
        leg.has(Leg::OPENER),
        leg.has(Leg::WORKLOAD),
        leg.ifindex
    )
}

fn activity(entry: &Connection, now: u64, out: &mut String) {
    let _ = write!(out, " Active ago {}", go_duration(ago(entry, now)));
    if let Some(state) = entry.state() {
        let _ = write!(out, " {}", self::state(state));
    }
}

fn ago(entry: &Connection, now: u64) -> i64 {
    now.cast_signed().saturating_sub(entry.last_seen)
}

fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::SynSent => "SYN-SENT",
        ConnectionState::Established => "ESTABLISHED",
        ConnectionState::Reset => "RESET",
        ConnectionState::Closed => "CLOSED",
    }
}

fn protocol(number: u8) -> &'static str {
    match number {
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        58 => "ICMP6",
        _ => "UNKNOWN",
    }
}

/// The tool puts no brackets around addresses of IPv6.
fn plain(end: SocketAddr) -> String {
    format!("{}:{}", end.ip(), end.port())
}
