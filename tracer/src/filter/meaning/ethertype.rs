//! EtherTypes, and numbers that libpcap treats like them.

pub(super) const IP: u32 = 0x0800;
pub(super) const ARP: u32 = 0x0806;
pub(super) const DECNET: u32 = 0x6003;
pub(super) const RARP: u32 = 0x8035;
pub(super) const ATALK: u32 = 0x809b;
pub(super) const AARP: u32 = 0x80f3;
pub(super) const IPX: u32 = 0x8137;
pub(super) const IP6: u32 = 0x86dd;
pub(super) const MPLS: u32 = 0x8847;
pub(super) const PPPOE_DISCOVERY: u32 = 0x8863;
pub(super) const PPPOE_SESSION: u32 = 0x8864;

/// Up to here the field is the length of an 802.3 frame, not a type.
pub(super) const LARGEST_LENGTH: u32 = 1500;

/// Service access points of 802.2 frames.
pub(super) const SAP_STP: u32 = 0x42;
pub(super) const SAP_IPX: u32 = 0xe0;
pub(super) const SAP_NETBEUI: u32 = 0xf0;
pub(super) const SAP_ISO: u32 = 0xfe;

/// The number in a PPP header for what an EtherType or access point names elsewhere.
pub(super) fn in_ppp(ethertype: u32) -> u32 {
    match ethertype {
        IP => 0x21,
        SAP_ISO => 0x23,
        0x0600 => 0x25,
        DECNET => 0x27,
        ATALK => 0x29,
        SAP_IPX => 0x2b,
        SAP_STP => 0x31,
        IP6 => 0x57,
        MPLS => 0x281,
        other => other,
    }
}
