//! The journey of a packet, as the kernel side follows it.

use super::event::Event;

/// Number of a journey in its run, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JourneyId(pub u64);

/// One `sk_buff` of a journey: the packet itself, or a clone, copy, segment or fragment of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Branch {
    /// Its journey.
    pub journey: JourneyId,
    /// Its number in the journey; numbers grow, and need not follow each other.
    pub number: u32,
    /// The branch it was made from; `None` for the journey's first.
    pub parent: Option<u32>,
}

/// What happened to a branch without a hit of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It began: a clone, a copy or a segment of its parent.
    Copied,
    /// It began: a fragment of its parent, an IP packet.
    Fragment,
    /// It began: data cut off from its parent.
    Split,
    /// It began, or goes on: the parent was merged into it (GRO, coalescing, reassembly).
    Merged,
    /// It began: it appeared on a stack that worked on its parent.
    Stack,
    /// It ended: its `sk_buff` was freed.
    Ended,
}

/// A change in the life of a followed packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Nanoseconds of the kernel's monotonic clock.
    pub time: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// To which branch.
    pub branch: Branch,
    /// Address of its `sk_buff`.
    pub skb: u64,
    /// Address of the parent's, where there is one.
    pub other: Option<u64>,
    /// CPU of the change.
    pub cpu: u16,
}

/// What the kernel side reports.
#[derive(Clone, Debug)]
pub enum Record {
    /// A hit of a probe.
    Hit(Event),
    /// A change that is no hit.
    Change(Change),
}

impl Record {
    /// Nanoseconds of the kernel's monotonic clock.
    pub fn time(&self) -> u64 {
        match self {
            Self::Hit(event) => event.time,
            Self::Change(change) => change.time,
        }
    }

    /// The hit, if it is one.
    pub fn hit(self) -> Option<Event> {
        match self {
            Self::Hit(event) => Some(event),
            Self::Change(_) => None,
        }
    }

    /// The branch it is about.
    pub fn branch(&self) -> Option<Branch> {
        match self {
            Self::Hit(event) => event.branch,
            Self::Change(change) => Some(change.branch),
        }
    }
}
