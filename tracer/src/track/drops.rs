//! Drops, counted by what they have in common: reason, place, device, namespace, process.
//!
//! Memory is bounded: what there is no room for is counted without being told apart. Time comes from the records and from
//! whoever asks for rates.

use std::{cmp::Reverse, collections::HashMap};

use crate::model::{Event, EventKind, Name};

/// Kinds of drops that are told apart.
const MOST_GROUPS: usize = 16_384;
/// Stacks that are kept, of all groups together; one takes up to a kilobyte.
const MOST_STACKS: usize = 16_384;

/// What drops are told apart by; their reason always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// The place in the kernel's code.
    pub place: bool,
    /// The device.
    pub device: bool,
    /// The network namespace.
    pub netns: bool,
    /// The process at hand.
    pub process: bool,
}

impl Default for By {
    fn default() -> Self {
        Self { place: true, device: true, netns: true, process: true }
    }
}

/// What the drops of a group have in common. What they are not told apart by is not known of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Number of the reason.
    pub reason: Option<u32>,
    /// Address of the place.
    pub place: Option<u64>,
    /// Index and name of the device.
    pub device: Option<(u32, Name)>,
    /// Inode of the namespace.
    pub netns: Option<u32>,
    /// Thread group id and name of the current process, which in softirq context need not be the packet's.
    pub process: Option<(u32, Name)>,
}

impl Kind {
    /// What an event has in common with others, as far as it tells them apart.
    pub fn of(event: &Event, by: By) -> Self {
        let By { place, device, netns, process } = by;
        Self {
            reason: event.reason,
            place: event.caller.filter(|_| place),
            device: event.ifindex.filter(|_| device).map(|index| (index, event.ifname)),
            netns: event.netns.filter(|_| netns),
            process: process.then_some((event.pid, event.comm)),
        }
    }
}

/// Drops of one kind.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// How many.
    pub drops: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// How many since the mark before the last one, up to the last one.
    pub recent: u64,
    /// Kernel time of the first and the last.
    pub times: (u64, u64),
    /// Return addresses, innermost first, with how many drops had them.
    pub stacks: HashMap<Box<[u64]>, u64>,
    /// Drops whose stack was not read, or for which there was no room.
    pub without_stack: u64,
    marked: u64,
}

/// Drops by kind.
#[derive(Debug)]
pub struct Drops {
    by: By,
    limits: (usize, usize),
    groups: HashMap<Kind, Group>,
    /// Those for which no group was left.
    others: Group,
    total: Group,
    stacks: usize,
}

impl Drops {
    /// No drops yet.
    pub fn new(by: By) -> Self {
        Self::bounded(by, MOST_GROUPS, MOST_STACKS)
    }

    fn bounded(by: By, groups: usize, stacks: usize) -> Self {
        let (others, total) = (Group::default(), Group::default());
        Self { by, limits: (groups, stacks), groups: HashMap::new(), others, total, stacks: 0 }
    }

    /// Counts an event if it is a drop.
    pub fn add(&mut self, event: &Event) {
        if event.kind != EventKind::Drop {
            return;
        }
        self.total.count(event);
        let kind = Kind::of(event, self.by);
        let room = self.groups.len() < self.limits.0;
        let group = match self.groups.get_mut(&kind) {
            Some(group) => group,
            None if room => self.groups.entry(kind).or_default(),
            None => return self.others.count(event),
        };
        group.count(event);
        if let Some(stack) = event.details.as_ref().and_then(|details| details.stack.as_ref()) {
            let room = self.stacks < self.limits.1;
            let frames = stack.as_deref().unwrap_or_default();
            self.stacks += usize::from(group.count_stack(from_place(frames, event.caller), room));
        }
    }

    /// Ends a stretch of time: `recent` of each group is what came in it.
    pub fn mark(&mut self) {
        for group in self.groups.values_mut().chain([&mut self.others, &mut self.total]) {
            group.recent = group.drops - group.marked;
            group.marked = group.drops;
        }
    }

    /// All drops together.
    pub fn total(&self) -> &Group {
        &self.total
    }

    /// Those that are in no group, for want of room.
    pub fn others(&self) -> &Group {
        &self.others
    }

    /// The groups, those with most drops first.
    pub fn by_count(&self) -> Vec<(&Kind, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(kind, group)| (Reverse(group.drops), **kind));
        groups
    }
}

