//! Where programs are attached in a network namespace, and the interfaces there.

use super::{Container, Process};

/// What a program is attached to, by the part of the network stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// A device's driver, before a packet has an `sk_buff`.
    Xdp,
    /// Traffic control: classifiers, actions, tcx, netkit.
    Tc,
    /// The namespace's flow dissector.
    FlowDissector,
    /// The namespace's lookup of listening sockets.
    SkLookup,
    /// A hook of netfilter.
    Netfilter,
}

/// A device of the namespace at hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its number.
    pub index: u32,
    /// Its name; foreign bytes.
    pub name: Vec<u8>,
}

/// A program at a place where it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Part of the stack.
    pub section: Section,
    /// The device; `None` for what belongs to the namespace.
    pub device: Option<Device>,
    /// As bpftool says it: `generic`, `tcx/ingress`, `clsact/egress`, `ip prerouting`.
    pub hook: String,
    /// Which one at this hook, from 1 on, in order of execution; 0 where there can be but one.
    pub order: u32,
    /// Id of the program; `None` for classic BPF, which has none.
    pub program: Option<u32>,
    /// Its name, or the one that its filter was given; foreign bytes, empty where it is not known.
    pub name: Vec<u8>,
    /// Id of the link that attaches it, if it is one.
    pub link: Option<u32>,
    /// Runs of the program, here and wherever else it is attached; `None` where they are not counted.
    pub runs: Option<Runs>,
    /// What only some hooks have.
    pub details: Details,
}

/// How often a program ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// `bpf_prog_info.run_cnt`
    pub count: u64,
    /// `bpf_prog_info.run_time_ns`
    pub time: u64,
}

/// What only some hooks have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Details {
    /// Nothing more.
    #[default]
    None,
    /// Of a filter of tc.
    Filter {
        /// Its preference: the lower, the earlier.
        preference: u16,
        /// Its handle.
        handle: u32,
        /// The program's answer is the verdict.
        direct_action: bool,
        /// It is an action of a filter of this kind, not the filter itself.
        action_of: Option<String>,
    },
    /// Of a hook of netfilter.
    Netfilter {
        /// `NFPROTO_IPV4`, …
        family: u32,
        /// `NF_INET_PRE_ROUTING`, …
        hook: u32,
        /// The lower, the earlier.
        priority: i32,
        /// `BPF_F_NETFILTER_IP_DEFRAG` and its like.
        flags: u32,
    },
}

/// The other end of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number in its own namespace.
    pub index: u32,
    /// Its name; `None` where its namespace could not be looked at.
    pub name: Option<Vec<u8>>,
    /// Its namespace; `None` for the same one, or where it is not known.
    pub netns: Option<u32>,
    /// It is in another namespace, known or not.
    pub elsewhere: bool,
    /// How its namespace is called.
    pub netns_name: Option<String>,
}

/// Drops that the kernel counts for a device at the hooks of tc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drops {
    /// By its clsact or ingress qdisc.
    Counted {
        /// By all filters of that.
        clsact: u32,
        /// It has programs of tcx or netkit too, whose drops are not among them.
        others: bool,
    },
    /// Its programs are of tcx or netkit, whose drops the kernel does not count.
    NotCounted,
    /// It has nothing there.
    None,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Number and name.
    pub device: Device,
    /// What it is (`veth`, `bridge`, …); empty for hardware and the loopback.
    pub kind: String,
    /// It is up.
    pub up: bool,
    /// Its other end (of a veth or netkit pair), or the device below it.
    pub peer: Option<Peer>,
    /// Drops at the hooks of tc.
    pub drops: Drops,
}

/// A network namespace with all that is attached in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetnsRow {
    /// Its number.
    pub inode: u32,
    /// Its names.
    pub names: Vec<String>,
    /// A process in it that is in a container: that container.
    pub container: Option<Container>,
    /// Some processes in it.
    pub processes: Vec<Process>,
    /// How many processes are in it.
    pub process_count: usize,
    /// What is attached, device by device in order of execution.
    pub attachments: Vec<Attachment>,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Why it could not be looked at, or not wholly; sentences.
    pub notes: Vec<String>,
}

impl NetnsRow {
    /// Its first name, or the owner, or nothing.
    pub fn label(&self) -> Option<String> {
        let process =
            || self.processes.first().map(|one| format!("{}({})", String::from_utf8_lossy(&one.comm), one.pid));
        self.names.first().cloned().or_else(|| self.container.as_ref().map(Container::label)).or_else(process)
    }
}
