//! What packets begin with: link types, by their numbers and names, and the way from there to the network header.
//!
//! Numbers, names and layouts: <https://www.tcpdump.org/linktypes.html>.

use std::fmt;

use tracer_common::event::HEADER_BYTES;

use crate::{
    filter::Framing,
    model::{Headers, Origin},
};

/// What the packets of an interface begin with (LINKTYPE_…).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

/// Why a packet cannot be judged by a filter, nor its headers be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unjudged {
    /// What it begins with is not known here.
    LinkType(LinkType),
    /// It ends before its network header.
    Short,
}

impl LinkType {
    /// BSD's loopback: four bytes of address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// IPv4 or IPv6, as an OpenBSD or another BSD numbered it.
    const RAW_BSD: [Self; 2] = [Self(12), Self(14)];
    /// IPv4 or IPv6.
    pub const RAW: Self = Self(101);
    /// OpenBSD's loopback: as [`Self::NULL`], big endian.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked", what `tcpdump -i any` wrote for long: 16 bytes.
    pub const SLL: Self = Self(113);
    /// IPv4.
    pub const IPV4: Self = Self(228);
    /// IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked", what `tcpdump -i any` writes: 20 bytes.
    pub const SLL2: Self = Self(276);

    /// How a filter must read such a packet, and from where on.
    pub fn framing(self, bytes: &[u8]) -> Result<(Framing, &[u8]), Unjudged> {
        let behind = |header: usize| bytes.get(header..).ok_or(Unjudged::Short);
        Ok(match self {
            Self::ETHERNET => (Framing::Ethernet, bytes),
            Self::RAW => (Framing::RawIp, bytes),
            _ if Self::RAW_BSD.contains(&self) => (Framing::RawIp, bytes),
            Self::IPV4 => (Framing::Network(Some(IPV4)), bytes),
            Self::IPV6 => (Framing::Network(Some(IPV6)), bytes),
            Self::SLL => (Framing::Network(cooked(pair(bytes, 14)?)), behind(16)?),
            Self::SLL2 => (Framing::Network(cooked(pair(bytes, 0)?)), behind(20)?),
            Self::NULL | Self::LOOP => {
                let family = bytes.first_chunk().ok_or(Unjudged::Short)?;
                (Framing::Network(of_family(self, *family)), behind(4)?)
            }
            other => return Err(Unjudged::LinkType(other)),
        })
    }

    /// The name, without the prefix LINKTYPE_; none for a number that is not among the usual ones.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(out, "{name} ({})", self.0),
            None => write!(out, "{}", self.0),
        }
    }
}

impl fmt::Display for Unjudged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType(link) => write!(out, "of the link type {link}, which is not read here"),
            Self::Short => write!(out, "cut before the network header"),
        }
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TPIDS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Below are no EtherTypes.
const LEAST_ETHERTYPE: u16 = 0x0600;
/// Of the protocols that Linux numbers itself (`linux/if_ether.h`): IPX without an 802.2 header, and what has one.
const ETH_P_802_3: u16 = 0x0001;
const ETH_P_802_2: u16 = 0x0004;

fn pair(bytes: &[u8], start: usize) -> Result<u16, Unjudged> {
    let pair = bytes.get(start..).and_then(<[u8]>::first_chunk);
    pair.map(|pair| u16::from_be_bytes(*pair)).ok_or(Unjudged::Short)
}

/// `protocol` of a cooked header, if it says what the network header is.
fn cooked(protocol: u16) -> Option<u16> {
    (protocol >= LEAST_ETHERTYPE || protocol == ETH_P_802_3 || protocol == ETH_P_802_2).then_some(protocol)
}

/// Address families of loopback packets: IPv6 has another number on every system.
fn of_family(link: LinkType, family: [u8; 4]) -> Option<u16> {
    let (big, little) = (u32::from_be_bytes(family), u32::from_le_bytes(family));
    // The byte order is that of a machine that is not known; numbers are small.
    let family = if link == LinkType::NULL { big.min(little) } else { big };
    match family {
        2 => Some(IPV4),
        10 | 24 | 28 | 30 => Some(IPV6),
        _ => None,
    }
}

/// The network header of a packet, and what names it.
pub(super) struct Network<'a> {
    /// EtherType, or a length for an 802.2 header.
    protocol: Option<u16>,
    /// The outermost VLAN tag: TCI and TPID.
    pub(super) tag: Option<(u16, u16)>,
    bytes: &'a [u8],
}

impl<'a> Network<'a> {
    pub(super) fn of(framing: Framing, bytes: &'a [u8]) -> Option<Self> {
        let (protocol, bytes) = match framing {
            Framing::Ethernet => (Some(pair(bytes, 12).ok()?), bytes.get(14..)?),
            Framing::Network(protocol) => (protocol, bytes),
            Framing::RawIp => match bytes.first()? >> 4 {
                4 => (Some(IPV4), bytes),
                6 => (Some(IPV6), bytes),
                _ => (None, bytes),
            },
        };
        let Some(tpid) = protocol.filter(|protocol| TPIDS.contains(protocol)) else {
            return Some(Self { protocol, tag: None, bytes });
        };
        let (tci, protocol) = (pair(bytes, 0).ok()?, pair(bytes, 2).ok()?);
        Some(Self { protocol: Some(protocol), tag: Some((tci, tpid)), bytes: bytes.get(4..)? })
    }

    pub(super) fn headers(&self) -> Headers {
        let Some(protocol) = self.protocol else { return Self::nothing() };
        let mut bytes = [0; HEADER_BYTES];
        let len = self.bytes.len().min(HEADER_BYTES);
        bytes[..len].copy_from_slice(&self.bytes[..len]);
        Headers { origin: Origin::Packet, bytes, len: len as u16, protocol }
    }

    /// Headers that say nothing.
    pub(super) fn nothing() -> Headers {
        Headers { origin: Origin::Unknown, bytes: [0; HEADER_BYTES], len: 0, protocol: 0 }
    }
}

/// The usual ones among the link types.
const NAMES: &[(u32, &str)] = &[
    (0, "NULL"),
    (1, "ETHERNET"),
    (3, "AX25"),
    (6, "IEEE802_5"),
    (7, "ARCNET_BSD"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (12, "RAW"),
    (14, "RAW"),
    (50, "PPP_HDLC"),
    (51, "PPP_ETHER"),
    (100, "ATM_RFC1483"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (113, "LINUX_SLL"),
    (117, "PFLOG"),
    (119, "IEEE802_11_PRISM"),
    (122, "IP_OVER_FC"),
    (127, "IEEE802_11_RADIOTAP"),
    (147, "USER0"),
    (148, "USER1"),
    (163, "IEEE802_11_AVS"),
    (187, "BLUETOOTH_HCI_H4"),
    (189, "USB_LINUX"),
    (192, "PPI"),
    (195, "IEEE802_15_4_WITHFCS"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"),
    (220, "USB_LINUX_MMAPPED"),
    (227, "CAN_SOCKETCAN"),
    (228, "IPV4"),
    (229, "IPV6"),
    (230, "IEEE802_15_4_NOFCS"),
    (231, "DBUS"),
    (239, "NFLOG"),
    (242, "IPOIB"),
    (245, "NFC_LLCP"),
    (247, "INFINIBAND"),
    (249, "USBPCAP"),
    (252, "WIRESHARK_UPPER_PDU"),
    (253, "NETLINK"),
    (254, "BLUETOOTH_LINUX_MONITOR"),
    (271, "VSOCK"),
    (272, "NORDIC_BLE"),
    (276, "LINUX_SLL2"),
];
