//! A line on stderr that tells how a recording goes, where stderr is a terminal.

use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::{cli::progress::Progress, collect::counts::Counts};

/// The line.
pub(super) struct Status {
    /// Hits taken so far.
    pub(super) hits: u64,
    bar: Option<ProgressBar>,
    last: (Instant, u64),
}

impl Status {
    pub(super) fn new() -> Self {
        Self { hits: 0, bar: None, last: (Instant::now(), 0) }
    }

    /// Shows the state of things, out of the way of `other`.
    pub(super) fn show(&mut self, counts: &Counts, bytes: u64, other: &Progress) {
        if other.is_open() {
            return;
        }
        let (since, before) = std::mem::replace(&mut self.last, (Instant::now(), self.hits));
        let rate = (self.hits - before) as f64 / since.elapsed().as_secs_f64().max(0.001);
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(format!(
            "recorded {} hits, {rate:.0} a second, {}; lost {}",
            self.hits,
            HumanBytes(bytes),
            counts.lost() - counts.not_read
        ));
        bar.tick();
    }

    /// Takes the line away.
    pub(super) fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
