//! What Calico knows about the network around a node.

use std::net::IpAddr;

/// Where a prefix leads (`cali_v4_routes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The prefix.
    pub network: IpAddr,
    /// Its bits.
    pub bits: u32,
    /// [`Route::LOCAL`] and so on.
    pub flags: u32,
    /// The next node, for what is not on this one.
    pub next_hop: IpAddr,
    /// The interface, for a workload on this node. The bytes are those of the next hop.
    pub ifindex: u32,
}

impl Route {
    /// In a pool of workload addresses.
    pub const IN_POOL: u32 = 0x1;
    /// Traffic that leaves gets the node's address.
    pub const NAT_OUT: u32 = 0x2;
    /// A workload's.
    pub const WORKLOAD: u32 = 0x4;
    /// On this node.
    pub const LOCAL: u32 = 0x8;
    /// A host's.
    pub const HOST: u32 = 0x10;
    /// In this node's subnet.
    pub const SAME_SUBNET: u32 = 0x20;
    /// Reached through a tunnel.
    pub const TUNNELED: u32 = 0x40;
    /// Answers may not take a shorter way.
    pub const NO_DSR: u32 = 0x80;
    /// Packets are thrown away.
    pub const BLACKHOLE_DROP: u32 = 0x100;
    /// Packets are refused.
    pub const BLACKHOLE_REJECT: u32 = 0x200;

    /// True if the flag is set.
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// A member of an IP set (`cali_v4_ip_sets`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The set's number.
    pub set: u64,
    /// Address or prefix.
    pub address: IpAddr,
    /// Bits of the key behind the set's number.
    pub bits: u32,
    /// Port of a member that is one of a host; 0 without.
    pub port: u16,
    /// IP protocol of such a member; 0 without.
    pub protocol: u8,
}

/// A neighbour's link-layer addresses (`cali_v4_arp2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Who.
    pub address: IpAddr,
    /// Over which interface.
    pub ifindex: u32,
    /// The source to send with.
    pub source: [u8; 6],
    /// The destination to send to.
    pub destination: [u8; 6],
}

/// A port that no policy can close (`cali_v4_fsafes2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failsafe {
    /// The peers it is for.
    pub network: IpAddr,
    /// Bits of their prefix.
    pub bits: u32,
    /// The port.
    pub port: u16,
    /// IP protocol.
    pub protocol: u8,
    /// `CALI_FSAFE_…`: 1 for what goes out.
    pub flags: u8,
}
