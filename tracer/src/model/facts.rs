//! What is known of this machine beside its packets: who has an address, what a service leads to, which programs sit at a device.

use std::net::{IpAddr, SocketAddr};

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressFacts {
    /// Who has it on this machine: a pod, a container, a network namespace. Foreign text.
    pub owner: Option<String>,
    /// Cilium's security identity.
    pub identity: Option<u32>,
    /// Cilium's endpoint on this node.
    pub endpoint: Option<u16>,
    /// Where Calico's routes say it is: `local workload`.
    pub route: Option<String>,
    /// For an address that Merbridge made up for a sidecar: where the connections to it wanted to go, in order.
    pub stands_for: Vec<SocketAddr>,
}

/// A service's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Whose service it is, as the command is called: `cilium`.
    pub dataplane: &'static str,
    /// What kind of service: ClusterIP, NodePort, …; empty where the maps do not tell.
    pub kind: String,
    /// Where it leads.
    pub backends: Vec<(IpAddr, u16)>,
    /// Backends beyond these.
    pub more: u64,
}

/// A program at a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramAt {
    /// As bpftool says it: `tcx/ingress`.
    pub hook: String,
    /// Its name; foreign bytes.
    pub name: Vec<u8>,
    /// Its id.
    pub id: Option<u32>,
}

impl AddressFacts {
    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
