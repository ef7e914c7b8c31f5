//! How many hits were seen, and where those went that are not shown. Nothing is lost in silence.

use std::fmt;

/// Counts of a run. `seen = shown + lost` holds at its end; what never reached the filter stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hits that matched the filter, by the kernel's count.
    pub seen: u64,
    /// Events shown: handed to the output, which took them.
    pub shown: u64,
    /// Lost: the ring was full.
    pub ring_full: u64,
    /// Lost: the record in the ring could not be understood.
    pub undecodable: u64,
    /// Lost: left in the ring, since a limit ended the run or the output was closed.
    pub not_read: u64,
    /// Lost: the output did not take them.
    pub not_written: u64,
    /// Hits, and ends and copies of packets, that the kernel did not hand to the program because another one ran on that CPU;
    /// whether they match is not known.
    pub missed: Option<u64>,
    /// Hits that the filter could not judge, for instance before the headers are written.
    pub undecidable: u64,
    /// Matching hits of the tracer's own netlink and unix-socket buffers, hidden on purpose.
    pub own: u64,
    /// Packets that match and were left out by sampling.
    pub sampled_out: u64,
    /// Packets that match and came after the limit.
    pub beyond_limit: u64,
    /// Packets that could not be followed, since too many were: each of their hits was judged by itself.
    pub not_followed: u64,
    /// Changes in the lives of packets (copies, merges, ends) that the ring had no room for.
    pub changes_lost: u64,
    /// Notes on stacks and on packets at XDP that had to make room for others. Most are of what is gone; where one is not, a hit
    /// that it would have joined to a journey stands alone.
    pub evicted: u64,
}

impl Counts {
    /// The same where the last `unwritten` events were handed to an output that did not take them.
    #[must_use]
    pub fn without(self, unwritten: u64) -> Self {
        Self { shown: self.shown - unwritten, not_written: self.not_written + unwritten, ..self }
    }

    /// Those of two runs together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            seen: self.seen + other.seen,
            shown: self.shown + other.shown,
            ring_full: self.ring_full + other.ring_full,
            undecodable: self.undecodable + other.undecodable,
            not_read: self.not_read + other.not_read,
            not_written: self.not_written + other.not_written,
            missed: self.missed.zip(other.missed).map(|(one, other)| one + other),
            undecidable: self.undecidable + other.undecidable,
            own: self.own + other.own,
            sampled_out: self.sampled_out + other.sampled_out,
            beyond_limit: self.beyond_limit + other.beyond_limit,
            not_followed: self.not_followed + other.not_followed,
            changes_lost: self.changes_lost + other.changes_lost,
            evicted: self.evicted + other.evicted,
        }
    }

    /// All that was seen and is not shown.
    pub fn lost(&self) -> u64 {
        self.ring_full + self.undecodable + self.not_read + self.not_written
    }

    /// What stands beside those: a word, the count, what it means.
    fn beside(&self) -> [(&'static str, u64, &'static str); 7] {
        [
            ("undecidable", self.undecidable, "the headers were not there yet, or out of reach"),
            ("own", self.own, "hits of skbtrail's own buffers, hidden"),
            ("sampled out", self.sampled_out, "packets that match, left out by --sample"),
            ("beyond the limit", self.beyond_limit, "packets that match, left out by --limit-packets"),
            (
                "not followed",
                self.not_followed,
                "packets; too many at a time, so each of their hits was judged by itself",
            ),
            ("changes lost", self.changes_lost, "copies, merges and ends that the ring had no room for"),
            ("evicted", self.evicted, "the oldest notes on stacks and on packets at XDP, which made room for others"),
        ]
    }

    /// `seen = shown + lost`.
    pub fn balanced(&self) -> bool {
        self.seen == self.shown + self.lost()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seen {}, shown {}, lost {}", self.seen, self.shown, self.lost())?;
        let causes = [
            ("ring full", self.ring_full),
            ("undecodable", self.undecodable),
            ("left unread", self.not_read),
            ("not written", self.not_written),
        ];
        let causes: Vec<String> =
            causes.iter().filter(|(_, n)| *n > 0).map(|(cause, n)| format!("{cause} {n}")).collect();
        if !causes.is_empty() {
            write!(f, " ({})", causes.join(", "))?;
        }
        match self.missed {
            Some(0) => {}
            Some(missed) => write!(f, "; missed {missed} (another BPF program ran on that CPU)")?,
            None => write!(f, "; missed hits are not counted by this kernel")?,
        }
        for (what, count, meaning) in self.beside() {
            if count > 0 {
                write!(f, "; {what} {count} ({meaning})")?;
            }
        }
        if !self.balanced() {
            write!(f, "; counts do not add up: {} shown or lost of {}", self.shown + self.lost(), self.seen)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_causes_only_where_there_are_some() {
        let mut counts = Counts { seen: 10, shown: 10, missed: Some(0), ..Counts::default() };
        assert!(counts.balanced());
        assert_eq!(counts.to_string(), "seen 10, shown 10, lost 0");
        counts = Counts { seen: 10, shown: 6, ring_full: 3, not_read: 1, missed: Some(2), own: 4, ..counts };
        assert!(counts.balanced());
        assert_eq!(
            counts.to_string(),
            "seen 10, shown 6, lost 4 (ring full 3, left unread 1); missed 2 (another BPF program ran on that CPU); own 4 (hits of skbtrail's own buffers, hidden)"
        );
    }

    #[test]
    fn what_the_output_did_not_take_is_lost() {
        let counts = Counts { seen: 10, shown: 9, undecodable: 1, missed: Some(0), ..Counts::default() }.without(4);
        assert!(counts.balanced());
        assert_eq!(counts.to_string(), "seen 10, shown 5, lost 5 (undecodable 1, not written 4)");
    }

    #[test]
    fn counts_that_do_not_add_up_are_no_secret() {
        let counts = Counts { seen: 10, shown: 11, missed: Some(0), ..Counts::default() };
        assert!(!counts.balanced());
        assert_eq!(counts.to_string(), "seen 10, shown 11, lost 0; counts do not add up: 11 shown or lost of 10");
    }

    #[test]
    fn an_unknown_count_is_not_zero() {
        assert_eq!(
            Counts::default().to_string(),
            "seen 0, shown 0, lost 0; missed hits are not counted by this kernel"
        );
    }
}
