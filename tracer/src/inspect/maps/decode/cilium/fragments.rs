//! `cilium_ipv4_frag_datagrams`, `cilium_ipv6_frag_datagrams`: the ports of datagrams that come in fragments, which only the
//! first has.

use super::{
    minor_of, version,
    words::{protocol, with_port},
};
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Circumstances, Version, Versions},
    },
    model::{Decoded, Form},
};

/// The maps.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "frag",
    titles: &["ID", "PROTO", "SOURCE ADDRESS:PORT", "DEST ADDRESS:PORT"],
    form: Form::Columns,
    known: &[
        version!("cilium_ipv4_frag_datagrams", LRU_HASH, 12, 4, false),
        version!("cilium_ipv6_frag_datagrams", LRU_HASH, 40, 4, true),
    ],
    is_common_name: false,
    row: |entry, version, at| row(entry, version, at).map(Some),
};

/// `struct ipv4_frag_id` has the addresses first, `struct ipv6_frag_id` what tells datagrams apart, as their headers have it.
fn row(entry: &Entry<'_>, version: &Version, at: Circumstances) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let (id, number, source, destination) = if version.is_ipv6 {
        (u32::from_be_bytes(key.array(0)), key.u8(4), key.ipv6(8), key.ipv6(24))
    } else {
        (key.be16(8).into(), key.u8(10), key.ipv4(4), key.ipv4(0))
    };
    let (source_port, destination_port) = (value.be16(0), value.be16(2));
    let protocol = protocol(number, minor_of(at.release));
    let ends = [with_port(source, source_port), with_port(destination, destination_port)];
    let [from, to] = ends;
    Ok(Decoded::new([id.to_string(), protocol.clone(), from, to])
        .with("id", id)
        .with("protocol", protocol)
        .with("source", source)
        .with("source_port", source_port)
        .with("destination", destination)
        .with("destination_port", destination_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, subject},
    };

    #[test]
    fn datagrams() {
        let map = subject("cilium_ipv4_frag_datagrams", kind::LRU_HASH, 12, 4);
        let row = decode(&MAP, &map, "0a000009 0a000005 0102 11 00", "a112 0035");
        assert_eq!(row.cells, ["258", "UDP", "10.0.0.5:41234", "10.0.0.9:53"]);
        let map = subject("cilium_ipv6_frag_datagrams", kind::LRU_HASH, 40, 4);
        let key = "01020304 11 000000 fd000000000000000000000000000005 fd000000000000000000000000000009";
        let row = decode(&MAP, &map, key, "a112 0035");
        assert_eq!(row.cells, ["16909060", "UDP", "[fd00::5]:41234", "[fd00::9]:53"]);
    }
}
