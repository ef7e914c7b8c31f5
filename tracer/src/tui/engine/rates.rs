//! How fast counts grow, and what share of the machine the programs take.

use std::{num::NonZero, thread, time::Instant};

/// Counts at the last look.
#[derive(Debug)]
pub(super) struct Rates {
    at: Instant,
    hits: u64,
    packets: u64,
    /// Nanoseconds that the programs had run.
    run_time: Option<u64>,
}

impl Rates {
    /// From now on.
    pub(super) fn new() -> Self {
        Self { at: Instant::now(), hits: 0, packets: 0, run_time: None }
    }

    /// Hits and packets per second since the last look, and the share of all CPUs' time that the programs took.
    pub(super) fn next(&mut self, hits: u64, packets: u64, run_time: Option<u64>) -> ((u64, u64), Option<f64>) {
        let now = Instant::now();
        let seconds = now.duration_since(self.at).as_secs_f64().max(0.001);
        let per_second = |now: u64, before: u64| ((now - before) as f64 / seconds).round() as u64;
        let rates = (per_second(hits, self.hits), per_second(packets, self.packets));
        let cpus = thread::available_parallelism().map_or(1, NonZero::get) as f64;
        let ran = run_time.zip(self.run_time).map(|(now, before)| now.saturating_sub(before) as f64 / 1e9);
        *self = Self { at: now, hits, packets, run_time };
        // As exact as it is shown, so that what stays the same does not have the screen drawn anew.
        (rates, ran.map(|ran| (ran / seconds / cpus * 1000.0).round() / 1000.0))
    }
}
