//! One hit of a probe, as the rest of the program sees it.

use std::fmt;

use super::{journey::Branch, packet::Headers};

/// Index into the run's table of probes ([`Probe`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u32);

/// A function or tracepoint that can report hits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// Function name, `group:event` of a tracepoint, or name of a BPF program's main function.
    pub name: String,
    /// Module that holds it; `None` for the kernel itself. Of a BPF program the hook that it ran at: `tcx ingress`.
    pub module: Option<String>,
    /// Its address in this kernel; 0 for a tracepoint. Of a BPF program its id, which no function has for an address.
    pub address: u64,
    /// The argument after the `sk_buff` is an `enum skb_drop_reason`.
    pub takes_reason: bool,
}

/// What kind of hit an [`Event`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A function was entered.
    Call,
    /// A tracepoint fired.
    Tracepoint,
    /// The kernel dropped the packet (`skb:kfree_skb`).
    Drop,
    /// A BPF program at a hook of tc ran.
    Tc,
    /// A BPF program at a hook of XDP ran.
    Xdp,
}

/// A kernel name of at most 15 bytes (`comm`, `ifname`), not necessarily UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 16]);

impl Name {
    /// The bytes before the first NUL.
    pub fn bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        &self.0[..end]
    }

    /// No name was read.
    pub fn is_empty(&self) -> bool {
        self.0[0] == 0
    }
}

/// One hit of a probe. A field that the kernel could not tell is `None` (or empty), never an invented 0.
#[derive(Clone, Debug)]
pub struct Event {
    /// Nanoseconds of the kernel's monotonic clock.
    pub time: u64,
    /// What kind of hit.
    pub kind: EventKind,
    /// Which probe.
    pub probe: ProbeId,
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Return address at entry, or the place of a drop.
    pub caller: Option<u64>,
    /// The place of the packet's `sk_buff` in its journey; `None` where packets are not followed.
    pub branch: Option<Branch>,
    /// The filter matched here, rather than at an earlier hit of the packet.
    pub first: bool,
    /// The function takes no `sk_buff`: the packet is the one that the same stack works on.
    pub by_stack: bool,
    /// Number of the filter by which it was judged: 1 for the first of a run.
    pub generation: u32,
    /// Number of the drop reason: of a [`EventKind::Drop`], or of a function that takes one.
    pub reason: Option<u32>,
    /// What a BPF program returned ([`EventKind::Tc`], [`EventKind::Xdp`]).
    pub returned: Option<u32>,
    /// CPU of the hit.
    pub cpu: u16,
    /// Thread group id of the current task.
    pub pid: u32,
    /// `comm` of the current task.
    pub comm: Name,
    /// Inode of the network namespace.
    pub netns: Option<u32>,
    /// Index of the device; `None` while the packet has none.
    pub ifindex: Option<u32>,
    /// Name of the device at the time of the hit.
    pub ifname: Name,
    /// MTU of the device, bytes.
    pub mtu: Option<u32>,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len`, bytes.
    pub len: u32,
    /// `skb->protocol`, host order; 0 while it is not set.
    pub protocol: u16,
    /// `skb->pkt_type`.
    pub packet_type: u8,
    /// Tag that the hardware took off (`skb->vlan_tci`) with its protocol.
    pub vlan: Option<(u16, u16)>,
    /// The packet's headers.
    pub headers: Headers,
    /// What the run asked for beyond that.
    pub details: Option<Box<Details>>,
}

/// What only some runs ask for.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Return addresses of the kernel stack, innermost first, or the error number that reading it gave.
    pub stack: Option<Result<Vec<u64>, i32>>,
    /// Packet bytes from the outermost header on.
    pub packet: Vec<u8>,
    /// Values of the member chains asked for, in their order; `None` where one could not be read.
    pub metadata: Vec<Option<Value>>,
}

/// A member of a kernel struct, as its type means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// True or false.
    Bool(bool),
    /// An address.
    Pointer(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Signed(value) => write!(out, "{value}"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Pointer(value) => write!(out, "{value:#x}"),
        }
    }
}
