//! The layout of a recording, the same for writer and reader. `assets/recording.md` is its specification.
//!
//! A recording is one pcapng section. What only skbtrail reads lies in *frames*: blocks of a local-use type, which other tools
//! skip. Everything is little-endian, as the machines are that skbtrail runs on.

pub mod counts;
pub mod frame;
pub mod index;
pub mod pcapng;
pub mod rows;
pub mod start;
pub mod table;

/// Version of the format that is written; `reader::compat` has those that are read.
pub const VERSION: u16 = 1;
/// Most hops of a frame.
pub const FRAME_HOPS: usize = 4096;
/// A frame is closed when its content has this size, bytes; the last record may go beyond it.
pub const FRAME_BYTES: usize = 256 << 10;
/// Most bytes of a frame's content that a reader accepts: twice what a writer can reach.
pub const MOST_CONTENT: usize = 2 << 20;
