//! Many entries with one call (`BPF_MAP_LOOKUP_BATCH`, 5.6).

use std::{io, os::fd::AsFd as _};

use super::super::Map;
use crate::{inspect::sys, model::MapInfo};

/// `ENOTSUPP`, which libc does not know: the kernel's own, and not meant to be seen.
pub(super) const NOT_SUPPORTED: i32 = 524;
/// Bytes of a batch, where values are small.
const BYTES: usize = 256 << 10;
/// Most entries that there is room for at first.
const MOST: usize = 4096;

/// Calls that may be in vain, beside those that a full map takes many times over.
const PATIENCE: u64 = 10_000;

/// Entries read with one call, of which some have been handed out.
pub(super) struct Batch {
    key_bytes: usize,
    value_bytes: usize,
    most_entries: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Where the next call goes on: what the kernel said last, and room for what it will say.
    token: Vec<u8>,
    next_token: Vec<u8>,
    begun: bool,
    ended: bool,
    /// Calls so far.
    calls: u64,
    filled: usize,
    /// One more than the place of the entry at hand.
    at: usize,
}

impl Batch {
    pub(super) fn new(info: &MapInfo, value_bytes: usize) -> Self {
        let key_bytes = info.key_bytes as usize;
        let most_entries = (info.most_entries as usize).max(1);
        let token = vec![0; key_bytes.max(4)];
        let mut batch = Self {
            key_bytes,
            value_bytes,
            most_entries,
            keys: Vec::new(),
            values: Vec::new(),
            next_token: token.clone(),
            token,
            begun: false,
            ended: false,
            calls: 0,
            filled: 0,
            at: 0,
        };
        batch.resize((BYTES / (key_bytes + value_bytes).max(1)).clamp(1, MOST));
        batch
    }

    /// Bytes of a value, for all CPUs.
    pub(super) fn room(&self) -> usize {
        self.value_bytes
    }

    /// Goes to the next entry; false at the end.
    pub(super) fn advance(&mut self, map: &Map) -> io::Result<bool> {
        while self.at == self.filled {
            if self.ended {
                return Ok(false);
            }
            self.fill(map)?;
        }
        self.at += 1;
        Ok(true)
    }

    /// The kernel does not read this map in batches; nothing has been handed out.
    pub(super) fn is_refused(&self, error: &io::Error) -> bool {
        let unknown = matches!(error.raw_os_error(), Some(NOT_SUPPORTED | libc::EOPNOTSUPP | libc::EINVAL));
        unknown && !self.begun
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.keys[(self.at - 1) * self.key_bytes..][..self.key_bytes]
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.values[(self.at - 1) * self.value_bytes..][..self.value_bytes]
    }

    fn fill(&mut self, map: &Map) -> io::Result<()> {
        let count = self.keys.len() / self.key_bytes;
        // Somebody who removes entries as fast as we read them could keep us for ever.
        self.calls += 1;
        if self.calls > PATIENCE + 16 * (self.most_entries / count) as u64 {
            return Err(io::Error::other("its entries change faster than they can be read"));
        }
        let mut batch = sys::Batch {
            from: self.begun.then_some(self.token.as_slice()),
            to: &mut self.next_token,
            keys: &mut self.keys,
            values: &mut self.values,
            count: count as u32,
        };
        let (filled, result) = sys::lookup_batch(map.as_fd(), &mut batch);
        match result.map_err(|error| (error.raw_os_error(), error)) {
            Ok(()) => {}
            Err((Some(libc::ENOENT), _)) => self.ended = true,
            // Entries of a trie were removed under the kernel's eyes, several times: what has been read so far counts.
            Err((Some(libc::EINTR), _)) if filled > 0 => {}
            Err((Some(libc::EINTR), _)) => return Ok(()),
            // A bucket is larger than the batch.
            Err((Some(libc::ENOSPC), _)) if count < self.most_entries => {
                self.resize(count * 2);
                return Ok(());
            }
            Err((_, error)) => return Err(error),
        }
        (self.filled, self.at) = (filled as usize, 0);
        self.begun |= filled > 0;
        std::mem::swap(&mut self.token, &mut self.next_token);
        Ok(())
    }

    fn resize(&mut self, count: usize) {
        let count = count.min(self.most_entries);
        self.keys.resize(count * self.key_bytes, 0);
        self.values.resize(count * self.value_bytes, 0);
    }
}
