//! Frames: what only skbtrail reads, in blocks of a local-use type.

use bytemuck::{Pod, Zeroable};

use super::{VERSION, pcapng};

/// Block type of a frame. The high bit marks local use (pcapng draft, section 11.1); Wireshark and its kin skip those silently,
/// where a Custom Block would be a row of its own.
pub const BLOCK: u32 = 0x8053_4b42;
/// First bytes of a frame, since nothing keeps others from using the same block type.
pub const MAGIC: [u8; 8] = *b"SKBTRAIL";
/// Bytes before the frame's header: block type and length.
const BLOCK_HEAD: usize = 8;
/// Bytes from the beginning of the block to the content.
pub const HEAD: usize = BLOCK_HEAD + size_of::<Header>();

/// What a frame holds ([`Header::kind`]).
pub mod kind {
    /// The circumstances: one JSON object, first frame of a recording.
    pub const START: u8 = 1;
    /// Entries of tables.
    pub const TABLE: u8 = 2;
    /// Hops and changes.
    pub const HOPS: u8 = 3;
    /// Counts so far: one JSON object.
    pub const COUNTS: u8 = 4;
    /// Where frames are ([`super::index`]): the last frames of a whole recording.
    pub const INDEX: u8 = 5;
}

/// How the content is stored ([`Header::codec`]).
pub mod codec {
    /// As it is.
    pub const NONE: u8 = 0;
    /// One LZ4 block.
    pub const LZ4: u8 = 1;
}

/// Header of a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Format version.
    pub version: u16,
    /// One of [`kind`].
    pub kind: u8,
    /// One of [`codec`].
    pub codec: u8,
    /// Hops and changes, or entries, in it.
    pub count: u32,
    /// Bytes of the content.
    pub raw_len: u32,
    /// Bytes of the content as stored.
    pub stored_len: u32,
    /// Hops and changes in all frames before it: a gap shows how many are missing.
    pub before: u64,
    /// Smallest time in it, nanoseconds of the kernel's monotonic clock.
    pub first_time: u64,
    /// Largest time in it.
    pub last_time: u64,
    /// Smallest journey in it; 0 without one.
    pub first_journey: u64,
    /// Largest journey in it.
    pub last_journey: u64,
    /// Bytes of the packet blocks behind it that belong to it.
    pub following_len: u32,
    /// CRC-32 of those bytes.
    pub following_crc: u32,
    /// CRC-32 of this header, with 0 here, and of the content as stored.
    pub crc: u32,
    /// Drops among its hops, plus one; 0 where they were not counted.
    pub drops: u32,
}

const _: () = assert!(size_of::<Header>() == 80);

impl Header {
    /// A header without content.
    pub fn new(kind: u8, count: u32) -> Self {
        Self { magic: MAGIC, version: VERSION, kind, count, ..Self::zeroed() }
    }

    /// The checksum that belongs into it.
    pub fn checksum(&self, stored: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(bytemuck::bytes_of(&Self { crc: 0, ..*self }));
        hasher.update(stored);
        hasher.finalize()
    }

    /// It may have drops in it.
    pub fn may_hold_drops(&self) -> bool {
        self.drops != 1
    }

    /// Bytes of its whole block.
    pub fn block_len(&self) -> u64 {
        HEAD as u64 + u64::from(self.stored_len).next_multiple_of(4) + 4
    }

    /// Reads the header of a block: `None` where the block is no frame.
    pub fn read(block: &[u8]) -> Option<Self> {
        let (head, rest) = block.split_at_checked(BLOCK_HEAD)?;
        let header: Self = bytemuck::pod_read_unaligned(rest.get(..size_of::<Self>())?);
        (head[..4] == BLOCK.to_le_bytes() && header.magic == MAGIC).then_some(header)
    }
}

/// Appends a frame with this content, compressed if that is asked for and helps, and the packet blocks that belong to it.
pub fn write(mut header: Header, content: &[u8], compress: bool, following: &[u8], out: &mut Vec<u8>) {
    let packed = compress.then(|| lz4_flex::block::compress(content)).filter(|packed| packed.len() < content.len());
    let (codec, stored) = match &packed {
        Some(packed) => (codec::LZ4, packed.as_slice()),
        None => (codec::NONE, content),
    };
    header.codec = codec;
    header.raw_len = content.len() as u32;
    header.stored_len = stored.len() as u32;
    header.following_len = following.len() as u32;
    header.following_crc = crc32fast::hash(following);
    header.crc = header.checksum(stored);
    pcapng::block(BLOCK, out, |out| {
        out.extend_from_slice(bytemuck::bytes_of(&header));
        out.extend_from_slice(stored);
    });
    out.extend_from_slice(following);
}
