//! pcapng files: sections, in each of them interfaces and packets.
//!
//! The framing is here: a block is read whole or not at all, and only if both of its lengths agree. What is inside of it
//! is for [`content`].

mod content;

use std::io::Read;

use super::error::Error;
use super::input::Input;
use super::interface::Interface;
use super::order::Order;
use super::warning::Warning;
use super::{LARGEST_PACKET, Next};

/// Types of blocks. All others are passed over.
mod block {
    pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
    pub(super) const INTERFACE: u32 = 1;
    /// What came before the enhanced packet block; it was never in a final version of the format, but in files.
    pub(super) const OBSOLETE_PACKET: u32 = 2;
    pub(super) const SIMPLE_PACKET: u32 = 3;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const MAJOR: u16 = 1;
/// Type, length, and the length again behind the body.
const FRAME: u32 = 12;
const SECTION_LEAST: u32 = 28;
/// A packet and as many bytes of options.
const LARGEST_BLOCK: u32 = 2 * LARGEST_PACKET;

/// A pcapng file that is being read.
pub(super) struct Ng {
    order: Order,
    section: u32,
    interfaces: Vec<Interface>,
}

/// What a block's frame says.
enum Frame {
    /// The block was read, or passed over, and its lengths agree.
    Whole,
    Cut,
    Damaged,
}

impl Ng {
    /// Reads the first section's header, of which the first four bytes are read already.
    pub(super) fn begin<R: Read>(input: &mut Input<R>) -> Result<Self, Error> {
        let mut ng = Self { order: Order::Little, section: 0, interfaces: Vec::new() };
        let length = *input.read(4)?.first_chunk().ok_or(Error::HeaderCut)?;
        match ng.open_section(input, length)? {
            Frame::Whole => Ok(ng),
            Frame::Cut => Err(Error::HeaderCut),
            Frame::Damaged => Err(Error::HeaderDamaged),
        }
    }

    pub(super) fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    pub(super) fn next<R: Read>(&mut self, input: &mut Input<R>) -> Result<Next, Error> {
        loop {
            let at = input.position();
            let [kind, length] = match input.read(8)? {
                [] => return Ok(Next::End),
                header => match header.as_chunks().0 {
                    [kind, length] => [*kind, *length],
                    _ => return Ok(Next::Stopped(Warning::cut(at, input))),
                },
            };
            let frame = if kind == block::SECTION {
                self.next_section(input, length)?
            } else {
                self.frame(input, self.order.u32(kind), self.order.u32(length))?
            };
            match frame {
                Frame::Whole => {}
                Frame::Cut => return Ok(Next::Stopped(Warning::cut(at, input))),
                Frame::Damaged => return Ok(Next::Stopped(Warning::damaged(at, input))),
            }
            match self.order.u32(kind) {
                block::INTERFACE if self.describe(input.bytes()).is_none() => {
                    // Packets name interfaces by their number, which is not certain any more.
                    return Ok(Next::Stopped(Warning::damaged(at, input)));
                }
                kind @ (block::OBSOLETE_PACKET | block::SIMPLE_PACKET | block::ENHANCED_PACKET) => {
                    return Ok(self.packet(kind, input.bytes_mut()).map_or(Next::Skipped, Next::Packet));
                }
                _ => {}
            }
        }
    }

    /// Reads a block whose type and length are read already, or passes over it if nobody wants it.
    fn frame<R: Read>(&self, input: &mut Input<R>, kind: u32, length: u32) -> Result<Frame, Error> {
        if length < FRAME || !length.is_multiple_of(4) {
            return Ok(Frame::Damaged);
        }
        let wanted =
            matches!(kind, block::INTERFACE | block::OBSOLETE_PACKET | block::SIMPLE_PACKET | block::ENHANCED_PACKET);
        let trailer = if wanted && length <= LARGEST_BLOCK {
            self.order.word(input.extend(length - 8)?, length as usize - 4)
        } else {
            if !input.skip(length - FRAME)? {
                return Ok(Frame::Cut);
            }
            // What remains to be looked at is nothing, which is no packet and no interface.
            self.order.word(input.read(4)?, 0)
        };
        Ok(match trailer {
            None => Frame::Cut,
            Some(trailer) if trailer == length => Frame::Whole,
            Some(_) => Frame::Damaged,
        })
    }

    fn next_section<R: Read>(&mut self, input: &mut Input<R>, length: [u8; 4]) -> Result<Frame, Error> {
        self.interfaces.clear();
        self.section = self.section.saturating_add(1);
        match self.open_section(input, length) {
            // Earlier sections were readable, so the file is no failure as a whole.
            Err(Error::Version { .. }) => Ok(Frame::Damaged),
            opened => opened,
        }
    }

    /// Reads a section's header behind its length: whoever wrote it, its options do not matter here.
    fn open_section<R: Read>(&mut self, input: &mut Input<R>, length: [u8; 4]) -> Result<Frame, Error> {
        let [magic, version] = match input.read(8)?.as_chunks::<4>().0 {
            [magic, version] => [*magic, *version],
            _ => return Ok(Frame::Cut),
        };
        let orders = [Order::Little, Order::Big];
        let Some(order) = orders.into_iter().find(|order| order.u32(magic) == BYTE_ORDER) else {
            return Ok(Frame::Damaged);
        };
        self.order = order;
        let length = order.u32(length);
        if length < SECTION_LEAST || !length.is_multiple_of(4) {
            return Ok(Frame::Damaged);
        }
        let [a, b, c, d] = version;
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        if major != MAJOR {
            return Err(Error::Version { major, minor });
        }
        if !input.skip(length - 20)? {
            return Ok(Frame::Cut);
        }
        Ok(match order.word(input.read(4)?, 0) {
            None => Frame::Cut,
            Some(trailer) if trailer == length => Frame::Whole,
            Some(_) => Frame::Damaged,
        })
    }
}
