//! From block to block through a file: finds the frames, and goes on behind damage.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use crate::record::format::{
    MOST_CONTENT,
    frame::{BLOCK, HEAD, Header, MAGIC, kind},
    pcapng,
};

/// Bytes read at once while looking at small blocks or for the next frame.
const WINDOW: usize = 64 << 10;

/// What was met in a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met {
    /// A frame at this offset, by its header, which nothing has verified yet.
    Frame(u64, Header),
    /// So many bytes that are no blocks, and are followed by some.
    Damage(u64),
    /// So many bytes at the end that are no whole block.
    Tail(u64),
}

/// A place in a file.
#[derive(Debug)]
pub(super) struct Walk {
    /// Where the next block should begin.
    pub(super) at: u64,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Walk {
    pub(super) fn new(at: u64, len: u64) -> Self {
        Self { at, len, window: Vec::new(), window_at: 0 }
    }

    /// Goes to the next frame; `None` at the end of the file.
    pub(super) fn next(&mut self, file: &File) -> io::Result<Option<Met>> {
        while self.at < self.len {
            let head = self.bytes(file, self.at, HEAD)?;
            let header = Header::read(head);
            let Some((_, block_len)) = pcapng::head(head) else { return self.behind_damage(file).map(Some) };
            let end = self.at + u64::from(block_len);
            if end > self.len {
                return self.behind_damage(file).map(Some);
            }
            let trailer = self.bytes(file, end - 4, 4)?;
            if trailer != block_len.to_le_bytes() {
                return self.behind_damage(file).map(Some);
            }
            let at = std::mem::replace(&mut self.at, end);
            if let Some(header) = header {
                if header.block_len() != u64::from(block_len) || header.raw_len as usize > MOST_CONTENT {
                    self.at = at;
                    return self.behind_damage(file).map(Some);
                }
                let packets = if header.kind == kind::HOPS { header.following_len } else { 0 };
                self.at = end.saturating_add(u64::from(packets)).min(self.len.max(end));
                return Ok(Some(Met::Frame(at, header)));
            }
        }
        Ok(None)
    }

    /// Looks for the next frame behind the block that cannot be one.
    fn behind_damage(&mut self, file: &File) -> io::Result<Met> {
        let from = self.at;
        let mut sought = [0; 16];
        sought[..4].copy_from_slice(&BLOCK.to_le_bytes());
        sought[8..].copy_from_slice(&MAGIC);
        let fits = |bytes: &[u8]| bytes[..4] == sought[..4] && bytes[8..16] == sought[8..];
        let mut at = from + 1;
        while at + sought.len() as u64 <= self.len {
            let window = self.bytes(file, at, WINDOW)?;
            let found = window.windows(sought.len()).position(fits);
            if let Some(place) = found {
                self.at = at + place as u64;
                return Ok(Met::Damage(self.at - from));
            }
            at += (window.len() + 1).saturating_sub(sought.len()).max(1) as u64;
        }
        self.at = self.len;
        Ok(Met::Tail(self.len - from))
    }

    /// Up to `count` bytes of the file: fewer only at its end.
    fn bytes(&mut self, file: &File, at: u64, count: usize) -> io::Result<&[u8]> {
        let count = count.min(usize::try_from(self.len.saturating_sub(at)).unwrap_or(count));
        let end = self.window_at + self.window.len() as u64;
        if at < self.window_at || at + count as u64 > end {
            // A frame's header is all that is wanted of most blocks that are far from the last.
            let near = at >= self.window_at && at < end + WINDOW as u64;
            let size = if near { WINDOW.max(count) } else { count.max(512) };
            self.window.resize(size, 0);
            self.window_at = at;
            let read = read_at(file, at, &mut self.window)?;
            self.window.truncate(read);
        }
        let start = (at - self.window_at) as usize;
        let end = (start + count).min(self.window.len());
        Ok(self.window.get(start..end).unwrap_or_default())
    }
}

/// Fills the buffer as far as the file goes.
pub(super) fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], at + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
