//! How many hits were seen, and where those went that are not shown. Nothing is lost in silence.

use std::fmt;

/// Counts of a run. `seen = shown + lost` holds at its end; what never reached the filter stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hits that matched the filter, by the kernel's count.
    pub seen: u64,
    /// Events handed to the output.
    pub shown: u64,
    /// Lost: the ring was full.
    pub ring_full: u64,
    /// Lost: the record in the ring could not be understood.
    pub undecodable: u64,
    /// Lost: left in the ring, since a limit ended the run or the output was closed.
    pub not_read: u64,
    /// Hits that the kernel did not hand to the program because another one ran on that CPU; whether they match is not known.
    pub missed: Option<u64>,
    /// Hits that the filter could not judge, for instance before the headers are written.
    pub undecidable: u64,
    /// Matching hits of the tracer's own netlink and unix-socket buffers, hidden on purpose.
    pub own: u64,
}

impl Counts {
    /// All that was seen and is not shown.
    pub fn lost(&self) -> u64 {
        self.ring_full + self.undecodable + self.not_read
    }

    /// `seen = shown + lost`.
    pub fn balanced(&self) -> bool {
        self.seen == self.shown + self.lost()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seen {}, shown {}, lost {}", self.seen, self.shown, self.lost())?;
        let causes = [("ring full", self.ring_full), ("undecodable", self.undecodable), ("left unread", self.not_read)];
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
        if self.undecidable > 0 {
            write!(f, "; undecidable {} (the headers were not there yet)", self.undecidable)?;
        }
        if self.own > 0 {
            write!(f, "; own {} hidden", self.own)?;
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
            "seen 10, shown 6, lost 4 (ring full 3, left unread 1); missed 2 (another BPF program ran on that CPU); own 4 hidden"
        );
    }

    #[test]
    fn an_unknown_count_is_not_zero() {
        assert_eq!(
            Counts::default().to_string(),
            "seen 0, shown 0, lost 0; missed hits are not counted by this kernel"
        );
    }
}
