//! Bytes from a file, as many as are asked for and there.

use std::io::{self, BufReader, Read};

use super::error::Error;

const BUFFER: usize = 1 << 18;

/// A source that knows how far it was read.
pub(super) struct Input<R> {
    source: BufReader<R>,
    size: Option<u64>,
    position: u64,
    bytes: Vec<u8>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R, size: Option<u64>) -> Self {
        Self { source: BufReader::with_capacity(BUFFER, source), size, position: 0, bytes: Vec::new() }
    }

    /// Reads `count` bytes, fewer only at the end. Memory grows with what is there, not with what is asked for.
    pub(super) fn read(&mut self, count: u32) -> Result<&[u8], Error> {
        self.bytes.clear();
        self.extend(count)
    }

    /// The same, behind what was read last.
    pub(super) fn extend(&mut self, count: u32) -> Result<&[u8], Error> {
        let read = self.source.by_ref().take(u64::from(count)).read_to_end(&mut self.bytes);
        self.position += read? as u64;
        Ok(&self.bytes)
    }

    /// Leaves out `count` bytes; false if there are fewer.
    pub(super) fn skip(&mut self, count: u32) -> Result<bool, Error> {
        let skipped = io::copy(&mut self.source.by_ref().take(u64::from(count)), &mut io::sink())?;
        self.position += skipped;
        Ok(skipped == u64::from(count))
    }

    /// What was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// How many bytes were read since the beginning.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes the file has, if that can be told.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }
}
