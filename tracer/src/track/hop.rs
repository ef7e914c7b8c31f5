//! One hit in 48 bytes: what a journey keeps of an event, and what a recorded row becomes.

use super::tables::{DeviceId, NetnsId, TaskId};
use crate::model::{EventKind, ProbeId};

/// A hit on the way of a packet. Million of them are held at a time, so there is nothing in it that others share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Nanoseconds of the kernel's monotonic clock.
    pub time: u64,
    /// Where a dropped packet was given up (a kernel address); 0 elsewhere.
    pub place: u64,
    /// Which probe.
    pub probe: ProbeId,
    /// Which `sk_buff` of the journey; 0 where packets are told apart by address.
    pub branch: u32,
    /// Drop reason, or what a BPF program returned: [`Hop::reason`], [`Hop::returned`].
    pub value: u32,
    /// Thread group id of the current task.
    pub pid: u32,
    /// `skb->len`, bytes.
    pub len: u32,
    /// Network namespace, in the tracker's tables.
    pub netns: NetnsId,
    /// Device, in the tracker's tables.
    pub device: DeviceId,
    /// `comm` of the current task, in the tracker's tables.
    pub task: TaskId,
    /// CPU of the hit.
    pub cpu: u16,
    /// Index into the journey's [`super::Look`]s; [`Hop::NO_LOOK`] if none was kept.
    pub look: u16,
    /// What kind of hit.
    pub kind: EventKind,
    /// Bits: [`Hop::VALUE`], [`Hop::FIRST`], [`Hop::BY_STACK`].
    pub flags: u8,
}

const _: () = assert!(size_of::<Hop>() == 48);

impl Hop {
    /// `value` is set.
    pub const VALUE: u8 = 1;
    /// The filter matched here, rather than at an earlier hit.
    pub const FIRST: u8 = 2;
    /// The function takes no `sk_buff`: the packet is the one that the same stack works on.
    pub const BY_STACK: u8 = 4;
    /// In place of an index into the looks.
    pub const NO_LOOK: u16 = u16::MAX;

    /// The drop reason, if it has one.
    pub fn reason(&self) -> Option<u32> {
        (self.flags & Self::VALUE != 0 && !self.is_program()).then_some(self.value)
    }

    /// What the BPF program returned, if the hit is the run of one.
    pub fn returned(&self) -> Option<u32> {
        (self.flags & Self::VALUE != 0 && self.is_program()).then_some(self.value)
    }

    /// Where the packet was given up.
    pub fn drop_place(&self) -> Option<u64> {
        (self.place != 0).then_some(self.place)
    }

    /// It has this bit of `flags`.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Place in kernel time; a CPU's own hits keep the order in which it sent them.
    pub(super) fn order(&self) -> (u64, u16) {
        (self.time, self.cpu)
    }

    fn is_program(&self) -> bool {
        matches!(self.kind, EventKind::Tc | EventKind::Xdp)
    }
}
