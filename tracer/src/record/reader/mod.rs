//! Reads a recording. The file is foreign and may be cut short, damaged or made up: what can be read is read, the rest is
//! counted, and memory is bounded by constants.

mod compat;
mod details;
mod frame;
mod hops;
mod open;
mod tables;
mod track;
mod walk;

use std::{fs::File, io};

use self::{
    frame::Unusable,
    hops::Hops,
    track::Shared,
    walk::{Met, Walk},
};
use super::format::{
    frame::{Header, kind},
    index::Index,
    start::Start,
};
use crate::{collect::counts::Counts, model::Record, track::Tracker};
pub use tables::{RecordedSymbols, Tables};

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Hops and changes that were recorded and are not there, as far as what is there tells.
    pub records: u64,
    /// Bytes in the middle of the file that are damaged.
    pub damaged: u64,
    /// Bytes at the end of the file that are no whole block.
    pub tail: u64,
    /// Bytes of packet blocks that are damaged ([`Reader::verify_packets`]): hits are not read from them, other tools read them.
    pub packets: u64,
    /// Entries of tables that no recorder would have written: what they name goes without.
    pub names: u64,
    /// Bytes of tables, counts and circumstances that are damaged: what they told is missing.
    pub tables: u64,
    /// Frames of a newer version.
    pub newer: u64,
    /// The file was not brought to its end: its writer was killed, or it is still being written.
    pub unfinished: bool,
}

impl Missing {
    /// The same in words, a clause each.
    pub fn faults(&self) -> Vec<String> {
        let Self { records, damaged, tail, packets, names, tables, newer, unfinished } = *self;
        let faults = [
            (damaged > 0, format!("{damaged} bytes are damaged")),
            (packets > 0, format!("{packets} bytes of packets for other tools are damaged")),
            (names > 0, format!("{names} entries of tables are out of bounds")),
            (tables > 0, format!("{tables} bytes of names and circumstances are damaged")),
            (newer > 0, format!("{newer} blocks are of a newer version")),
            (records > 0, format!("{records} hits that were recorded are missing")),
            (unfinished, "it was not brought to its end, so that the last block of hits may be missing".to_owned()),
            (tail > 0, format!("the last {tail} bytes are a block that was cut off")),
        ];
        faults.into_iter().filter(|(applies, _)| *applies).map(|(_, fault)| fault).collect()
    }
}

/// Where reading begins and what it leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Times from here on, nanoseconds of the recording's kernel clock.
    pub from: Option<u64>,
    /// Times before this one.
    pub to: Option<u64>,
    /// This journey alone.
    pub journey: Option<u64>,
    /// Drops alone; frames without any are not read.
    pub drops: bool,
}

impl Wanted {
    /// It is less than all.
    pub fn is_narrow(&self) -> bool {
        let Self { from, to, journey, drops } = *self;
        from.is_some() || to.is_some() || journey.is_some() || drops
    }
}

/// A recording that is read from its beginning to its end.
pub struct Reader {
    file: File,
    start: Start,
    tables: Tables,
    counts: Option<Counts>,
    index: Index,
    missing: Missing,
    wanted: Wanted,
    walk: Walk,
    hops: Hops,
    next: usize,
    /// Records before the frame that should come next.
    expected: Option<u64>,
    /// Records that were left out on purpose before the first.
    thrown_away: u64,
    verifies: bool,
    /// Headers handed to a tracker, in all frames.
    numbered: u64,
    stored: Vec<u8>,
    content: Vec<u8>,
}

impl Reader {
    /// Under which circumstances it was made.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What names the numbers in its records.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Hands them over; afterwards the reader has none.
    pub fn take_tables(&mut self) -> Tables {
        std::mem::take(&mut self.tables)
    }

    /// The latest counts in it.
    pub fn counts(&self) -> Option<&Counts> {
        self.counts.as_ref()
    }

    /// Where its frames are.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What could not be read so far.
    pub fn missing(&self) -> &Missing {
        &self.missing
    }

    /// Begins anew, with the records that are wanted; the index tells where.
    pub fn seek(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        let Missing { names, tables, unfinished, .. } = self.missing;
        self.missing = Missing { names, tables, unfinished, ..Missing::default() };
        self.hops = Hops::empty();
        self.next = 0;
        self.expected = None;
        let holds = |span: &&super::format::index::Span| {
            wanted.from.is_none_or(|from| span.last_time >= from)
                && wanted.journey.is_none_or(|journey| span.may_hold(journey))
        };
        let first = if wanted.from.is_some() || wanted.journey.is_some() {
            self.index.hops.iter().find(holds).map(|span| span.offset)
        } else {
            Some(0)
        };
        self.walk.at = first.unwrap_or(u64::MAX);
    }

