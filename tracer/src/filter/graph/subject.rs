//! What a test looks at, and conditions made of such tests.

use tracer_common::predicate::{base, field};

use super::set::Set;

/// Bytes of the packet, or a field of the hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// One of [`base`], with the number of VLAN tags passed.
    pub(crate) base: u8,
    /// Bytes from there, or the field's number.
    pub(crate) offset: u32,
    /// 1, 2 or 4 bytes.
    pub(crate) width: u8,
    /// Of which packet: 0 the outermost, 1 the one inside of it; [`EVERY_LAYER`] for what is not of a packet.
    pub(crate) layer: u8,
}

/// [`Place::layer`] of what is the same, whichever packet is turned to.
pub(crate) const EVERY_LAYER: u8 = u8::MAX;
/// Packets inside of each other that an expression can speak of.
pub(crate) const MOST_LAYERS: u8 = 3;

impl Place {
    /// A field of the hit.
    pub(crate) fn field(field: u32) -> Self {
        Self { base: base::FIELD, offset: field, width: 4, layer: EVERY_LAYER }
    }

    /// Half of a member chain's value: the lower 32 bits, or the `upper`.
    pub(crate) fn chain(number: usize, upper: bool) -> Self {
        Self { base: base::CHAIN, offset: 2 * number as u32 + u32::from(upper), width: 4, layer: EVERY_LAYER }
    }

    /// The largest value that can stand there.
    pub(crate) fn largest(self) -> u32 {
        if base::is_number(self.base) { u32::MAX } else { u32::MAX >> (32 - 8 * u32::from(self.width)) }
    }

    /// What it costs to read, of what can always be had: what has a lower rank is asked first. Bytes of a packet, and member
    /// chains, which may end at a NULL, keep their order: where one cannot be had, nothing behind it is asked.
    fn rank(self) -> u8 {
        match (base::kind(self.base), self.offset) {
            (base::FIELD, field::MARK | field::KIND | field::REASON | field::FUNCTIONS) => 0,
            (base::FIELD, field::PID) => 1,
            (base::FIELD, field::IFINDEX | field::IFNAME..field::COUNT) => 2,
            (base::FIELD, field::NETNS) => 3,
            _ => PACKET_RANK,
        }
    }
}

/// [`Condition::rank`] of what looks at the packet, or at members.
pub(crate) const PACKET_RANK: u8 = 4;

/// A step of a calculation, as the operations of a program but for branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Load {
        place: Place,
        to: u8,
    },
    LoadIndexed {
        place: Place,
        to: u8,
        index: u8,
    },
    Set {
        value: u32,
        to: u8,
    },
    /// One of `predicate::alu`: `to = to <operator> from`.
    Calculate {
        operator: u32,
        to: u8,
        from: u8,
    },
}

/// A step of a script, or a test in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    /// Goes on with the next line.
    Step(Step),
    /// Goes on with a later line.
    Go(usize),
    /// Whether `low..=high` has the value of a register.
    Test { register: u8, low: u32, high: u32, yes: Jump, no: Jump },
}

/// Where a script goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Jump {
    /// At a later line.
    Line(usize),
    /// At an end: the answer is yes or no.
    End(bool),
}

/// What a test looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The value at a place, of which the bits in `mask` count.
    Bytes { place: Place, mask: u32 },
    /// What stands in a register after some steps.
    Computed { steps: Vec<Step>, register: u8 },
    /// 1 where one register is greater than another after some steps, else 0.
    Greater { steps: Vec<Step>, greater: u8, less: u8 },
    /// 1 where a script with tests of its own answers yes, else 0. Its last line is a test.
    Script(Vec<Line>),
    /// 1 where there are so many packets inside of each other, else 0. Asked of the packet around the last of them.
    Layer(u8),
}

impl Subject {
    /// The largest value that it can have.
    pub(crate) fn largest(&self) -> u32 {
        match self {
            Self::Bytes { mask, .. } => *mask,
            Self::Computed { .. } => u32::MAX,
            Self::Greater { .. } | Self::Script(_) | Self::Layer(_) => 1,
        }
    }

