//! Mutations. Most know what a pcapng block and a frame of ours look like, and mend checksums and lengths afterwards: otherwise
//! the reader would turn nearly all of it away at the door.

use std::ops::Range;

use skbtrail::record::format::frame::{HEAD, Header, codec};

use crate::{corpus::Corpus, random::Random};

/// Bytes of a block before its content.
const BLOCK_HEAD: usize = 8;

/// A mutant.
pub(crate) fn some(file: &[u8], corpus: &Corpus, random: &mut Random) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return bytes;
        }
        match random.below(10) {
            0 => anywhere(&mut bytes, random),
            1 => bytes.truncate(random.below(bytes.len())),
            2 => pieces(&mut bytes, corpus, random),
            3 | 4 => whole_blocks(&mut bytes, random),
            5 => block_content(&mut bytes, random),
            6 | 7 => frame_header(&mut bytes, random),
            _ => frame_content(&mut bytes, random),
        }
    }
    bytes
}

/// Blocks of a pcapng file, as far as their lengths can be followed.
pub(crate) fn blocks(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + BLOCK_HEAD) {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if len < 12 || !len.is_multiple_of(4) || at + len > bytes.len() {
            break;
        }
        found.push(at..at + len);
        at += len;
    }
    found
}

/// Frames of ours, with their headers.
fn frames(bytes: &[u8]) -> Vec<(Range<usize>, Header)> {
    let frame = |block: Range<usize>| Header::read(&bytes[block.clone()]).map(|header| (block, header));
    blocks(bytes).into_iter().filter_map(frame).collect()
}

/// A bit, a byte or a number, wherever it is.
fn anywhere(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let place = random.below(bytes.len());
        match random.below(3) {
            0 => bytes[place] ^= 1 << random.below(8),
            1 => bytes[place] = random.next() as u8,
            _ => put(&mut bytes[place..], random),
        }
    }
}

/// An odd number of 1, 2, 4 or 8 bytes, of either byte order.
fn put(bytes: &mut [u8], random: &mut Random) {
    let number = random.odd_number();
    let len = bytes.len().min(1 << random.below(4));
    let little = number.to_le_bytes();
    bytes[..len].copy_from_slice(&little[..len]);
    if random.once_in(5) {
        bytes[..len].reverse();
    }
}

/// Takes bytes out, doubles some, or puts some of another file in.
fn pieces(bytes: &mut Vec<u8>, corpus: &Corpus, random: &mut Random) {
    let start = random.below(bytes.len());
    let end = (start + random.below(2000)).min(bytes.len());
    let place = random.below(bytes.len());
    match random.below(3) {
        0 => drop(bytes.drain(start..end)),
        1 => drop(bytes.splice(place..place, bytes[start..end].to_vec())),
        _ => {
            let other = corpus.pick(random);
            let from = random.below(other.len());
            let piece = other[from..(from + random.below(3000)).min(other.len())].to_vec();
            drop(bytes.splice(place..place, piece));
        }
    }
}

/// Takes a block out, doubles it, or brings it to another place.
fn whole_blocks(bytes: &mut Vec<u8>, random: &mut Random) {
    let all = blocks(bytes);
    let Some(block) = all.get(random.below(all.len())).cloned() else { return };
    let place = all[random.below(all.len())].start;
    let content = bytes[block.clone()].to_vec();
    match random.below(3) {
        0 => drop(bytes.drain(block)),
        1 => drop(bytes.splice(place..place, content)),
        _ => {
            drop(bytes.splice(place..place, content));
            let moved = if place <= block.start { block.start + block.len()..block.end + block.len() } else { block };
            drop(bytes.drain(moved));
        }
    }
}

/// An odd number in a block, or another length that its end agrees with.
fn block_content(bytes: &mut [u8], random: &mut Random) {
    let all = blocks(bytes);
    let Some(block) = all.get(random.below(all.len())).cloned() else { return };
    if random.once_in(4) {
        let len = (random.below(block.len() + 64) as u32) & !3;
        bytes[block.start + 4..block.start + 8].copy_from_slice(&len.to_le_bytes());
        let end = block.start + len as usize;
        if let Some(trailer) = bytes.get_mut(end.saturating_sub(4).max(block.start + 8)..end) {
            trailer.copy_from_slice(&len.to_le_bytes()[..trailer.len()]);
        }
    } else {
        let place = block.start + BLOCK_HEAD + random.below(block.len() - BLOCK_HEAD);
        put(&mut bytes[place..block.end], random);
    }
}

/// An odd number in the header of a frame, under a checksum that fits.
fn frame_header(bytes: &mut [u8], random: &mut Random) {
    let all = frames(bytes);
    let Some((block, _)) = all.get(random.below(all.len())).cloned() else { return };
    // Neither its type nor its magic, or it would be a frame no more.
    let place = block.start + 16 + random.below(HEAD - 16);
    put(&mut bytes[place..block.start + HEAD], random);
    mend(bytes, &block);
}

/// Odd numbers in the content of a frame, under a checksum that fits; what is compressed is unpacked before.
fn frame_content(bytes: &mut Vec<u8>, random: &mut Random) {
    let all = frames(bytes);
    let Some((block, mut header)) = all.get(random.below(all.len())).cloned() else { return };
    let stored = &bytes[block.start + HEAD..block.end - 4];
    let Some(stored) = stored.get(..header.stored_len as usize) else { return };
    let mut content = match header.codec {
        codec::LZ4 if header.raw_len < 1 << 20 && !random.once_in(8) => {
            let Ok(content) = lz4_flex::block::decompress(stored, header.raw_len as usize) else { return };
            header.codec = codec::NONE;
            content
        }
        _ => stored.to_vec(),
    };
    if content.is_empty() {
        return;
    }
    for _ in 0..=random.below(5) {
        // The lengths of its parts stand at the beginning.
        let end = if random.once_in(3) { content.len().min(32) } else { content.len() };
        let place = random.below(end);
        put(&mut content[place..], random);
    }
    if random.once_in(10) {
        content.truncate(random.below(content.len()));
    }
    header.stored_len = content.len() as u32;
    if header.codec == codec::NONE {
        header.raw_len = header.stored_len;
    }
    let mut frame = bytes[block.start..block.start + HEAD].to_vec();
    frame[BLOCK_HEAD..].copy_from_slice(bytemuck::bytes_of(&header));
    frame.extend_from_slice(&content);
    frame.resize(frame.len().next_multiple_of(4) + 4, 0);
    let len = frame.len();
    frame[4..8].copy_from_slice(&(len as u32).to_le_bytes());
    frame[len - 4..].copy_from_slice(&(len as u32).to_le_bytes());
    mend(&mut frame, &(0..len));
    drop(bytes.splice(block, frame));
}

/// Gives a frame the checksum that belongs to it.
fn mend(bytes: &mut [u8], block: &Range<usize>) {
    let Some(mut header) = Header::read(&bytes[block.clone()]) else { return };
    let stored = block.start + HEAD..(block.start + HEAD + header.stored_len as usize).min(bytes.len());
    header.crc = header.checksum(&bytes[stored]);
    bytes[block.start + BLOCK_HEAD..block.start + HEAD].copy_from_slice(bytemuck::bytes_of(&header));
}
