//! Counters of lost packets that the kernel keeps whether anybody traces or not.

/// Who keeps a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeper {
    /// The input side of each CPU (`/proc/net/softnet_stat`).
    Softnet,
    /// A device (`ip -s -s link`).
    Device,
    /// A queueing discipline, clsact among them (`tc -s qdisc`).
    Qdisc,
    /// The protocols of a namespace (`nstat`).
    Protocol,
    /// Connection tracking (`conntrack -S`).
    Conntrack,
    /// IPsec (`/proc/net/xfrm_stat`).
    Xfrm,
    /// Cilium's programs (`cilium-dbg bpf metrics list`).
    Cilium,
}

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// Who keeps it.
    pub keeper: Keeper,
    /// Inode of its network namespace; `None` for what the machine has once.
    pub netns: Option<u32>,
    /// Which of the keeper's: `cpu 3`, `eth0`, `eth0 fq_codel 8001:`; empty where there is one alone.
    pub at: String,
    /// Its name, as the usual tool prints it.
    pub name: String,
}

/// How far a counter has moved between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The counter.
    pub counter: Counter,
    /// By how much.
    pub by: u64,
    /// Where it stands.
    pub now: u64,
}
