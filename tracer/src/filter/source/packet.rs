//! Runs predicate programs over packet bytes: captures, tests.

use tracer_common::{
    predicate::{OUTSIDE, Source, UNKNOWN, base, field},
    tunnel::{self, Bytes, NO_LINK},
};

use super::{is_of_the_hit, word};

const ETHERNET_HEADER: u32 = 14;
const ETHERTYPE: u32 = 12;
const IP: u32 = 0x0800;
const IP6: u32 = 0x86dd;
/// [`field::PROTOCOL`] of bytes that are no IP packet, where nothing else names them.
const NO_ETHERTYPE: u64 = 0x1_0000;

/// How the bytes of a packet begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// With an Ethernet header (DLT_EN10MB). VLAN tags are in the bytes.
    Ethernet,
    /// With an IPv4 or IPv6 header (DLT_RAW). There is no link-layer header, and no VLAN tag.
    RawIp,
    /// With the network header; its EtherType (or 802.2's, up to 1500) is what a link layer said that is not in the bytes, if
    /// it said any. A VLAN tag named so begins with its TCI.
    Network(Option<u16>),
}

/// A packet as captured. Fields that only the kernel knows are [`UNKNOWN`].
#[derive(Clone, Copy, Debug)]
pub struct PacketSource<'a> {
    bytes: &'a [u8],
    length: u32,
    framing: Framing,
    /// The packet inside that was turned to.
    inner: Option<tunnel::Headers>,
}

impl<'a> PacketSource<'a> {
    /// `bytes` of a packet that was `length` bytes long on the wire.
    pub fn new(framing: Framing, bytes: &'a [u8], length: u32) -> Self {
        Self { bytes, length, framing, inner: None }
    }

    fn field(&self, field: u32, tags: u8, width: u32) -> u64 {
        match (field, self.framing) {
            (field::LENGTH, _) => u64::from(self.length),
            (field::PROTOCOL, _) => self.protocol(tags),
            (field::VLAN, _) => self.tag(tags, width),
            _ => UNKNOWN,
        }
    }

    fn protocol(&self, tags: u8) -> u64 {
        match self.framing {
            Framing::Ethernet => upper_half(self.word(ETHERTYPE + 4 * u32::from(tags), 2)),
            Framing::Network(named) if tags == 0 => named.map_or(NO_ETHERTYPE, u64::from),
            Framing::Network(_) => upper_half(self.word(4 * u32::from(tags) - 2, 2)),
            Framing::RawIp => match self.word(0, 1) {
                word if word >= OUTSIDE => word,
                word => match word >> 28 {
                    4 => u64::from(IP),
                    6 => u64::from(IP6),
                    _ => NO_ETHERTYPE,
                },
            },
        }
    }

    fn tag(&self, tags: u8, width: u32) -> u64 {
        match self.protocol(tags) {
            // The TCI is what follows; it need not be there if only the TPID is asked for.
            tpid @ (0x8100 | 0x88a8 | 0x9100) => match self.word(self.network(tags), width.saturating_sub(2)) {
                word if word >= OUTSIDE => word,
                word => tpid << 16 | word >> 16,
            },
            word if word >= OUTSIDE => word,
            _ => 0,
        }
    }

    /// Where the network header starts.
    fn network(&self, tags: u8) -> u32 {
        match self.framing {
            Framing::Ethernet => ETHERNET_HEADER + 4 * u32::from(tags),
            Framing::Network(_) => 4 * u32::from(tags),
            Framing::RawIp => 0,
        }
    }

    /// Where it ends, or why that cannot be told.
    fn transport(&self, tags: u8) -> Result<u32, u64> {
        let network = self.network(tags);
        if self.protocol(tags) == u64::from(IP6) {
            return Ok(network + 40);
        }
        match self.word(network, 1) {
            word if word >= OUTSIDE => Err(word),
            word => Ok(network + (word >> 24) as u32 % 16 * 4),
        }
    }

    fn word(&self, start: u32, width: u32) -> u64 {
        word(self.bytes, start, width)
    }

    /// The headers that the packet begins with.
    fn outermost(&self) -> Result<tunnel::Headers, u64> {
        let protocol = match self.protocol(0) {
            protocol if protocol >= OUTSIDE => return Err(protocol),
            protocol => protocol as u32,
        };
        let link = if self.framing == Framing::Ethernet { 0 } else { NO_LINK };
        Ok(tunnel::Headers { link, network: self.network(0), protocol })
    }
}

/// The first two bytes of a loaded word as a number.
fn upper_half(word: u64) -> u64 {
    if word >= OUTSIDE { word } else { word >> 16 }
}

impl Bytes for PacketSource<'_> {
    fn word(&mut self, offset: u32, width: u32) -> u64 {
        word(self.bytes, offset, width)
    }
}

impl Source for PacketSource<'_> {
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        if let Some(inner) = self.inner
            && !is_of_the_hit(base, offset)
        {
            return inner.load(self, base, offset, width);
        }
        let tags = base::tags(base);
        let start = match base::kind(base) {
            base::FIELD => return self.field(offset, tags, width),
            base::LINK if self.framing != Framing::Ethernet => return UNKNOWN,
            base::CHAIN => return UNKNOWN,
            base::LINK => 0,
            base::NETWORK => self.network(tags),
            _ => match self.transport(tags) {
                Ok(start) => start,
                Err(unavailable) => return unavailable,
            },
        };
        start.checked_add(offset).map_or(OUTSIDE, |start| self.word(start, width))
    }

    fn layer(&mut self, depth: u32) -> u64 {
        if depth == 0 {
            self.inner = None;
            return 1;
        }
        let outer = self.inner.map_or_else(|| self.outermost(), Ok);
        match outer.and_then(|outer| tunnel::inside(self, outer)) {
            Ok(inner) => {
                self.inner = Some(inner);
                1
            }
            Err(none) => none,
        }
    }
}
