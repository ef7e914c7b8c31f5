//! Rows of the maps of Merbridge (as OSM Edge ships it too) and of OSM's interceptor, which has the same structures under
//! other names. What the bytes mean is worked out in `inspect::maps::decode::merbridge`.

use std::net::{IpAddr, SocketAddr};

/// Where somebody wanted to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address asked for.
    pub address: SocketAddr,
    /// The process that asked; 0 where a program of tc wrote the entry.
    pub pid: u32,
    /// [`Origin::KNOWN`], [`Origin::TC`].
    pub flags: u16,
}

impl Origin {
    /// The process' own address is known.
    pub const KNOWN: u16 = 1;
    /// Written by the program of tc, for a client that is not on this node.
    pub const TC: u16 = 8;
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Who connects.
    pub source: SocketAddr,
    /// To whom, after redirection.
    pub destination: SocketAddr,
}

/// A pod on this node with a sidecar, and what of its traffic the sidecar is not for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its address.
    pub address: IpAddr,
    /// What its annotations say; the oldest layout has none.
    pub rules: Option<Rules>,
}

/// What goes through a sidecar. Empty "include" lists are everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The sidecar's status port, which is never redirected.
    pub status_port: u16,
    /// Networks that are not redirected.
    pub exclude_out_ranges: Vec<(IpAddr, u8)>,
    /// Networks that alone are redirected.
    pub include_out_ranges: Vec<(IpAddr, u8)>,
    /// Ports that alone are redirected on the way in.
    pub include_in_ports: Vec<u16>,
    /// Ports that alone are redirected on the way out.
    pub include_out_ports: Vec<u16>,
    /// Ports that are not redirected on the way in.
    pub exclude_in_ports: Vec<u16>,
    /// Ports that are not redirected on the way out.
    pub exclude_out_ports: Vec<u16>,
}

/// What was found out about a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Its id.
    pub id: u64,
    /// Whether its processes belong to the mesh.
    pub in_mesh: u32,
    /// Address of its pod.
    pub address: IpAddr,
    /// What is on: 1 ambient, 2 DNS capture port, 4 ztunnel.
    pub flags: u16,
    /// Which of these were looked for.
    pub detected: u16,
}
