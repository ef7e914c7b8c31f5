//! What a tracker may hold, and the account of what it was fed.

/// Bounds of a tracker's memory and patience.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Hops of open journeys, each 48 bytes and at worst as much again in reserve.
    pub hops: usize,
    /// Open journeys.
    pub journeys: usize,
    /// Hops of one journey.
    pub journey: usize,
    /// Branches of one journey.
    pub branches: usize,
    /// How much older than the youngest a record may be when it arrives, nanoseconds.
    pub settle: u64,
    /// Silence after which a journey is let go, nanoseconds.
    pub idle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hops: 1 << 20,
            journeys: 1 << 17,
            journey: 1 << 16,
            branches: 4096,
            settle: 20_000_000,
            idle: 5_000_000_000,
        }
    }
}

impl Limits {
    /// Where only tracepoints are seen: a packet that was read from its socket just falls silent (since Linux 6.16 nothing
    /// tells of it), so there is no point in waiting long.
    pub fn tracepoints() -> Self {
        Self { idle: 1_000_000_000, ..Self::default() }
    }
}

/// What became of what was fed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Hops fed.
    pub hops: u64,
    /// Of these, hops that no journey holds: theirs was too long or had too many branches, or they came too late by far.
    pub left_out: u64,
    /// Journeys handed out.
    pub journeys: u64,
    /// Of these, journeys given up to make room.
    pub evicted: u64,
    /// Of these, journeys let go since nothing was heard of them.
    pub idle: u64,
}
