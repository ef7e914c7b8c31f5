//! What was translated: `map_affinity`, `map_nat_record`, `map_qos_flows`.

use super::{Version, end, protocol_name, version};
use crate::{
    inspect::maps::decode::{Entry, Misfit, versions::Versions},
    model::{
        Decoded, Form,
        balancing::{Affinity, NatRecord},
    },
};

/// Who keeps which backend.
pub static AFFINITY: Versions = Versions {
    dataplane: "balancing",
    name: "affinity",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_affinity", LRU_HASH, 16, 16)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(affinity(&read_affinity(entry, version)?))),
};

/// Where sockets wanted to go.
pub static NAT_RECORDS: Versions = Versions {
    dataplane: "balancing",
    name: "nat-records",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_nat_record", LRU_HASH, 16, 8)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(nat_record(&read_nat_record(entry, version)?))),
};

/// How often destinations were redirected lately. Not pinned, so it is found by its name.
pub static FLOWS: Versions = Versions {
    dataplane: "balancing",
    name: "flows",
    titles: &["DESTINATION", "COUNT"],
    form: Form::Columns,
    known: &[version!("map_qos_flows", LRU_HASH, 8, 16)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (destination, protocol) = (end(key, 0, 4), protocol_name(key.u8(6)));
        let (last, count) = (value.u64(0), value.u32(8));
        let row = Decoded::new([format!("{destination}/{protocol}"), count.to_string()]);
        Ok(Some(
            row.with("destination", destination.to_string())
                .with("protocol", protocol)
                .with("count", count)
                .with("last_ns", last),
        ))
    },
};

/// Reads `struct mapkey_affinity` and `struct mapvalue_affinity`.
pub fn read_affinity(entry: &Entry<'_>, version: &Version) -> Result<Affinity, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Affinity {
        client: key.u64(0),
        original: end(key, 8, 12),
        protocol: key.u8(14),
        time: value.u64(0),
        nat: end(value, 8, 12),
    })
}

/// Reads `struct mapkey_nat_record` and `struct mapvalue_nat_record`.
pub fn read_nat_record(entry: &Entry<'_>, version: &Version) -> Result<NatRecord, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(NatRecord { socket: key.u64(0), nat: end(key, 8, 12), protocol: key.u8(14), original: end(value, 0, 4) })
}

/// Key and value as `showMapData affinity` prints them.
pub fn affinity(entry: &Affinity) -> Decoded {
    let Affinity { client, original, time, nat, .. } = entry;
    let protocol = protocol_name(entry.protocol);
    Decoded::new([
        format!(
            "{{ ClientCookie:{client} , OriginalDestIp:{}, OriginalPort:{}, protocol:{protocol} }}",
            original.ip(),
            original.port()
        ),
        format!("{{ LastUpdatedTimeStamp:{time} , NatIp:{}, NatPort:{}  }}", nat.ip(), nat.port()),
    ])
    .with("client_netns_cookie", *client)
    .with("original", original.to_string())
    .with("protocol", protocol)
    .with("time_ns", *time)
    .with("nat", nat.to_string())
}

/// Key and value as `showMapData natRecord` prints them.
pub fn nat_record(entry: &NatRecord) -> Decoded {
    let NatRecord { socket, nat, original, .. } = entry;
    let protocol = protocol_name(entry.protocol);
    Decoded::new([
        format!("{{ SocketCookie:{socket}, NatIp:{}, NatPort:{}, protocol:{protocol} }}", nat.ip(), nat.port()),
        format!("{{ OriginalDstIp:{} , OriginalDstPort:{} }}", original.ip(), original.port()),
    ])
    .with("socket_cookie", *socket)
    .with("nat", nat.to_string())
    .with("protocol", protocol)
    .with("original", original.to_string())
}
