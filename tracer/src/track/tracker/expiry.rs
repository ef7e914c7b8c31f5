//! When to look at an open journey again. Both queues are in order by construction, since time only grows.

use std::collections::VecDeque;

use super::{Limits, store::Key};

/// An open journey at the last look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// When it was heard of.
    pub(super) time: u64,
    /// What it is known by.
    pub(super) key: Key,
    /// Tells it from others that were known by the same.
    pub(super) serial: u64,
}

/// What is due, and when.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    /// Journeys of which an end was heard, and when.
    ended: VecDeque<(u64, Key)>,
    /// Every open journey, and some that are no longer.
    heard: VecDeque<Heard>,
    /// Nothing is due before, as long as nothing was added since.
    quiet_until: u64,
}

impl Expiry {
    /// A journey was opened, or turned out to have been heard of since. That may be before the youngest entry; it is then
    /// looked at a little late.
    pub(super) fn heard(&mut self, heard: Heard) {
        self.quiet_until = if self.heard.is_empty() { 0 } else { self.quiet_until };
        self.heard.push_back(heard);
    }

    /// It ended, or may have.
    pub(super) fn ended(&mut self, now: u64, key: Key) {
        self.quiet_until = if self.ended.is_empty() { 0 } else { self.quiet_until };
        self.ended.push_back((now, key));
    }

    /// It is time to look at something.
    pub(super) fn is_due(&self, now: u64, limits: &Limits) -> bool {
        now > self.quiet_until || self.ended.len() > limits.hops
    }

    /// Finds out when something will be due, as far as is known now.
    pub(super) fn plan(&mut self, limits: &Limits) {
        let ended = self.ended.front().map(|(time, _)| time.saturating_add(limits.settle));
        let heard = self.heard.front().map(|heard| heard.time.saturating_add(limits.idle));
        self.quiet_until = ended.into_iter().chain(heard).min().unwrap_or(u64::MAX);
    }

    /// A journey whose end is so long ago that no earlier record can come.
    pub(super) fn next_settled(&mut self, now: u64, settle: u64) -> Option<Key> {
        let due = self.ended.front().is_some_and(|(time, _)| time.saturating_add(settle) < now);
        if due { self.ended.pop_front().map(|(_, key)| key) } else { None }
    }

    /// A journey that ended and that there is no room to wait for: bounds memory where time stands still.
    pub(super) fn next_beyond(&mut self, most: usize) -> Option<Key> {
        if self.ended.len() > most { self.ended.pop_front().map(|(_, key)| key) } else { None }
    }

    /// A journey that may have been silent for long.
    pub(super) fn next_idle(&mut self, now: u64, idle: u64) -> Option<Heard> {
        let due = self.heard.front().is_some_and(|heard| heard.time.saturating_add(idle) < now);
        if due { self.next_oldest() } else { None }
    }

    /// The journey that has not been looked at for the longest time.
    pub(super) fn next_oldest(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Entries that are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ended.len() + self.heard.len()
    }

    /// Forgets journeys that are gone, once they are the most part.
    pub(super) fn tidy(&mut self, open: usize, is_open: impl Fn(&Heard) -> bool) {
        /// Below, it is not worth the time.
        const LEAST: usize = 1024;
        if self.heard.len() > 2 * open + LEAST {
            self.heard.retain(is_open);
        }
    }
}
