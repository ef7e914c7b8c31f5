//! Rows of Balancing's maps. What the bytes mean is worked out in `inspect::maps::decode::balancing`.

use std::net::{Ipv4Addr, SocketAddrV4};

/// What an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NatType {
    /// A service of Kubernetes.
    Service,
    /// A LocalRedirectPolicy.
    LocalRedirect,
    /// A BalancingPolicy.
    Balancing,
    /// None that a known release has.
    Unknown(u8),
}

/// An address that is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// What clients connect to; 255.255.255.255 stands for every address of a node (NodePort).
    pub address: SocketAddrV4,
    /// IP protocol.
    pub protocol: u8,
    /// What it belongs to.
    pub nat_type: NatType,
    /// `SCOPE_…`
    pub scope: u8,
    /// Its number: its backends have it too.
    pub id: u32,
    /// Backends.
    pub backends: u32,
    /// Backends on this node, which come first.
    pub local_backends: u32,
    /// Seconds that a client keeps its backend; 0: it does not.
    pub affinity: u32,
    /// 1: only local backends for clients outside; 2: for clients inside.
    pub service_flags: u8,
    /// Of a BalancingPolicy.
    pub balancing_flags: u8,
    /// 1: the service itself is asked when there is no local backend.
    pub redirect_flags: u8,
    /// `NAT_MODE_…`
    pub mode: u8,
}

impl Service {
    /// What stands for every address of a node.
    pub const ANY_NODE: Ipv4Addr = Ipv4Addr::BROADCAST;
}

/// What stands behind an address that is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Number of the service.
    pub id: u32,
    /// Which of its backends.
    pub order: u32,
    /// The port that clients connect to.
    pub port: u16,
    /// IP protocol.
    pub protocol: u8,
    /// What it belongs to.
    pub nat_type: NatType,
    /// `SCOPE_…`
    pub scope: u8,
    /// The pod.
    pub pod: SocketAddrV4,
    /// The node it runs on.
    pub node: u32,
    /// Its port there; 0 without.
    pub node_port: u16,
}

/// The backend that a client keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// Cookie of the client's network namespace.
    pub client: u64,
    /// What it connected to.
    pub original: SocketAddrV4,
    /// IP protocol.
    pub protocol: u8,
    /// When last, nanoseconds since boot.
    pub time: u64,
    /// Where that led.
    pub nat: SocketAddrV4,
}

/// Where a socket wanted to go, and where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatRecord {
    /// Cookie of the socket.
    pub socket: u64,
    /// Where it went.
    pub nat: SocketAddrV4,
    /// IP protocol.
    pub protocol: u8,
    /// Where it wanted to go.
    pub original: SocketAddrV4,
}