    /// Which packet must be turned to; none where that does not matter.
    pub(crate) fn layer(&self) -> Option<u8> {
        let of = |step: &Step| match step {
            Step::Load { place, .. } | Step::LoadIndexed { place, .. } => Some(place.layer),
            Step::Set { .. } | Step::Calculate { .. } => None,
        };
        let known = |layer: &u8| *layer != EVERY_LAYER;
        match self {
            Self::Bytes { place, .. } => Some(place.layer).filter(known),
            Self::Computed { steps, .. } | Self::Greater { steps, .. } => steps.iter().filter_map(of).find(known),
            Self::Script(lines) => {
                let steps = lines.iter().filter_map(|line| if let Line::Step(step) = line { Some(step) } else { None });
                steps.filter_map(of).find(known)
            }
            Self::Layer(depth) => depth.checked_sub(1),
        }
    }

    fn rank(&self) -> u8 {
        let of = |step: &Step| match step {
            Step::Load { place, .. } | Step::LoadIndexed { place, .. } => place.rank(),
            Step::Set { .. } | Step::Calculate { .. } => 0,
        };
        match self {
            Self::Bytes { place, .. } => place.rank(),
            Self::Computed { steps, .. } => steps.iter().map(of).max().unwrap_or(PACKET_RANK),
            Self::Greater { .. } | Self::Script(_) | Self::Layer(_) => PACKET_RANK,
        }
    }
}

/// Tests joined by not, and, or. Members are tried from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Constant(bool),
    Test(Subject, Set),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    /// The value at a place is in a set.
    pub(crate) fn within(place: Place, set: Set) -> Self {
        Self::masked(place, place.largest(), set)
    }

    /// The value at a place is this one.
    pub(crate) fn equals(place: Place, value: u32) -> Self {
        Self::within(place, Set::one(value))
    }

    /// The value at a place, less the bits outside of `mask`, is in a set. A mask that keeps the upper bits makes a
    /// range, so that all tests of the place can be compared with each other.
    pub(crate) fn masked(place: Place, mask: u32, set: Set) -> Self {
        let mask = mask & place.largest();
        let dropped = place.largest() & !mask;
        if mask == 0 || dropped == 0 || !(dropped + 1).is_power_of_two() {
            return Self::Test(Subject::Bytes { place, mask }, set);
        }
        let widened = set.ranges().iter().filter_map(|&(low, high)| {
            let first = low.checked_add(dropped)? & !dropped;
            let last = high & !dropped;
            (first <= last).then_some((first, last | dropped))
        });
        let mask = place.largest();
        Self::Test(Subject::Bytes { place, mask }, Set::of(widened.collect()))
    }

    pub(crate) fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// Either.
    pub(crate) fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    /// The highest rank of what it looks at: up to [`PACKET_RANK`].
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Constant(_) => PACKET_RANK,
            Self::Test(subject, _) => subject.rank(),
            Self::Not(inner) => inner.rank(),
            Self::All(members) | Self::Any(members) => members.iter().map(Self::rank).max().unwrap_or(PACKET_RANK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_that_keep_upper_bits_make_ranges() {
        let byte = Place { base: base::NETWORK, offset: 0, width: 1, layer: 0 };
        let test = |mask, set: Set| Condition::masked(byte, mask, set);
        let range = |low, high| Condition::Test(Subject::Bytes { place: byte, mask: 0xff }, Set::range(low, high));
        let none = Condition::Test(Subject::Bytes { place: byte, mask: 0xff }, Set::default());
        assert_eq!(test(0xf0, Set::one(0x40)), range(0x40, 0x4f));
        assert_eq!(test(0xf0, Set::range(0x41, 0x6f)), range(0x50, 0x6f));
        assert_eq!(test(0xf0, Set::one(0x41)), none);
        assert_eq!(test(0xff, Set::one(6)), range(6, 6));
        assert_eq!(test(0x0f, Set::one(5)), Condition::Test(Subject::Bytes { place: byte, mask: 0x0f }, Set::one(5)));
        assert_eq!(test(0xf00, Set::one(1)), Condition::Test(Subject::Bytes { place: byte, mask: 0 }, Set::one(1)));
    }
}