impl Group {
    fn count(&mut self, event: &Event) {
        // CPUs report each for itself: the first to arrive need not be the first that was.
        let (first, last) = if self.drops == 0 { (event.time, event.time) } else { self.times };
        self.times = (first.min(event.time), last.max(event.time));
        self.drops += 1;
        self.bytes += u64::from(event.len);
    }

    /// Counts a stack; true if it is a new one.
    fn count_stack(&mut self, frames: &[u64], room: bool) -> bool {
        if let Some(count) = self.stacks.get_mut(frames) {
            *count += 1;
        } else if room && !frames.is_empty() {
            self.stacks.insert(frames.into(), 1);
            return true;
        } else {
            self.without_stack += 1;
        }
        false
    }
}

/// The stack from the place of the drop on: what is inside of it is the kernel's way to the tracer.
fn from_place(frames: &[u64], place: Option<u64>) -> &[u64] {
    let found = frames.iter().position(|frame| Some(*frame) == place);
    &frames[found.unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Details, ProbeId},
        track::testing,
    };

    fn drop_at(time: u64, place: u64, pid: u32) -> Event {
        Event {
            kind: EventKind::Drop,
            caller: Some(place),
            reason: Some(3),
            pid,
            len: 10,
            ..testing::event(time, ProbeId(0))
        }
    }

    #[test]
    fn drops_are_told_apart_by_what_was_asked_for() {
        let count = |by: By| {
            let mut drops = Drops::new(by);
            for (place, pid) in [(1, 1), (1, 2), (2, 1), (1, 1)] {
                drops.add(&drop_at(5, place, pid));
            }
            assert_eq!((drops.total().drops, drops.total().bytes, drops.others().drops), (4, 40, 0));
            drops.by_count().iter().map(|(_, group)| group.drops).collect::<Vec<_>>()
        };
        assert_eq!(count(By::default()), [2, 1, 1]);
        assert_eq!(count(By { process: false, ..By::default() }), [3, 1]);
        assert_eq!(count(By { process: false, place: false, ..By::default() }), [4]);
    }

    #[test]
    fn other_hits_are_no_drops() {
        let mut drops = Drops::new(By::default());
        drops.add(&Event { kind: EventKind::Call, ..drop_at(1, 1, 1) });
        assert_eq!(drops.total().drops, 0);
        assert!(drops.by_count().is_empty());
    }

    #[test]
    fn marks_divide_time() {
        let mut drops = Drops::new(By::default());
        let recent = |drops: &Drops| (drops.total().recent, drops.by_count()[0].1.recent);
        drops.add(&drop_at(7, 1, 1));
        drops.add(&drop_at(5, 1, 1));
        drops.mark();
        assert_eq!(recent(&drops), (2, 2));
        drops.add(&drop_at(9, 1, 1));
        assert_eq!(recent(&drops), (2, 2));
        drops.mark();
        assert_eq!(recent(&drops), (1, 1));
        drops.mark();
        assert_eq!(recent(&drops), (0, 0));
        assert_eq!(drops.by_count()[0].1.times, (5, 9));
    }

    #[test]
    fn stacks_begin_at_the_place() {
        assert_eq!(from_place(&[7, 8, 9], Some(8)), [8, 9]);
        assert_eq!(from_place(&[7, 8, 9], Some(1)), [7, 8, 9]);
        assert_eq!(from_place(&[7], None), [7]);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let mut drops = Drops::bounded(By::default(), 2, 1);
        let with_stack = |place, frames: &[u64]| {
            let stack = if frames.is_empty() { Err(-14) } else { Ok(frames.to_vec()) };
            Event {
                details: Some(Box::new(Details { stack: Some(stack), ..Details::default() })),
                ..drop_at(1, place, 1)
            }
        };
        for (place, frames) in [(1, &[7, 8][..]), (1, &[7, 8]), (1, &[9]), (1, &[]), (2, &[7, 8]), (3, &[7, 8])] {
            drops.add(&with_stack(place, frames));
        }
        let groups = drops.by_count();
        assert_eq!(groups[0].1.stacks, HashMap::from([(vec![7, 8].into_boxed_slice(), 2)]));
        assert_eq!(groups.iter().map(|(_, group)| group.without_stack).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((drops.total().drops, drops.others().drops), (6, 1));
    }
}
