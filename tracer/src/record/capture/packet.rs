//! A packet of a capture.

use std::ops::Range;

use super::interface::Interface;
use super::link::{Network, Unjudged};
use crate::{filter::PacketSource, model};

/// A packet as the file has it.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Its number among the packets that could be read, from 1.
    pub number: u64,
    /// When it was captured, nanoseconds since 1970; none if the file does not tell.
    pub time: Option<u64>,
    /// The bytes that were kept.
    pub bytes: &'a [u8],
    /// How many it had, by the file's account.
    pub length: u32,
    /// Where it was captured.
    pub interface: &'a Interface,
    /// What somebody remarked about it: foreign bytes.
    pub comments: Vec<Vec<u8>>,
}

/// Where a packet lies in what was read last.
pub(super) struct Found {
    pub(super) time: Option<u64>,
    pub(super) bytes: Range<usize>,
    pub(super) length: u32,
    pub(super) interface: usize,
    pub(super) comments: Vec<Vec<u8>>,
}

impl Found {
    pub(super) fn packet<'a>(self, number: u64, bytes: &'a [u8], interfaces: &'a [Interface]) -> Option<Packet<'a>> {
        Some(Packet {
            number,
            time: self.time,
            bytes: bytes.get(self.bytes)?,
            length: self.length,
            interface: interfaces.get(self.interface)?,
            comments: self.comments,
        })
    }
}

impl<'a> Packet<'a> {
    /// What a filter judges it by.
    pub fn source(&self) -> Result<PacketSource<'a>, Unjudged> {
        let (framing, bytes) = self.interface.link.framing(self.bytes)?;
        Ok(PacketSource::new(framing, bytes, self.length))
    }

    /// Its headers from the network header on, and the VLAN tag before them: TCI and TPID.
    pub fn headers(&self) -> (model::Headers, Option<(u16, u16)>) {
        let network =
            self.interface.link.framing(self.bytes).ok().and_then(|(framing, bytes)| Network::of(framing, bytes));
        match network {
            Some(network) => (network.headers(), network.tag),
            None => (Network::nothing(), None),
        }
    }
}
