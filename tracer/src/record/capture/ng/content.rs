//! What is inside of whole blocks, by `pcap-parser`. It is given no file, since it cannot tell a block that lies from a file
//! that is cut short.

use pcap_parser::{
    PcapNGOption, parse_enhancedpacketblock_be, parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_simplepacketblock_be, parse_simplepacketblock_le,
};

use super::super::MOST_INTERFACES;
use super::super::interface::{Interface, Scale};
use super::super::link::LinkType;
use super::super::order::Order;
use super::super::packet::Found;
use super::{Ng, block};

/// Codes of options.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const COMMENT: u16 = 1;
    pub(super) const NAME: u16 = 2;
    pub(super) const DESCRIPTION: u16 = 3;
    pub(super) const RESOLUTION: u16 = 9;
    pub(super) const OFFSET: u16 = 14;
}

/// Where a packet's bytes begin in its block.
const ENHANCED_DATA: usize = 28;
const SIMPLE_DATA: usize = 12;
/// Most bytes that are kept of a name or a description.
const LONGEST_NAME: usize = 255;

impl Ng {
    /// Adds an interface; none if the block is not what it says.
    pub(super) fn describe(&mut self, bytes: &[u8]) -> Option<()> {
        let parsed = match self.order {
            Order::Little => parse_interfacedescriptionblock_le(bytes),
            Order::Big => parse_interfacedescriptionblock_be(bytes),
        };
        let (_, block) = parsed.ok()?;
        if self.interfaces.len() == MOST_INTERFACES {
            return Some(());
        }
        let text = |code| value(&block.options, code).map(|text| text[..text.len().min(LONGEST_NAME)].to_vec());
        let scale = Scale {
            resolution: value(&block.options, option::RESOLUTION)
                .and_then(|value| value.first().copied())
                .unwrap_or(Scale::default().resolution),
            offset: value(&block.options, option::OFFSET)
                .and_then(|value| value.first_chunk())
                .map_or(0, |offset| self.order.i64(*offset)),
        };
        self.interfaces.push(Interface {
            link: LinkType(u32::try_from(block.linktype.0).ok()?),
            name: text(option::NAME),
            description: text(option::DESCRIPTION),
            section: self.section,
            index: self.interfaces.len() as u32,
            kept: block.snaplen,
            scale,
        });
        Some(())
    }

    /// Finds the packet of a whole block.
    pub(super) fn packet(&self, kind: u32, bytes: &mut [u8]) -> Option<Found> {
        match kind {
            block::SIMPLE_PACKET => self.simple(bytes),
            block::OBSOLETE_PACKET => {
                self.modernize(bytes)?;
                self.enhanced(bytes)
            }
            _ => self.enhanced(bytes),
        }
    }

    /// Makes an enhanced packet block of an obsolete one: there, the interface has two bytes, and two count losses.
    fn modernize(&self, bytes: &mut [u8]) -> Option<()> {
        let interface = self.order.u16(*bytes.get(8..)?.first_chunk()?);
        self.order.put_word(bytes, 0, block::ENHANCED_PACKET);
        self.order.put_word(bytes, 8, u32::from(interface));
        Some(())
    }

    fn enhanced(&self, bytes: &[u8]) -> Option<Found> {
        let parsed = match self.order {
            Order::Little => parse_enhancedpacketblock_le(bytes),
            Order::Big => parse_enhancedpacketblock_be(bytes),
        };
        let (_, block) = parsed.ok()?;
        let interface = block.if_id as usize;
        let ticks = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
        let comments = block.options.iter().take_while(|option| option.code.0 != option::END);
        Some(Found {
            time: self.interfaces.get(interface)?.scale.nanoseconds(ticks),
            bytes: ENHANCED_DATA..ENHANCED_DATA.checked_add(block.caplen as usize)?,
            length: block.origlen,
            interface,
            comments: comments
                .filter(|option| option.code.0 == option::COMMENT)
                .filter_map(|option| Some(option.as_bytes().ok()?.to_vec()))
                .collect(),
        })
    }

    /// It belongs to the first interface, has no time, and tells how much was kept only by that interface's limit.
    fn simple(&self, bytes: &[u8]) -> Option<Found> {
        let parsed = match self.order {
            Order::Little => parse_simplepacketblock_le(bytes),
            Order::Big => parse_simplepacketblock_be(bytes),
        };
        let (_, block) = parsed.ok()?;
        let limit = match self.interfaces.first()?.kept {
            0 => u32::MAX,
            limit => limit,
        };
        let kept = block.origlen.min(limit) as usize;
        // The rest is padding, and there is never more than three bytes of it.
        if block.data.len() < kept {
            return None;
        }
        let bytes = SIMPLE_DATA..SIMPLE_DATA + kept;
        Some(Found { time: None, bytes, length: block.origlen, interface: 0, comments: Vec::new() })
    }
}

/// The bytes of the first option with this code.
fn value<'a>(options: &'a [PcapNGOption<'_>], code: u16) -> Option<&'a [u8]> {
    let mut options = options.iter().take_while(|option| option.code.0 != option::END);
    options.find(|option| option.code.0 == code)?.as_bytes().ok()
}
