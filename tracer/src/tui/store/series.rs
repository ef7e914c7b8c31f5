//! How often something happened in each stretch of time: a graph in few bytes.

use std::collections::VecDeque;

/// Stretches that are kept.
const STRETCHES: usize = 60;
/// Of a running trace, each is a second.
const SECOND: u64 = 1_000_000_000;
/// Seconds over which a rate is taken.
const RECENT: u64 = 5;

/// How time is divided; all series that are drawn beside each other share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Time before which nothing is.
    origin: u64,
    /// Nanoseconds of a stretch.
    width: u64,
    /// The last minute moves on, rather than all being squeezed in.
    moves: bool,
}

impl Scale {
    /// The last minute of a running trace.
    pub fn moving() -> Self {
        Self { origin: 0, width: SECOND, moves: true }
    }

    /// All of a recording that begins at this time.
    pub fn of_all(origin: u64) -> Self {
        Self { origin, width: 1_000, moves: false }
    }

    /// Makes room for a time; how often two stretches have become one, which series are to be told.
    pub fn make_room(&mut self, time: u64) -> u32 {
        let mut folds = 0;
        while !self.moves && self.stretch(time) >= STRETCHES as u64 {
            self.width *= 2;
            folds += 1;
        }
        folds
    }

    /// The stretches to draw, at a time that is in this one.
    pub fn window(&self, now: u64) -> (u64, u64) {
        (if self.moves { (now + 1).saturating_sub(STRETCHES as u64) } else { 0 }, now)
    }

    /// Number of the stretch that a time is in.
    pub fn stretch(&self, time: u64) -> u64 {
        time.saturating_sub(self.origin) / self.width
    }
}

/// Counts by stretch.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Number of the first stretch.
    first: u64,
    counts: VecDeque<u32>,
}

impl Series {
    /// Counts something in a stretch. What is too long ago is not kept.
    pub fn add(&mut self, stretch: u64) {
        if self.counts.is_empty() {
            self.first = stretch;
        }
        while stretch < self.first {
            if self.counts.len() >= STRETCHES {
                return;
            }
            self.first -= 1;
            self.counts.push_front(0);
        }
        if stretch - self.first >= 2 * STRETCHES as u64 {
            (self.first, self.counts) = (stretch, VecDeque::new());
        }
        let place = (stretch - self.first) as usize;
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(1);
        while self.counts.len() > STRETCHES {
            self.counts.pop_front();
            self.first += 1;
        }
    }

    /// Two stretches become one, so many times.
    pub fn fold(&mut self, times: u32) {
        for _ in 0..times {
            let mut folded: VecDeque<u32> = VecDeque::new();
            let first = self.first / 2;
            for (place, count) in self.counts.iter().enumerate() {
                let stretch = ((self.first + place as u64) >> 1) - first;
                folded.resize(stretch as usize + 1, 0);
                if let Some(sum) = folded.back_mut() {
                    *sum = sum.saturating_add(*count);
                }
            }
            (self.first, self.counts) = (first, folded);
        }
    }

    /// Counts of the stretches from `from` on, up to and with `to`.
    pub fn values(&self, from: u64, to: u64) -> impl Iterator<Item = u32> {
        (from..=to).map(|stretch| self.at(stretch))
    }

    /// How many a second, at a time of a running trace: over the last whole seconds.
    pub fn rate(&self, now: u64) -> f64 {
        let from = now.saturating_sub(RECENT);
        let sum: u64 = (from..now).map(|stretch| u64::from(self.at(stretch))).sum();
        sum as f64 / RECENT as f64
    }

    fn at(&self, stretch: u64) -> u32 {
        stretch.checked_sub(self.first).and_then(|place| self.counts.get(place as usize)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_moves_on() {
        let scale = Scale::moving();
        let mut series = Series::default();
        for second in [100, 100, 101, 99, 103] {
            series.add(scale.stretch(second * SECOND + 7));
        }
        assert_eq!(series.values(98, 104).collect::<Vec<_>>(), [0, 1, 2, 1, 0, 1, 0]);
        assert!((series.rate(104) - 1.0).abs() < 1e-9, "{}", series.rate(104));
        series.add(160);
        assert_eq!((series.at(99), series.at(101), series.at(160)), (0, 1, 1));
        series.add(5);
        series.add(10_000);
        assert_eq!(series.values(9_998, 10_000).collect::<Vec<_>>(), [0, 0, 1]);
    }

    #[test]
    fn all_of_a_recording_is_squeezed_in() {
        let (mut scale, mut series) = (Scale::of_all(1_000), Series::default());
        for time in 0..1_000_u64 {
            series.fold(scale.make_room(1_000 + time * 1_000));
            series.add(scale.stretch(1_000 + time * 1_000));
        }
        let last = scale.stretch(1_000_000);
        assert!(last < STRETCHES as u64 && last > STRETCHES as u64 / 2);
        assert_eq!(series.values(0, last).sum::<u32>(), 1_000);
        assert!(series.values(0, last - 1).all(|count| count == 32), "{series:?}");
    }
}
