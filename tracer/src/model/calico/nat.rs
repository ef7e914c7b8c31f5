//! Services as Calico translates them.

use std::net::{IpAddr, SocketAddr};

/// Address and port of a service (`cali_v4_nat_fe3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Where clients send to.
    pub address: SocketAddr,
    /// IP protocol.
    pub protocol: u8,
    /// The clients it is for, with the bits of their prefix; 0 bits: all.
    pub source: (IpAddr, u32),
    /// Number of the service: its backends have it too.
    pub id: u32,
    /// Backends; all ones: packets are thrown away.
    pub count: u32,
    /// Backends on this node, which come first.
    pub local: u32,
    /// Seconds that a client keeps its backend.
    pub affinity: u32,
    /// `NAT_FLG_…`
    pub flags: u32,
}

impl Frontend {
    /// The count that means "throw away".
    pub const BLACK_HOLE: u32 = u32::MAX;
}

/// What stands behind a service (`cali_v4_nat_be`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Number of the service.
    pub id: u32,
    /// Which of its backends.
    pub ordinal: u32,
    /// Where packets go.
    pub address: SocketAddr,
}

/// The backend that a client keeps (`cali_v4_nat_aff`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// Who.
    pub client: IpAddr,
    /// Of which service.
    pub service: SocketAddr,
    /// IP protocol.
    pub protocol: u8,
    /// Which backend.
    pub backend: SocketAddr,
    /// When it was last used, nanoseconds since boot.
    pub time: u64,
}

/// A place in a service's Maglev table (`cali_v4_mglv2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaglevSlot {
    /// Number of the service.
    pub id: u32,
    /// Which place.
    pub ordinal: u32,
    /// The backend there.
    pub backend: SocketAddr,
}

/// Of a sender that is not connected, by whose socket answers are translated back (`cali_v4_srmsg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// Cookie of the socket.
    pub cookie: u64,
    /// Where answers come from.
    pub from: SocketAddr,
    /// Where the socket believes they come from.
    pub shown: SocketAddr,
}
