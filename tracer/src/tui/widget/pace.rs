//! How often rows that are counted are made anew: while a trace runs not so often that nobody can read them.

use std::time::{Duration, Instant};

/// Between two times of making rows.
const PAUSE: Duration = Duration::from_millis(500);

/// When they were made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    made: Option<Instant>,
    /// There is something new.
    stale: bool,
}

impl Pace {
    /// There is something new.
    pub fn stale(&mut self) {
        self.stale = true;
    }

    /// Something new is to be shown without waiting: it was asked for.
    pub fn at_once(&mut self) {
        *self = Self { made: None, stale: true };
    }

    /// They are to be made now; `steady` where it must not be too often.
    pub fn is_due(&mut self, now: Instant, steady: bool) -> bool {
        let waited = self.made.is_none_or(|made| now >= made + PAUSE);
        let due = self.stale && (waited || !steady);
        if due {
            *self = Self { made: Some(now), stale: false };
        }
        due
    }

    /// When they are due, if there is something new, or if `moves`: they change with time alone.
    pub fn next(&self, moves: bool) -> Option<Instant> {
        self.made.filter(|_| self.stale || moves).map(|made| made + PAUSE)
    }
}
