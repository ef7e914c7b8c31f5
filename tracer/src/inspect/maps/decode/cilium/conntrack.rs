//! `cilium_ct4_global` and its kin: the connections that Cilium tracks, TCP and others, IPv4 and IPv6.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use super::{
    minor_of, version,
    words::{Tuple, names, protocol},
};
use crate::{
    inspect::maps::decode::{
        Bytes, Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Datum, Decoded, Form},
};

/// The maps.
pub static MAP: Versions = Versions {
    dataplane: "cilium",
    name: "ct",
    titles: &[],
    form: Form::Lines,
    known: &[
        version!("cilium_ct4_global", LRU_HASH, 14, 56, false),
        version!("cilium_ct_any4_global", LRU_HASH, 14, 56, false),
        version!("cilium_ct6_global", LRU_HASH, 38, 56, true),
        version!("cilium_ct_any6_global", LRU_HASH, 38, 56, true),
    ],
    is_common_name: false,
    row: |entry, version, at| Release(minor_of(at.release)).row(entry, version),
};

const FLAGS: [(u16, &str); 10] = [
    (1, "RxClosing"),
    (2, "TxClosing"),
    (4, "Nat64"),
    (8, "LBLoopback"),
    (0x10, "SeenNonSyn"),
    (0x20, "NodePort"),
    (0x40, "ProxyRedirect"),
    (0x80, "DSRInternal"),
    (0x100, "FromL7LB"),
    (0x400, "FromTunnel"),
];
/// The bit that was called DSR to 1.15.
const DSR: u16 = 0x80;

/// Minor number of the release by which an entry is read.
struct Release(u16);

impl Release {
    fn row(&self, entry: &Entry<'_>, version: &Version) -> Result<Option<Decoded>, Misfit> {
        let (key, value) = version.sized(entry)?;
        let tuple = Tuple::read(key, version.is_ipv6);
        if tuple.is_empty() {
            return Ok(None);
        }
        let mut text = tuple.connection(self.0);
        // Writing to a string cannot fail.
        let _ = self.text(value, &mut text);
        let row = Decoded::new([text]);
        let row = self.counts(self.ends(row, &tuple).with("expires", value.u32(32)), value);
        let row = row
            .with("flags", Datum::texts(self.flag_words(value.u16(36))))
            .with("rx_flags_seen", value.u8(43))
            .with("tx_flags_seen", value.u8(42))
            .with("last_rx_report", value.u32(52))
            .with("last_tx_report", value.u32(48))
            .with("rev_nat", value.be16(38))
            .with("source_identity", value.u32(44));
        Ok(Some(match self.0 {
            ..=17 => row.with("ifindex", value.u16(40)),
            18 => row,
            19.. => row.with("nat_port", value.be16(40)),
        }))
    }

    /// In the map the ends are stored the other way round, of services only the addresses.
    fn ends(&self, row: Decoded, tuple: &Tuple) -> Decoded {
        let row = row.with("protocol", protocol(tuple.protocol, self.0));
        if tuple.is_service() {
            return row
                .with("direction", "svc")
                .with("related", tuple.is_related())
                .with("source", tuple.source)
                .with("source_port", tuple.destination_port)
                .with("destination", tuple.destination)
                .with("destination_port", tuple.source_port);
        }
        row.with("direction", if tuple.is_in() { "in" } else { "out" })
            .with("related", tuple.is_related())
            .with("source", tuple.destination)
            .with("source_port", tuple.source_port)
            .with("destination", tuple.source)
            .with("destination_port", tuple.destination_port)
    }

    fn counts(&self, row: Decoded, value: Bytes<'_>) -> Decoded {
        if self.0 <= 15 {
            return row
                .with("rx_packets", value.u64(0))
                .with("rx_bytes", value.u64(8))
                .with("tx_packets", value.u64(16))
                .with("tx_bytes", value.u64(24));
        }
        let row = row.with("packets", value.u64(16)).with("bytes", value.u64(24));
        // From 1.19 on an IPv6 address may stand there instead, for NAT46: no number of a backend has more than 32 bits.
        if self.0 >= 19 && value.u64(8) > u64::from(u32::MAX) {
            return row.with("backend_id", Datum::Nothing).with("nat_address", value.ipv6(0));
        }
        row.with("backend_id", value.u64(8))
    }

    /// Appends `struct ct_entry` as the release prints it.
    fn text(&self, value: Bytes<'_>, out: &mut String) -> fmt::Result {
        let (rx_seen, tx_seen) = (value.u8(43), value.u8(42));
        let (tx_report, rx_report) = (value.u32(48), value.u32(52));
        let (first, second) = (value.u64(16), value.u64(24));
        write!(out, "expires={} ", value.u32(32))?;
        if self.0 <= 15 {
            write!(out, "RxPackets={} RxBytes={} ", value.u64(0), value.u64(8))?;
        } else {
            write!(out, "Packets={first} Bytes={second} ")?;
        }
        write!(out, "RxFlagsSeen=0x{rx_seen:02x} LastRxReport={rx_report} ")?;
        if self.0 <= 15 {
            write!(out, "TxPackets={first} TxBytes={second} ")?;
        }
        write!(out, "TxFlagsSeen=0x{tx_seen:02x} LastTxReport={tx_report} ")?;
        self.flags_text(value.u16(36), out)?;
        write!(out, " RevNAT={} SourceSecurityID={} ", value.be16(38), value.u32(44))?;
        if self.0 <= 17 {
            write!(out, "IfIndex={} ", value.u16(40))?;
        }
        if self.0 >= 16 {
            write!(out, "BackendID={} ", value.u64(8))?;
        }
        if self.0 >= 19 {
            write!(out, "NatPort={} ", value.be16(40))?;
        }
        Ok(())
    }

