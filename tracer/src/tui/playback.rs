//! The position in a recording: what has been read is shown up to a time, which goes on by itself while it plays.

use std::time::{Duration, Instant};

use super::{
    engine::Progress,
    store::{Seq, Store},
};
use crate::track::Verdict;

/// Between two steps while it plays.
const STEP: Duration = Duration::from_millis(50);
/// Most places of drops that are kept.
const MOST_DROPS: usize = 1 << 16;
/// Speeds, each twice the one before.
const SPEEDS: std::ops::RangeInclusive<i32> = -10..=10;

/// The position.
#[derive(Debug)]
pub struct Playback {
    /// Kernel time of the first record.
    begins: u64,
    /// The latest time that has been read.
    ends: u64,
    /// The position; `None` at the end.
    at: Option<u64>,
    playing: Option<Instant>,
    /// Powers of two.
    speed: i32,
    /// Times of drops, in the order in which they were read.
    drops: Vec<u64>,
    /// Packets that have been looked at, in which generation of the store.
    seen: (u64, Seq),
    /// The whole recording has been read once.
    known: bool,
    /// What was asked of the engine and has not come yet.
    asked: Option<Missing>,
}

/// A part of the recording that is not in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// What begins at this time.
    From(u64),
    /// The end.
    End,
}

impl Playback {
    /// At the end of a recording that begins and ends at these times; the end may prove to be later.
    pub fn new(begins: u64, ends: u64) -> Self {
        let ends = ends.max(begins);
        Self {
            begins,
            ends,
            at: None,
            playing: None,
            speed: 0,
            drops: Vec::new(),
            seen: (0, 0),
            known: false,
            asked: None,
        }
    }

    /// What has to be read so that the position can be shown; each is said once.
    pub fn missing(&mut self, store: &Store, progress: Progress) -> Option<Missing> {
        let (first, last) = store.span()?;
        let full = progress == Progress::Full;
        let wanted = match self.at {
            Some(at) if at < first && store.is_cut() => Missing::From(at),
            Some(at) if at > last && full => Missing::From(at),
            None if full => Missing::End,
            _ => return None,
        };
        let fresh = self.known && self.asked.is_none();
        fresh.then(|| *self.asked.insert(wanted))
    }

    /// Looks at what has been read.
    pub fn learn(&mut self, store: &Store, all: bool) {
        if all {
            self.asked = None;
        }
        if self.known {
            return;
        }
        let seqs = store.seqs();
        for seq in self.seen.1.max(seqs.start)..seqs.end {
            self.ends = self.ends.max(store.until(seq).unwrap_or(0));
            let (Some(Verdict::Dropped { hop, .. }), Some(packet)) = (store.verdict(seq), store.get(seq)) else {
                continue;
            };
            if let Some(hop) = packet.journey.hops.get(hop).filter(|_| self.drops.len() < MOST_DROPS) {
                self.drops.push(hop.time);
            }
        }
        self.seen.1 = seqs.end;
        self.known = all;
    }

    /// Kernel time of the first record.
    pub fn begins(&self) -> u64 {
        self.begins
    }

    /// Packets from here on are not shown.
    pub fn end(&self, store: &Store) -> Seq {
        self.at.map_or(store.seqs().end, |at| store.after(at))
    }

    /// The position, nanoseconds from the beginning, and the length.
    pub fn position(&self) -> (u64, u64) {
        let length = self.ends - self.begins;
        (self.at.map_or(length, |at| at.saturating_sub(self.begins)), length)
    }

    /// Where reading has to begin so that the store, which holds `room` of all `hits`, has the position in its middle.
    pub fn window(&self, at: u64, room: usize, hits: u64) -> u64 {
        let length = u128::from(self.ends - self.begins);
        let half = length * room as u128 / u128::from(hits.max(1)) / 2;
        at.saturating_sub(half.min(length) as u64).max(self.begins)
    }

    /// Goes to a time, nanoseconds from the beginning.
    pub fn seek(&mut self, from_beginning: u64) {
        let at = self.begins.saturating_add(from_beginning);
        self.at = (at < self.ends).then_some(at);
        if self.at.is_none() {
            self.playing = None;
        }
    }

    /// Goes to a time of the kernel.
    pub fn seek_time(&mut self, time: u64) {
        self.seek(time.saturating_sub(self.begins));
    }

    /// Goes on to where the next packet has ended, or back to where the one before had. It no longer plays.
    pub fn step(&mut self, store: &Store, forward: bool) {
        self.playing = None;
        let end = self.end(store);
        if forward {
            if let Some(next) = store.until(end) {
                self.seek_time(next);
            }
            return;
        }
        // Several may have ended at one time.
        let last = end.checked_sub(1).and_then(|last| store.until(last));
        let before = last.and_then(|last| store.after(last.saturating_sub(1)).checked_sub(1));
        match before.and_then(|before| store.until(before)) {
            Some(time) => self.seek_time(time),
            None => self.at = Some(self.begins.saturating_sub(1)),
        }
    }

    /// Plays, or stops. At the end it plays from the beginning.
    pub fn toggle(&mut self, now: Instant) {
        if self.playing.take().is_none() {
            self.at.get_or_insert(self.begins.saturating_sub(1));
            self.playing = Some(now);
        }
    }

    /// It plays.
    pub fn plays(&self) -> bool {
        self.playing.is_some()
    }

    /// Changes the speed by powers of two.
    pub fn faster(&mut self, steps: i32) {
        self.speed = (self.speed + steps).clamp(*SPEEDS.start(), *SPEEDS.end());
    }

    /// `×2`, `×1/4`
    pub fn speed(&self) -> String {
        let times = 1_u32 << self.speed.unsigned_abs();
        if self.speed < 0 { format!("1/{times}") } else { times.to_string() }
    }

    /// When the position changes by itself.
    pub fn next_step(&self, now: Instant) -> Option<Instant> {
        self.playing.map(|_| now + STEP)
    }

    /// Time goes on.
    pub fn advance(&mut self, now: Instant) {
        let (Some(since), Some(at)) = (self.playing, self.at) else { return };
        let passed = now.saturating_duration_since(since).as_nanos() as f64 * f64::from(self.speed).exp2();
        if passed < 1.0 {
            return;
        }
        self.playing = Some(now);
        self.seek_time(at.saturating_add(passed as u64));
    }

    /// In which of so many pieces of the whole there are drops.
    pub fn marks(&self, pieces: usize) -> Vec<bool> {
        let length = (self.ends - self.begins).max(1);
        let mut marks = vec![false; pieces];
        for drop in &self.drops {
            let place = (drop.saturating_sub(self.begins)) as u128 * pieces as u128 / u128::from(length);
            if let Some(mark) = marks.get_mut((place as usize).min(pieces.saturating_sub(1))) {
                *mark = true;
            }
        }
        marks
    }

    /// Drops that have been found.
    pub fn drops(&self) -> usize {
        self.drops.len()
    }
}