    /// Has the packet blocks of each frame compared with their checksum, too.
    pub fn verify_packets(&mut self) {
        self.verifies = true;
    }

    /// The next record that is wanted; `None` at the end.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        loop {
            while self.next < self.hops.len() {
                let number = self.next;
                self.next += 1;
                if !self.wants(number) {
                    continue;
                }
                match self.hops.record(number) {
                    Some(record) => return Ok(Some(record)),
                    None => self.missing.records += 1,
                }
            }
            if !self.next_frame()? {
                return Ok(None);
            }
        }
    }

    /// Hands the next frame of records that are wanted to a tracker, which is several times as fast as record by record;
    /// false at the end.
    pub fn track(&mut self, tracker: &mut Tracker) -> io::Result<bool> {
        if self.next >= self.hops.len() && !self.next_frame()? {
            return Ok(false);
        }
        let shared = Shared::new(&self.hops, tracker.tables_mut(), &mut self.numbered);
        let narrowed = self.wanted.is_narrow();
        for number in self.next..self.hops.len() {
            if (!narrowed || self.wants(number)) && shared.hand(&self.hops, number, tracker).is_none() {
                self.missing.records += 1;
            }
        }
        self.next = self.hops.len();
        Ok(true)
    }

    fn wants(&self, number: usize) -> bool {
        let Wanted { from, to, journey, drops } = self.wanted;
        let time = || self.hops.time(number).unwrap_or_default();
        from.is_none_or(|from| time() >= from)
            && to.is_none_or(|to| time() < to)
            && journey.is_none_or(|journey| self.hops.journey(number) == Some(journey))
            && (!drops || self.hops.is_drop(number))
    }

    /// Reads the next frame of hops that may hold what is wanted.
    fn next_frame(&mut self) -> io::Result<bool> {
        while let Some(met) = self.walk.next(&self.file)? {
            match met {
                Met::Damage(bytes) => self.missing.damaged += bytes,
                Met::Tail(bytes) => self.missing.tail += bytes,
                Met::Frame(_, header) if header.kind == kind::START => {
                    self.thrown_away = header.before;
                    self.expected = Some(header.before);
                }
                Met::Frame(offset, header) if header.kind == kind::HOPS => {
                    if self.skips(&header) {
                        self.expected = None;
                    } else if self.hops_of(offset, &header)? {
                        return Ok(true);
                    }
                }
                Met::Frame(..) => {}
            }
        }
        // A damaged frame at the end is missed by the index alone; one that was made by a walk knows no better.
        if let Some(expected) = self.expected.take().filter(|_| !self.missing.unfinished && !self.wanted.is_narrow()) {
            let end = self.thrown_away.saturating_add(self.index.records());
            self.missing.records += end.saturating_sub(expected);
        }
        Ok(false)
    }

    fn skips(&self, header: &Header) -> bool {
        let Wanted { from, to, journey, drops } = self.wanted;
        from.is_some_and(|from| header.last_time < from)
            || drops && !header.may_hold_drops()
            || to.is_some_and(|to| header.first_time >= to)
            || journey.is_some_and(|journey| !(header.first_journey..=header.last_journey).contains(&journey))
    }

    /// Takes the hops of a frame; false where it cannot be used. A damaged one is noticed by the next that is whole: how many
    /// records it had cannot be believed.
    fn hops_of(&mut self, offset: u64, header: &Header) -> io::Result<bool> {
        match frame::read(&self.file, offset, header, &mut self.stored, &mut self.content)? {
            Err(Unusable::Newer(_)) => {
                self.missing.newer += 1;
                return Ok(false);
            }
            Err(Unusable::Damaged) => {
                self.missing.damaged += header.block_len();
                // How far its packet blocks go cannot be believed either.
                self.walk.at = offset + header.block_len();
                return Ok(false);
            }
            Ok(()) => {}
        }
        if self.verifies && !frame::follows(&self.file, offset, header)? {
            self.missing.packets += u64::from(header.following_len);
        }
        if let Some(expected) = self.expected {
            self.missing.records += header.before.saturating_sub(expected);
        }
        self.expected = Some(header.before.saturating_add(u64::from(header.count)));
        let Some(hops) = compat::hops(header, std::mem::take(&mut self.content)) else {
            self.missing.damaged += header.block_len();
            self.missing.records += u64::from(header.count);
            return Ok(false);
        };
        self.content = std::mem::replace(&mut self.hops, hops).into_content();
        self.next = 0;
        Ok(true)
    }
}
