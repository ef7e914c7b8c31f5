//! `--limit-packets` as the end of a run: when that many packets have begun and nothing more is heard of them, they are through.

use std::time::{Duration, Instant};

use crate::model::Record;

/// Silence after which packets that were to be followed are through.
const QUIET: Duration = Duration::from_millis(500);

/// How many packets may still begin.
pub(crate) struct PacketLimit {
    /// None: any number.
    left: Option<u64>,
    /// When the last record came.
    heard: Instant,
}

impl PacketLimit {
    /// A limit for a run that begins now; none without a number, or with 0.
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { left: most.filter(|&most| most > 0).map(u64::from), heard: Instant::now() }
    }

    /// A record: the first hit of a packet counts.
    pub(crate) fn record(&mut self, record: &Record) {
        if let (Some(left), Record::Hit(event)) = (&mut self.left, record)
            && event.first
            && event.branch.is_some()
        {
            *left = left.saturating_sub(1);
        }
    }

    /// So many records have come at once.
    pub(crate) fn heard(&mut self, records: usize) {
        if records > 0 {
            self.heard = Instant::now();
        }
    }

    /// All packets that the limit leaves have come and gone.
    pub(crate) fn is_reached(&self) -> bool {
        self.left == Some(0) && self.heard.elapsed() >= QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_number_it_is_never_reached() {
        for most in [None, Some(0)] {
            let mut limit = PacketLimit::new(most);
            limit.heard = Instant::now().checked_sub(2 * QUIET).unwrap();
            assert!(!limit.is_reached(), "{most:?}");
        }
    }

    #[test]
    fn it_waits_for_silence() {
        let mut limit = PacketLimit { left: Some(0), ..PacketLimit::new(Some(1)) };
        limit.heard(1);
        assert!(!limit.is_reached(), "something has just been heard");
        limit.heard = Instant::now().checked_sub(2 * QUIET).unwrap();
        limit.heard(0);
        assert!(limit.is_reached(), "an empty batch is silence");
    }
}
