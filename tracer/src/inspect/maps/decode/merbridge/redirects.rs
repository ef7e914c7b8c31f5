//! Who was sent elsewhere than it wanted: `cookie_original_dst`, `pair_original_dst`, `sock_pair_map`.

use std::net::SocketAddr;

use super::{Version, address, version};
use crate::{
    inspect::maps::decode::{Bytes, Entry, Misfit, versions::Versions, words::flag_names},
    model::{
        Datum, Decoded, Form,
        merbridge::{Origin, Pair},
    },
};

/// By the socket's cookie.
pub static COOKIES: Versions = Versions {
    dataplane: "merbridge",
    name: "cookies",
    titles: &["SOCKET COOKIE", "WANTED", "PROCESS", "FLAGS"],
    form: Form::Columns,
    known: &[
        version!("cookie_original_dst", LRU_HASH, 8, 24, true),
        version!("cookie_original_dst", LRU_HASH, 8, 12, false),
        version!("osm_cki_fib", LRU_HASH, 8, 24, true),
    ],
    is_common_name: false,
    row: |entry, version, _| {
        let (cookie, origin) = read_cookie(entry, version)?;
        let [wanted, process, flags] = cells(&origin);
        let row = Decoded::new([format!("{cookie:#x}"), wanted, process, flags]).with("cookie", cookie);
        Ok(Some(with_origin(row, &origin)))
    },
};

/// By the ends of the connection.
pub static PAIRS: Versions = Versions {
    dataplane: "merbridge",
    name: "pairs",
    titles: &["SOURCE", "DESTINATION", "WANTED", "PROCESS", "FLAGS"],
    form: Form::Columns,
    known: &[
        version!("pair_original_dst", LRU_HASH, 36, 24, true),
        version!("tc/globals/pair_original_dst", LRU_HASH, 12, 12, false),
        version!("pair_original_dst", LRU_HASH, 12, 12, false),
        version!("osm_nat_fib", LRU_HASH, 36, 24, true),
    ],
    is_common_name: false,
    row: |entry, version, _| {
        let (pair, origin) = read_pair(entry, version)?;
        let [wanted, process, flags] = cells(&origin);
        let row = Decoded::new([pair.source.to_string(), pair.destination.to_string(), wanted, process, flags]);
        Ok(Some(with_origin(with_pair(row, &pair), &origin)))
    },
};

/// Connections whose data goes from socket to socket. User space gets keys alone: a lookup ends with ENOSPC.
pub static SOCKETS: Versions = Versions {
    dataplane: "merbridge",
    name: "sockets",
    titles: &["SOURCE", "DESTINATION"],
    form: Form::Columns,
    known: &[
        version!("sock_pair_map", SOCKHASH, 36, 4, true),
        version!("sock_pair_map", SOCKHASH, 12, 4, false),
        version!("osm_sock_fib", SOCKHASH, 36, 4, true),
    ],
    is_common_name: false,
    row: |entry, version, _| {
        let pair = read_socket(entry, version)?;
        Ok(Some(with_pair(Decoded::new([pair.source.to_string(), pair.destination.to_string()]), &pair)))
    },
};

const FLAGS: &[(u32, &str)] = &[(Origin::KNOWN as u32, "known"), (Origin::TC as u32, "tc")];

/// Reads a cookie and `struct origin_info`.
pub fn read_cookie(entry: &Entry<'_>, version: &Version) -> Result<(u64, Origin), Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok((key.u64(0), origin(value, version)))
}

/// Reads `struct pair` and `struct origin_info`.
pub fn read_pair(entry: &Entry<'_>, version: &Version) -> Result<(Pair, Origin), Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok((pair(key, version), origin(value, version)))
}

/// Reads `struct pair`, whatever there is of a value.
pub fn read_socket(entry: &Entry<'_>, version: &Version) -> Result<Pair, Misfit> {
    let key = Entry { key: entry.key, value: &[] }.sized(version.key as usize, 0)?.0;
    Ok(pair(key, version))
}

fn pair(key: Bytes<'_>, version: &Version) -> Pair {
    let size = if version.is_ipv6 { 16 } else { 4 };
    let end = |at, port| SocketAddr::new(address(key, at, version.is_ipv6), key.be16(port));
    Pair { source: end(0, 2 * size), destination: end(size, 2 * size + 2) }
}

/// The narrow layout begins with the process, the wide one with the address.
fn origin(value: Bytes<'_>, version: &Version) -> Origin {
    let (process, ip, port) = if version.is_ipv6 { (16, 0, 20) } else { (0, 4, 8) };
    Origin {
        address: SocketAddr::new(address(value, ip, version.is_ipv6), value.be16(port)),
        pid: value.u32(process),
        flags: value.u16(port + 2),
    }
}

fn cells(origin: &Origin) -> [String; 3] {
    let process = if origin.pid == 0 { "-".to_owned() } else { origin.pid.to_string() };
    let flags = flag_names(origin.flags.into(), FLAGS).join(",");
    [origin.address.to_string(), process, if flags.is_empty() { "-".to_owned() } else { flags }]
}

fn with_pair(row: Decoded, pair: &Pair) -> Decoded {
    row.with("source", pair.source.to_string()).with("destination", pair.destination.to_string())
}

fn with_origin(row: Decoded, origin: &Origin) -> Decoded {
    row.with("wanted", origin.address.to_string())
        .with("pid", (origin.pid != 0).then_some(origin.pid))
        .with("flags", Datum::texts(flag_names(origin.flags.into(), FLAGS)))
}
