//! A frame's content: read, verified, unpacked.

use std::{fs::File, io};

use super::{compat, walk::read_at};
use crate::record::format::{
    MOST_CONTENT,
    frame::{HEAD, Header, codec},
};

/// Why a frame cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Its checksum is wrong, or it contradicts itself.
    Damaged,
    /// A newer version wrote it.
    Newer(u16),
}

/// Reads the content of a frame into `content`; `stored` is memory to use for it.
pub(super) fn read(
    file: &File,
    offset: u64,
    header: &Header,
    stored: &mut Vec<u8>,
    content: &mut Vec<u8>,
) -> io::Result<Result<(), Unusable>> {
    let stored_len = header.stored_len as usize;
    // LZ4 makes what it cannot compress a little larger; the writer then stores it as it is.
    if stored_len > MOST_CONTENT || header.raw_len as usize > MOST_CONTENT {
        return Ok(Err(Unusable::Damaged));
    }
    stored.resize(stored_len, 0);
    if read_at(file, offset + HEAD as u64, stored)? < stored_len || header.checksum(stored) != header.crc {
        return Ok(Err(Unusable::Damaged));
    }
    if !compat::is_known(header.version) {
        return Ok(Err(Unusable::Newer(header.version)));
    }
    let unpacked = match header.codec {
        codec::NONE if header.stored_len == header.raw_len => {
            std::mem::swap(stored, content);
            true
        }
        codec::LZ4 => {
            content.resize(header.raw_len as usize, 0);
            lz4_flex::block::decompress_into(stored, content).is_ok_and(|len| len == content.len())
        }
        _ => false,
    };
    Ok(if unpacked { Ok(()) } else { Err(Unusable::Damaged) })
}

/// Bytes of packet blocks that are read at once.
const CHUNK: usize = 64 << 10;

/// Whether the packet blocks behind a frame are those that were written with it.
pub(super) fn follows(file: &File, offset: u64, header: &Header) -> io::Result<bool> {
    let (mut at, mut left) = (offset + header.block_len(), header.following_len as usize);
    let (mut hasher, mut chunk) = (crc32fast::Hasher::new(), vec![0; CHUNK.min(left)]);
    while left > 0 {
        let count = read_at(file, at, &mut chunk[..left.min(CHUNK)])?;
        if count == 0 {
            return Ok(false);
        }
        hasher.update(&chunk[..count]);
        at += count as u64;
        left -= count;
    }
    Ok(hasher.finalize() == header.following_crc)
}
