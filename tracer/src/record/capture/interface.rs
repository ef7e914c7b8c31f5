//! Where packets were captured, and how their times are to be read.

use super::link::LinkType;

const NANOSECONDS: u128 = 1_000_000_000;
const NANOSECONDS_I128: i128 = 1_000_000_000;

/// Where packets were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What its packets begin with.
    pub link: LinkType,
    /// Its name, if the file tells it: foreign bytes.
    pub name: Option<Vec<u8>>,
    /// What the file says about it besides: foreign bytes.
    pub description: Option<Vec<u8>>,
    /// Number of the section of the file that it is described in, from 0.
    pub section: u32,
    /// Its number in that section, from 0.
    pub index: u32,
    /// Most bytes that were kept of a packet; 0 for all.
    pub(super) kept: u32,
    pub(super) scale: Scale,
}

/// How a number becomes a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// As the format has it: units of 10^-n seconds, or of 2^-n seconds with the topmost bit set.
    pub(super) resolution: u8,
    /// Seconds to add.
    pub(super) offset: i64,
}

impl Default for Scale {
    fn default() -> Self {
        Self { resolution: 6, offset: 0 }
    }
}

impl Scale {
    /// Nanoseconds since 1970; none before that, and beyond the year 2554.
    pub(super) fn nanoseconds(self, ticks: u64) -> Option<u64> {
        let scaled = u128::from(ticks) * NANOSECONDS;
        let power = u32::from(self.resolution & 0x7f);
        let since_offset = if self.resolution & 0x80 != 0 {
            scaled >> power
        } else {
            // Beyond all numbers, a unit is so short that no count of them makes a nanosecond.
            10u128.checked_pow(power).map_or(0, |units| scaled / units)
        };
        let time = i128::try_from(since_offset).ok()? + i128::from(self.offset) * NANOSECONDS_I128;
        u64::try_from(time).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_resolution() {
        let cases = [
            (6, 0, 1_000_001, Some(1_000_001_000)),
            (9, 0, 1_000_001, Some(1_000_001)),
            (0, 0, 3, Some(3_000_000_000)),
            (12, 0, 5_999, Some(5)),
            (0x80, 0, 3, Some(3_000_000_000)),
            (0x8a, 0, 1024 + 512, Some(1_500_000_000)),
            (0xff, 0, u64::MAX, Some(0)),
            (0x7f, 0, u64::MAX, Some(0)),
            (38, 0, u64::MAX, Some(0)),
            (9, 2, 5, Some(2_000_000_005)),
            (9, -1, 1_000_000_005, Some(5)),
            (9, -2, 1_000_000_005, None),
            (9, 0, u64::MAX, Some(u64::MAX)),
            (6, 0, u64::MAX, None),
            (0, i64::MAX, u64::MAX, None),
            (0, i64::MIN, 0, None),
        ];
        for (resolution, offset, ticks, expected) in cases {
            assert_eq!(Scale { resolution, offset }.nanoseconds(ticks), expected, "{resolution:#x} {offset} {ticks}");
        }
    }
}