    fn flags_text(&self, flags: u16, out: &mut String) -> fmt::Result {
        write!(out, "Flags=0x{flags:04x} [ ")?;
        for name in self.flags(flags) {
            write!(out, "{name} ")?;
        }
        let unknown = flags & !self.known();
        if unknown != 0 {
            write!(out, "Unknown=0x{unknown:04x} ")?;
        }
        out.write_char(']')
    }

    /// Names, and what has none as a number.
    fn flag_words(&self, flags: u16) -> Vec<Cow<'static, str>> {
        let mut words: Vec<Cow<'static, str>> = self.flags(flags).map(Cow::from).collect();
        let unnamed = flags & !FLAGS.iter().fold(0, |all, (bit, _)| all | bit);
        if unnamed != 0 {
            words.push(format!("{unnamed:#x}").into());
        }
        words
    }

    fn flags(&self, flags: u16) -> impl Iterator<Item = &'static str> {
        let old = self.0 <= 15;
        names(flags & self.known(), &FLAGS).map(move |name| if old && name == "DSRInternal" { "DSR" } else { name })
    }

    /// Bits that the release does not call unknown, those without a name among them.
    fn known(&self) -> u16 {
        if self.0 <= 12 { 2 * DSR - 1 } else { 0x7ff }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{bytes, decode, fields, layout, subject},
    };

    // 10.0.0.9:443 is the server of 10.0.0.5:41234, seen on the way out.
    const KEY: &str = "0a000005 0a000009 01bb a112 06 00";
    const VALUE: &str = "0000000000000000 0700000000000000 0a00000000000000 e803000000000000 39300000 1000 0102 0000 \
                         02 1b d8660000 64000000 c8000000";

    fn check(minor: u16, key: &str, expected: &str) {
        let mut map = subject("cilium_ct4_global", kind::LRU_HASH, 14, 56);
        map.release = Some((1, minor));
        assert_eq!(decode(&MAP, &map, key, VALUE).cells, [expected], "1.{minor}");
    }

    #[test]
    fn each_release_prints_its_own() {
        let way = "TCP OUT 10.0.0.5:41234 -> 10.0.0.9:443 ";
        let seen = "RxFlagsSeen=0x1b LastRxReport=200";
        let end = "TxFlagsSeen=0x02 LastTxReport=100 Flags=0x0010 [ SeenNonSyn ] RevNAT=258 SourceSecurityID=26328";
        let oldest =
            format!("{way}expires=12345 RxPackets=0 RxBytes=7 {seen} TxPackets=10 TxBytes=1000 {end} IfIndex=0 ");
        check(12, KEY, &oldest);
        check(15, KEY, &oldest);
        let newer = format!("{way}expires=12345 Packets=10 Bytes=1000 {seen} {end}");
        check(16, KEY, &format!("{newer} IfIndex=0 BackendID=7 "));
        check(18, KEY, &format!("{newer} BackendID=7 "));
        check(19, KEY, &format!("{newer} BackendID=7 NatPort=0 "));
    }

    #[test]
    fn services_were_a_mark_before_1_15() {
        let service = "0a00000a 0a000005 a112 01bb 06 04";
        let start = |minor| {
            let mut map = subject("cilium_ct4_global", kind::LRU_HASH, 14, 56);
            map.release = Some((1, minor));
            let row = decode(&MAP, &map, service, VALUE);
            (row.cells[0].split(" expires").next().unwrap().to_owned(), fields(&row))
        };
        assert_eq!(start(14).0, "TCP OUT 10.0.0.10:443 -> 10.0.0.5:41234 service");
        let (text, fields) = start(18);
        assert_eq!(text, "TCP SVC 10.0.0.5:41234 -> 10.0.0.10:443");
        let expected = "protocol=TCP direction=svc related=false source=10.0.0.5 source_port=41234 \
                        destination=10.0.0.10 destination_port=443 ";
        assert!(fields.starts_with(expected), "{fields}");
    }

    #[test]
    fn flags_that_nobody_named() {
        let flags = |minor, flags| {
            let mut text = String::new();
            Release(minor).flags_text(flags, &mut text).unwrap();
            text
        };
        assert_eq!(flags(19, 0), "Flags=0x0000 [ ]");
        assert_eq!(flags(15, 0x80), "Flags=0x0080 [ DSR ]");
        assert_eq!(flags(19, 0x8680), "Flags=0x8680 [ DSRInternal FromTunnel Unknown=0x8000 ]");
        assert_eq!(flags(12, 0x100), "Flags=0x0100 [ Unknown=0x0100 ]");
    }

    #[test]
    fn ipv6_and_keys_without_a_protocol() {
        let map = subject("cilium_ct_any6_global", kind::LRU_HASH, 38, 56);
        let addresses = "fd000000000000000000000000000001 fd000000000000000000000000000002";
        let row = decode(&MAP, &map, &format!("{addresses} 0035 a112 11 03"), VALUE);
        let expected = "UDP IN fd00::1:41234 -> fd00::2:53 related expires=12345 ";
        assert!(row.cells[0].starts_with(expected), "{}", row.cells[0]);
        let (key, value) = (bytes(&format!("{addresses} 0035 a112 00 03")), bytes(VALUE));
        assert_eq!(layout(&MAP, &map).row(&Entry { key: &key, value: &value }), Ok(None));
    }
}
