//! pcap files: a header of 24 bytes, then packets with 16 bytes before each.

use std::io::Read;

use super::error::{Error, Variant};
use super::input::Input;
use super::interface::{Interface, Scale};
use super::link::LinkType;
use super::packet::Found;
use super::warning::Warning;
use super::{LARGEST_PACKET, Next};

const SECOND: u64 = 1_000_000_000;
/// Bytes of the file's header behind the magic number.
const HEADER: u32 = 20;
const MAJOR: u16 = 2;
/// Lowest minor version in which the two lengths of a packet have their places for certain.
const SETTLED: u16 = 4;
/// The link type's upper bits say how long a frame check sequence is.
const LINK_TYPE: u32 = 0x03ff_ffff;

/// A pcap file that is being read.
pub(super) struct Classic {
    variant: Variant,
    minor: u16,
    interface: [Interface; 1],
}

impl Classic {
    /// Reads the header, of which the first four bytes are read already.
    pub(super) fn begin<R: Read>(input: &mut Input<R>, variant: Variant) -> Result<Self, Error> {
        let order = variant.order;
        let header: &[u8; HEADER as usize] = input.read(HEADER)?.first_chunk().ok_or(Error::HeaderCut)?;
        let (major, minor) = (order.u16([header[0], header[1]]), order.u16([header[2], header[3]]));
        if major != MAJOR || minor > SETTLED {
            return Err(Error::Version { major, minor });
        }
        let link = order.u32([header[16], header[17], header[18], header[19]]) & LINK_TYPE;
        let (name, description, scale) = (None, None, Scale::default());
        let interface = Interface { link: LinkType(link), name, description, section: 0, index: 0, kept: 0, scale };
        Ok(Self { variant, minor, interface: [interface] })
    }

    pub(super) fn interfaces(&self) -> &[Interface] {
        &self.interface
    }

    pub(super) fn next<R: Read>(&mut self, input: &mut Input<R>) -> Result<Next, Error> {
        let at = input.position();
        let header = input.read(self.variant.record_header)?;
        if header.is_empty() {
            return Ok(Next::End);
        }
        let word = |index: usize| self.variant.order.word(header, 4 * index);
        let (Some(seconds), Some(fraction), Some(kept), Some(length)) = (word(0), word(1), word(2), word(3)) else {
            return Ok(Next::Stopped(Warning::cut(at, input)));
        };
        if header.len() < self.variant.record_header as usize {
            return Ok(Next::Stopped(Warning::cut(at, input)));
        }
        let (kept, length) = self.in_order(kept, length);
        if kept > LARGEST_PACKET {
            return Ok(Next::Stopped(Warning::damaged(at, input)));
        }
        if input.read(kept)?.len() < kept as usize {
            return Ok(Next::Stopped(Warning::cut(at, input)));
        }
        let time = Some(u64::from(seconds) * SECOND + u64::from(fraction) * self.variant.unit);
        Ok(Next::Packet(Found { time, bytes: 0..kept as usize, length, interface: 0, comments: Vec::new() }))
    }

    /// Programs of the time of version 2.3 did not agree which of the two lengths comes first.
    fn in_order(&self, first: u32, second: u32) -> (u32, u32) {
        if self.minor < SETTLED && first > second { (second, first) } else { (first, second) }
    }
}
