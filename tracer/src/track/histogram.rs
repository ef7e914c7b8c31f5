//! Durations in few bytes: buckets that are a fixed fraction of their value wide.

/// Buckets in each doubling. The middle of a bucket is at most 1/32 away from any value in it.
const PARTS: u64 = 16;
const PART_BITS: u32 = PARTS.trailing_zeros();

/// How often which duration occurred. Only the range between the shortest and the longest takes memory: 4 bytes a bucket,
/// 16 buckets a doubling, at most 3.8 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Bucket of the first count.
    low: u16,
    counts: Vec<u32>,
    total: u64,
    sum: u64,
    least: u64,
    most: u64,
}

impl Histogram {
    /// Largest relative error of [`Histogram::quantile`].
    pub const ERROR: f64 = 1.0 / 32.0;

    /// Counts a duration.
    pub fn add(&mut self, value: u64) {
        let bucket = bucket(value);
        let index = self.make_room(bucket);
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
        self.least = if self.total == 0 { value } else { self.least.min(value) };
        self.most = self.most.max(value);
        self.sum = self.sum.saturating_add(value);
        self.total += 1;
    }

    /// Adds the counts of another one.
    pub fn merge(&mut self, other: &Self) {
        if other.total == 0 {
            return;
        }
        for (offset, count) in other.counts.iter().enumerate() {
            let index = self.make_room(other.low + offset as u16);
            if let Some(sum) = self.counts.get_mut(index) {
                *sum = sum.saturating_add(*count);
            }
        }
        self.least = if self.total == 0 { other.least } else { self.least.min(other.least) };
        self.most = self.most.max(other.most);
        self.sum = self.sum.saturating_add(other.sum);
        self.total += other.total;
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Sum of all durations.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The shortest and the longest, exact.
    pub fn range(&self) -> Option<(u64, u64)> {
        (self.total > 0).then_some((self.least, self.most))
    }

    /// The duration that `share` (0 to 1) of all do not exceed, within [`Histogram::ERROR`]; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let counted: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let rank = ((share * counted as f64).ceil() as u64).clamp(1, counted.max(1));
        let mut seen = 0;
        let index = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        Some(middle(self.low + index as u16).clamp(self.least, self.most))
    }

    /// Place of the bucket, for which room is made at either end.
    fn make_room(&mut self, bucket: u16) -> usize {
        if self.counts.is_empty() {
            self.low = bucket;
        }
        if bucket < self.low {
            let missing = usize::from(self.low - bucket);
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.low = bucket;
        }
        let index = usize::from(bucket - self.low);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        index
    }
}

/// Values below 2 × [`PARTS`] have a bucket each.
fn bucket(value: u64) -> u16 {
    let doublings = u64::BITS - (value | (PARTS - 1)).leading_zeros() - PART_BITS;
    if value < PARTS {
        return value as u16;
    }
    let part = (value >> (doublings - 1)) - PARTS;
    (u64::from(doublings) * PARTS + part) as u16
}

fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    let (doublings, part) = (bucket / PARTS, bucket % PARTS);
    if doublings == 0 {
        return part;
    }
    let width_bits = doublings - 1;
    ((PARTS + part) << width_bits) + ((1 << width_bits) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_value_is_near_the_middle_of_its_bucket() {
        let mut last = 0;
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) + (1 << shift) / 3, (1 << shift) - 1, u64::MAX >> shift] {
                let middle = middle(bucket(value));
                let error = middle.abs_diff(value) as f64 / (value.max(1)) as f64;
                assert!(error <= Histogram::ERROR, "{value} {middle} {error}");
                last = last.max(bucket(value));
            }
        }
        assert_eq!((bucket(15), bucket(16), bucket(31), bucket(32), bucket(33), last), (15, 16, 31, 32, 32, 975));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_error(
            mut values in proptest::collection::vec((0_u32..40, any::<u32>()).prop_map(|(s, v)| u64::from(v) << s >> 20), 1..200),
            share in 0.0..=1.0_f64,
            split in 0_usize..200,
        ) {
            let (mut one, mut two) = (Histogram::default(), Histogram::default());
            for (index, value) in values.iter().enumerate() {
                if index < split { one.add(*value) } else { two.add(*value) }
            }
            one.merge(&two);
            let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len());
            prop_assert_eq!((one.count(), one.sum()), (values.len() as u64, values.iter().sum()));
            values.sort_unstable();
            let (exact, found) = (values[rank - 1], one.quantile(share).unwrap());
            prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 * Histogram::ERROR, "{} {}", exact, found);
            prop_assert_eq!(one.range(), Some((values[0], values[values.len() - 1])));
        }
    }
}
