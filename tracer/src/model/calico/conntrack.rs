//! Connections that Calico tracks (`cali_v4_ct…`, `cali_v6_ct…`).

use std::net::{IpAddr, SocketAddr};

/// The two ends, in the order of the map: the lower one first, whoever began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionKey {
    /// IP protocol.
    pub protocol: u8,
    /// One end.
    pub a: SocketAddr,
    /// The other.
    pub b: SocketAddr,
}

/// An entry of the connection table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its ends.
    pub key: ConnectionKey,
    /// When it was created (up to release 3.29) or when a reset was seen (from 3.30 on): the map's name and size are
    /// the same. Nanoseconds since boot.
    pub created_or_reset: i64,
    /// When it was last used, nanoseconds since boot.
    pub last_seen: i64,
    /// `CALI_CT_FLAG_…`
    pub flags: u32,
    /// What kind of entry it is.
    pub kind: ConnectionKind,
}

/// What an entry is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionKind {
    /// A connection that is not translated.
    Normal(Track),
    /// From a service's address to the entry that holds the connection.
    Forward {
        /// The key of that entry.
        reverse: ConnectionKey,
        /// The port that the source gets, 0 for its own.
        source_port: u16,
    },
    /// A connection to a service, by its backend.
    Reverse(Track),
    /// A kind that no known release has.
    Unknown(u8),
}

/// What is known of a connection itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// What went from a to b.
    pub a_to_b: Leg,
    /// What went from b to a.
    pub b_to_a: Leg,
    /// The node that forwards for a client outside, unspecified without one.
    pub tunnel: IpAddr,
    /// Where the client wanted to go.
    pub destination: IpAddr,
    /// And to which port.
    pub destination_port: u16,
    /// The client's own port, where it was changed.
    pub source_port: u16,
    /// The client's own address, where it was changed.
    pub source: IpAddr,
}

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Bytes; the oldest layout does not count.
    pub bytes: Option<u64>,
    /// Packets; likewise.
    pub packets: Option<u32>,
    /// Sequence number of its SYN.
    pub sequence: u32,
    /// [`Leg::SYN`] and so on.
    pub bits: u32,
    /// The interface it comes from.
    pub ifindex: u32,
}

impl Leg {
    /// A SYN was seen.
    pub const SYN: u32 = 1;
    /// An ACK was seen.
    pub const ACK: u32 = 1 << 1;
    /// A FIN was seen.
    pub const FIN: u32 = 1 << 2;
    /// A RST was seen.
    pub const RST: u32 = 1 << 3;
    /// A policy let it pass.
    pub const APPROVED: u32 = 1 << 4;
    /// The connection began here.
    pub const OPENER: u32 = 1 << 5;
    /// It comes from a workload.
    pub const WORKLOAD: u32 = 1 << 6;

    /// True if all of `bits` are set.
    pub fn has(&self, bits: u32) -> bool {
        self.bits & bits == bits
    }
}

/// How far a TCP connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// No answer yet.
    SynSent,
    /// Both sides have shaken hands.
    Established,
    /// Somebody has reset it.
    Reset,
    /// Both sides have ended it.
    Closed,
}

impl Connection {
    /// The answers go to the client past this node (direct server return), so one FIN is all there will be.
    pub const FORWARDED_DSR: u32 = 0x2;
    /// b began.
    pub const FROM_B: u32 = 0x100;
    /// The source port was changed on this host.
    pub const SOURCE_PORT_CHANGED: u32 = 0x200;

    /// Of TCP.
    pub fn state(&self) -> Option<ConnectionState> {
        let (ConnectionKind::Normal(track) | ConnectionKind::Reverse(track)) = &self.kind else { return None };
        if self.key.protocol != 6 {
            return None;
        }
        let (there, back) = (track.a_to_b, track.b_to_a);
        let any = |bit| there.has(bit) || back.has(bit);
        let both = |bit| there.has(bit) && back.has(bit);
        Some(if both(Leg::FIN) || (self.flags & Self::FORWARDED_DSR != 0 && any(Leg::FIN)) {
            ConnectionState::Closed
        } else if any(Leg::RST) {
            ConnectionState::Reset
        } else if both(Leg::SYN | Leg::ACK) {
            ConnectionState::Established
        } else {
            ConnectionState::SynSent
        })
    }
}
