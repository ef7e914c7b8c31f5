//! The key of connection tracking and NAT (`struct ipv4_ct_tuple`, `struct ipv6_ct_tuple`).

use std::net::IpAddr;

use super::{Bytes, protocol};

const IN: u8 = 1;
const RELATED: u8 = 2;
const SERVICE: u8 = 4;

/// A connection in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Tuple {
    /// `daddr`; in connection tracking source and destination are stored the other way round.
    pub destination: IpAddr,
    /// `saddr`
    pub source: IpAddr,
    /// `dport`
    pub destination_port: u16,
    /// `sport`
    pub source_port: u16,
    /// `nexthdr`
    pub protocol: u8,
    /// `flags`
    pub flags: u8,
}

impl Tuple {
    pub(in super::super) fn read(key: Bytes<'_>, is_ipv6: bool) -> Self {
        let address = if is_ipv6 { 16 } else { 4 };
        let ports = 2 * address;
        Self {
            destination: key.address(0, is_ipv6),
            source: key.address(address, is_ipv6),
            destination_port: key.be16(ports),
            source_port: key.be16(ports + 2),
            protocol: key.u8(ports + 4),
            flags: key.u8(ports + 5),
        }
    }

    /// The tool passes over keys without a protocol.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.protocol == 0
    }

    /// Whether it is the way in: of NAT, a translation of destinations.
    pub(in super::super) fn is_in(&self) -> bool {
        self.flags & IN != 0
    }

    pub(in super::super) fn is_service(&self) -> bool {
        self.flags & SERVICE != 0
    }

    pub(in super::super) fn is_related(&self) -> bool {
        self.flags & RELATED != 0
    }

    /// Which way, as the tools of NAT call it.
    pub(in super::super) fn way(&self) -> &'static str {
        if self.is_in() { "IN" } else { "OUT" }
    }

    /// As connection tracking prints it, a space at its end; from 1.15 on services are a kind of their own.
    pub(in super::super) fn connection(&self, minor: u16) -> String {
        let protocol = protocol(self.protocol, minor);
        let Self { destination, source, destination_port, source_port, .. } = self;
        let mut text = if minor >= 15 && self.is_service() {
            format!("{protocol} SVC {source}:{destination_port} -> {destination}:{source_port} ")
        } else {
            let way = self.way();
            format!("{protocol} {way} {destination}:{source_port} -> {source}:{destination_port} ")
        };
        self.marks(minor < 15, &mut text);
        text
    }

    /// As NAT prints it, a space at its end.
    pub(in super::super) fn translated(&self, minor: u16) -> String {
        let (protocol, way) = (protocol(self.protocol, minor), self.way());
        let Self { destination, source, destination_port, source_port, .. } = self;
        let mut text = format!("{protocol} {way} {source}:{source_port} -> {destination}:{destination_port} ");
        self.marks(true, &mut text);
        text
    }

    fn marks(&self, with_service: bool, text: &mut String) {
        if self.is_related() {
            text.push_str("related ");
        }
        if with_service && self.is_service() {
            text.push_str("service ");
        }
    }
}
