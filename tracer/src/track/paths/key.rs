//! What makes two ways the same.

use std::hash::{Hash, Hasher};

use crate::{
    model::{ChangeKind, EventKind, ProbeId},
    track::{DeviceId, Hop, Journey, NetnsId, Strand, Verdict},
};

/// One thing on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A hit.
    Hop {
        /// What kind of hit.
        kind: EventKind,
        /// Which probe.
        probe: ProbeId,
        /// Drop reason, or what a BPF program returned.
        value: Option<u32>,
        /// Another device or namespace than at the hop before of the same branch.
        moved: bool,
        /// Where, if that tells paths apart.
        place: Option<(NetnsId, DeviceId)>,
        /// Where in the kernel's code a drop happened; 0 elsewhere.
        dropped_at: u64,
    },
    /// A branch begins; the hops up to the next beginning are its own. The first one needs none.
    Branch {
        /// Its place among the branches of the journey, from 1 on.
        number: u16,
        /// The place of the branch it was made from; `None` if that is not known.
        parent: Option<u16>,
        /// How many hops that one had by then.
        after: u16,
        /// How it was made, where that is known.
        how: Option<ChangeKind>,
    },
    /// How it ended.
    End(Ending),
}

impl Step {
    /// What kind of hit, where it is one.
    pub fn kind(&self) -> Option<EventKind> {
        match self {
            Self::Hop { kind, .. } => Some(*kind),
            Self::Branch { .. } | Self::End(_) => None,
        }
    }
}

/// What became of the packets of a path, as far as it tells paths apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// [`Verdict::Dropped`]
    Dropped,
    /// [`Verdict::Delivered`]
    Delivered,
    /// [`Verdict::Sent`]
    Sent,
    /// [`Verdict::Consumed`]
    Consumed,
    /// [`Verdict::Merged`]
    Merged,
    /// [`Verdict::LastSeen`]
    LastSeen,
    /// [`Verdict::Unknown`]
    Unknown,
}

/// Where the packets of a path were at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Namespace of the first packet.
    pub netns: NetnsId,
    /// Device of the first packet.
    pub device: DeviceId,
    /// Other packets were elsewhere.
    pub mixed: bool,
}

/// One write for each step: hashing is most of what counting a packet costs.
impl Hash for Step {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Self::Hop { probe, value, moved, place, dropped_at, .. } => {
                let (netns, device) = place.unwrap_or_default();
                let place = u64::from(netns.0) << 16 | u64::from(device.0);
                // Equal steps have equal hashes; that different ones may have them too costs a comparison.
                let value = u64::from(value.unwrap_or(0)) ^ dropped_at.rotate_left(24);
                state.write_u64(u64::from(probe.0) | u64::from(moved) << 31 | place << 32);
                if value != 0 {
                    state.write_u64(value);
                }
            }
            Self::Branch { number, parent, after, how } => {
                let parent = u64::from(parent.unwrap_or(u16::MAX));
                let how = how.map_or(0xff, |how| how as u64);
                state.write_u64(u64::from(number) << 48 | parent << 32 | u64::from(after) << 16 | how);
            }
            Self::End(ending) => state.write_u64(ending as u64),
        }
    }
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Dropped { .. } => Self::Dropped,
            Verdict::Delivered { .. } => Self::Delivered,
            Verdict::Sent { .. } => Self::Sent,
            Verdict::Consumed { .. } => Self::Consumed,
            Verdict::Merged { .. } => Self::Merged,
            Verdict::LastSeen { .. } => Self::LastSeen,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

/// Steps of one journey; the memory is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) steps: Vec<Step>,
    pub(super) gaps: Vec<Option<u64>>,
    pub(super) places: Vec<Place>,
    /// Hops by branch, where there are several.
    order: Vec<(u16, u32)>,
}

impl Scratch {
    /// Reads a journey, branch by branch: CPUs that work on branches at the same time make no new path.
    pub(super) fn read(&mut self, journey: &Journey, by_device: bool) {
        self.steps.clear();
        self.gaps.clear();
        self.places.clear();
        if let [strand] = journey.strands.as_slice() {
            self.strand(journey.hops.iter(), strand, by_device);
        } else {
            self.branches(journey, by_device);
        }
        self.push(Step::End(journey.verdict().into()), None, Place::default());
    }

    fn branches(&mut self, journey: &Journey, by_device: bool) {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let numbered = journey.hops.iter().enumerate();
        order.extend(numbered.map(|(index, hop)| (journey.strand(hop.branch).unwrap_or(0) as u16, index as u32)));
        // Stable, so hops keep their order in time.
        order.sort_by_key(|(strand, _)| *strand);
        let of = |number: usize| {
            let start = order.partition_point(|(strand, _)| usize::from(*strand) < number);
            let end = order.partition_point(|(strand, _)| usize::from(*strand) <= number);
            &order[start..end]
        };
        let hop = |(_, index): &(u16, u32)| journey.hops.get(*index as usize);
        for (number, strand) in journey.strands.iter().enumerate() {
            if number > 0 {
                let parent = strand.parent.and_then(|parent| journey.strand(parent));
                let began = strand.began.map(|(time, _)| time).or_else(|| hop(of(number).first()?).map(|hop| hop.time));
                let before = |place: &_| hop(place).map(|hop| hop.time) <= began;
                let after = parent.map_or(0, |parent| of(parent).partition_point(before));
                let how = strand.began.map(|(_, how)| how);
                let (number, parent) = (number as u16, parent.map(|parent| parent as u16));
                let step = Step::Branch { number, parent, after: after.min(usize::from(u16::MAX)) as u16, how };
                self.push(step, None, Place::default());
            }
            self.strand(of(number).iter().filter_map(hop), strand, by_device);
        }
        self.order = order;
    }

    fn strand<'a>(&mut self, hops: impl Iterator<Item = &'a Hop>, strand: &Strand, by_device: bool) {
        let mut last: Option<&Hop> = None;
        for hop in hops {
            let place = Place { netns: hop.netns, device: hop.device, mixed: false };
            let moved = last.is_some_and(|last| (last.netns, last.device) != (hop.netns, hop.device));
            let step = Step::Hop {
                kind: hop.kind,
                probe: hop.probe,
                value: hop.reason().or(hop.returned()),
                moved,
                place: by_device.then_some((hop.netns, hop.device)),
                dropped_at: if hop.kind == EventKind::Drop { hop.place } else { 0 },
            };
            let before = last.map(|last| last.time).or(strand.began.map(|(time, _)| time));
            self.push(step, before.map(|before| hop.time.saturating_sub(before)), place);
            last = Some(hop);
        }
    }

    fn push(&mut self, step: Step, gap: Option<u64>, place: Place) {
        self.steps.push(step);
        self.gaps.push(gap);
        self.places.push(place);
    }
}
