//! Sets of 32-bit numbers as sorted ranges: what a test accepts, and what is known of a value on some way.

/// Ranges `low..=high`, ascending, neither overlapping nor touching.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Set {
    ranges: Vec<(u32, u32)>,
}

impl Set {
    /// The numbers from `low` to `high`; none where `low > high`.
    pub(crate) fn range(low: u32, high: u32) -> Self {
        Self { ranges: if low <= high { vec![(low, high)] } else { Vec::new() } }
    }

    /// One number.
    pub(crate) fn one(value: u32) -> Self {
        Self::range(value, value)
    }

    /// Every number.
    pub(crate) fn all() -> Self {
        Self::range(0, u32::MAX)
    }

    /// Ranges in any order, overlapping or not.
    pub(crate) fn of(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.retain(|(low, high)| low <= high);
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self { ranges: merged }
    }

    /// The ranges, ascending.
    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    pub(crate) fn contains(&self, value: u32) -> bool {
        self.ranges.iter().any(|&(low, high)| (low..=high).contains(&value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a number is in both.
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.ranges.iter().any(|&(low, high)| {
            let first = other.ranges.partition_point(|range| range.1 < low);
            other.ranges.get(first).is_some_and(|range| range.0 <= high)
        })
    }

    /// Whether `other` has all of this one.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.ranges.iter().all(|&(low, high)| {
            let first = other.ranges.partition_point(|range| range.1 < low);
            other.ranges.get(first).is_some_and(|range| range.0 <= low && high <= range.1)
        })
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self::of(self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    pub(crate) fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0);
        for &(low, high) in &self.ranges {
            if let Some(start) = next.filter(|&start| start < low) {
                ranges.push((start, low - 1));
            }
            next = high.checked_add(1);
        }
        ranges.extend(next.map(|start| (start, u32::MAX)));
        Self { ranges }
    }

    pub(crate) fn intersect(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(&&a), Some(&&b)) = (left.peek(), right.peek()) {
            let (low, high) = (a.0.max(b.0), a.1.min(b.1));
            if low <= high {
                ranges.push((low, high));
            }
            if a.1 < b.1 {
                left.next()
            } else {
                right.next()
            };
        }
        Self { ranges }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.intersect(&other.complement())
    }

    /// Starts of the ranges inside and outside the set, 0 left out: the borders that a test of it looks at.
    pub(crate) fn cuts(&self) -> impl Iterator<Item = u32> + '_ {
        let borders = self.ranges.iter().flat_map(|&(low, high)| [Some(low), high.checked_add(1)]);
        borders.flatten().filter(|&cut| cut != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Set;

    const LAST: u32 = u32::MAX;

    fn set(ranges: &[(u32, u32)]) -> Set {
        Set::of(ranges.to_vec())
    }

    #[test]
    fn algebra() {
        let cases = [
            (set(&[(5, 9), (1, 2), (3, 3)]), set(&[(1, 3), (5, 9)])),
            (set(&[(1, 3)]).union(&set(&[(4, 6), (LAST, LAST)])), set(&[(1, 6), (LAST, LAST)])),
            (Set::all().complement(), set(&[])),
            (set(&[]).complement(), Set::all()),
            (set(&[(0, 4), (9, LAST)]).complement(), set(&[(5, 8)])),
            (set(&[(1, 5), (8, 12)]).intersect(&set(&[(4, 9), (12, 20)])), set(&[(4, 5), (8, 9), (12, 12)])),
            (set(&[(1, 9)]).minus(&Set::one(5)), set(&[(1, 4), (6, 9)])),
        ];
        for (index, (got, expected)) in cases.into_iter().enumerate() {
            assert_eq!(got, expected, "case {index}");
        }
        assert!(set(&[(3, 4)]).is_subset(&set(&[(1, 4), (9, 9)])));
        assert!(!set(&[(3, 5)]).is_subset(&set(&[(1, 4)])));
        assert!(set(&[(3, 5), (9, 9)]).intersects(&set(&[(0, 1), (9, 20)])));
        assert!(!set(&[(3, 5), (9, 9)]).intersects(&set(&[(0, 2), (6, 8)])));
        assert_eq!(set(&[(0, 4), (9, LAST)]).cuts().collect::<Vec<_>>(), [5, 9]);
    }
}
