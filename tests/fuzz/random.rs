//! Numbers that look random and are the same for the same seed.

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// A xorshift generator.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`; 0 where there is nothing below.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % (end as u64).max(1)) as usize
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A number that sizes and places break at.
    pub(crate) fn odd_number(&mut self) -> u64 {
        const ODD: [u64; 14] = [
            0,
            1,
            3,
            4,
            28,
            0x7f,
            0xffff,
            0x1_0000,
            0x1f_ffff,
            0x20_0001,
            0x7fff_ffff,
            0xffff_fffc,
            i64::MAX as u64,
            u64::MAX,
        ];
        match self.below(4) {
            0 => self.next(),
            1 => self.next() & 0xff,
            _ => ODD[self.below(ODD.len())],
        }
    }
}
