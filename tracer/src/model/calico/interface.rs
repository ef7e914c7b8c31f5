//! What Calico keeps per interface.

/// State of an interface (`cali_iface…`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index.
    pub ifindex: u32,
    /// `IFACE_STATE_…`
    pub flags: u32,
    /// Its name: foreign bytes.
    pub name: Vec<u8>,
    /// Numbers of its policy programs; the older layout has none.
    pub policies: Option<Policies>,
}

/// Numbers of policy programs in the program arrays, -1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// XDP, ingress and egress of IPv4.
    pub v4: [i32; 3],
    /// The same of IPv6.
    pub v6: [i32; 3],
    /// Log filters of ingress and egress.
    pub filters: [i32; 2],
}

/// Where on an interface a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// tc, received by the interface.
    Ingress,
    /// tc, sent through the interface: what goes *to* a workload is egress of its host's end.
    Egress,
    /// XDP.
    Xdp,
    /// A hook that no known release has.
    Unknown(u32),
}

/// What was counted at a hook of an interface (`cali_counters…`), summed over the CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Index of the interface.
    pub ifindex: u32,
    /// Where.
    pub hook: Hook,
    /// By number; how many there are depends on the release.
    pub values: Vec<u64>,
}

/// How often a policy's rule matched (`cali_rule_ctrs2`), summed over the CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHits {
    /// The rule's number.
    pub rule: u64,
    /// Packets.
    pub packets: u64,
}

/// A packet rate limit (`cali_qos…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Index of the interface.
    pub ifindex: u32,
    /// Of what comes in, not of what goes out.
    pub ingress: bool,
    /// 4 or 6; older releases have one limit for both.
    pub family: Option<u16>,
    /// Packets a second.
    pub rate: i16,
    /// Packets at once.
    pub burst: i16,
    /// Packets that are still free.
    pub tokens: i16,
    /// When it was last brought up to date, nanoseconds since boot.
    pub updated: u64,
}

/// Time spent in a program (`cali_profiling2`), summed over the CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Index of the interface.
    pub ifindex: u32,
    /// Which kind of program.
    pub kind: u32,
    /// Nanoseconds.
    pub time: u64,
    /// Packets measured.
    pub samples: u64,
}
