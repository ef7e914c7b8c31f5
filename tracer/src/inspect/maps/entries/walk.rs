//! Key by key (`BPF_MAP_GET_NEXT_KEY`), for maps that the kernel does not read in batches.
//!
//! When the key at hand is removed, the kernel begins again with the first. The keys handed out are remembered, so that none
//! comes twice; such maps hold sockets, devices or other maps, so they are few.

use std::{collections::HashSet, io, os::fd::AsFd as _};

use super::super::Map;
use crate::{collect::sys::next_key, inspect::sys, model::MapKind};

/// A walk over the keys.
pub(super) struct Walk {
    key: Option<Vec<u8>>,
    next: Vec<u8>,
    value: Vec<u8>,
    /// Why the value is not to be had.
    hidden: Option<i32>,
    seen: HashSet<Box<[u8]>>,
    steps: u64,
    vanished: u64,
}

impl Walk {
    pub(super) fn new(value_bytes: usize) -> Self {
        Self {
            key: None,
            next: Vec::new(),
            value: vec![0; value_bytes],
            hidden: None,
            seen: HashSet::new(),
            steps: 0,
            vanished: 0,
        }
    }

    /// Goes to the next entry; false at the end.
    pub(super) fn advance(&mut self, map: &Map) -> io::Result<bool> {
        while self.step(map)? {
            let key = self.key.as_deref().unwrap_or_default();
            if remembers(map) && !self.seen.insert(key.into()) {
                continue;
            }
            match sys::lookup(map.as_fd(), key, &mut self.value) {
                Ok(()) => self.hidden = None,
                Err(error) => match error.raw_os_error() {
                    Some(libc::ENOENT) => {
                        self.vanished += 1;
                        continue;
                    }
                    // A socket has no bytes that there is room for, other kinds no lookup at all.
                    Some(errno @ (libc::ENOSPC | libc::EOPNOTSUPP | super::batch::NOT_SUPPORTED)) => {
                        self.hidden = Some(errno);
                    }
                    _ => return Err(error),
                },
            }
            return Ok(true);
        }
        Ok(false)
    }

    pub(super) fn key(&self) -> &[u8] {
        self.key.as_deref().unwrap_or_default()
    }

    pub(super) fn value(&self) -> Result<&[u8], i32> {
        self.hidden.map_or(Ok(&self.value), Err)
    }

    pub(super) fn vanished(&self) -> u64 {
        self.vanished
    }

    fn step(&mut self, map: &Map) -> io::Result<bool> {
        // Somebody who removes keys as fast as we read them could keep us for ever.
        self.steps += 1;
        if self.steps > u64::from(map.info.most_entries) * 4 + 64 {
            return Err(io::Error::other("its entries change faster than they can be read"));
        }
        self.next.resize(map.info.key_bytes as usize, 0);
        if !next_key(map.as_fd(), self.key.as_deref(), &mut self.next)? {
            return Ok(false);
        }
        let before = self.key.take().unwrap_or_default();
        self.key = Some(std::mem::replace(&mut self.next, before));
        Ok(true)
    }
}

/// Arrays never begin again, and a trie's order is known.
fn remembers(map: &Map) -> bool {
    !map.info.kind.is_array() && map.info.kind != MapKind::LPM_TRIE
}
