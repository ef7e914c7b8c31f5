//! Captures made by other programs, pcap or pcapng, as a stream of packets.
//!
//! A file is read from front to end, once, so that a pipe serves too. Whatever its fields claim, at most one block of
//! [`LARGEST_PACKET`] bytes and a table of [`MOST_INTERFACES`] interfaces are held. A file that is cut short or damaged
//! gives the packets before the place, and a [`Warning`] that says how much could not be read.
//!
//! Formats: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html> and
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>.

mod classic;
mod error;
mod input;
mod interface;
mod link;
mod ng;
mod order;
mod packet;
mod warning;

#[cfg(test)]
mod tests;

use std::{fs::File, io::Read, path::Path};

pub use error::Error;
pub use interface::Interface;
pub use link::{LinkType, Unjudged};
pub use packet::Packet;
pub use warning::Warning;

use input::Input;
use packet::Found;

/// Most bytes that one packet may have: twice what Linux puts into a packet (`GSO_MAX_SIZE`, 8 × 65536) and much more than
/// tcpdump keeps of one (256 KiB).
pub const LARGEST_PACKET: u32 = 1 << 20;
/// Most interfaces of one section of a pcapng file.
pub const MOST_INTERFACES: usize = 1 << 14;

/// A capture that is being read.
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    packets: u64,
    ended: bool,
    skipped: u64,
    stopped: Option<Warning>,
}

/// The two formats.
enum Format {
    Classic(classic::Classic),
    Ng(ng::Ng),
}

/// What the formats answer when asked for the next packet.
enum Next {
    Packet(Found),
    /// A packet that is there but cannot be read.
    Skipped,
    End,
    /// Nothing behind this place can be read.
    Stopped(Warning),
}

impl Reader<File> {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Self::new(file, metadata.is_file().then_some(metadata.len()))
    }
}

impl<R: Read> Reader<R> {
    /// Reads the head of `source`, which may be `size` bytes long if that is known: then warnings can say how much is missing.
    pub fn new(source: R, size: Option<u64>) -> Result<Self, Error> {
        let mut input = Input::new(source, size);
        let magic = input.read(4)?.to_vec();
        let format = match error::recognize(&magic)? {
            error::Recognized::Classic(variant) => Format::Classic(classic::Classic::begin(&mut input, variant)?),
            error::Recognized::Ng => Format::Ng(ng::Ng::begin(&mut input)?),
        };
        Ok(Self { input, format, packets: 0, ended: false, skipped: 0, stopped: None })
    }

    /// The next packet, or none at the end of what can be read. Fails only if reading itself does.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        match self.find()? {
            Some(found) => Ok(found.packet(self.packets, self.input.bytes(), self.interfaces())),
            None => Ok(None),
        }
    }

    fn find(&mut self) -> Result<Option<Found>, Error> {
        while !self.ended {
            let next = match &mut self.format {
                Format::Classic(classic) => classic.next(&mut self.input)?,
                Format::Ng(ng) => ng.next(&mut self.input)?,
            };
            match next {
                Next::Packet(found) => {
                    self.packets += 1;
                    return Ok(Some(found));
                }
                Next::Skipped => self.skipped += 1,
                Next::End => self.ended = true,
                Next::Stopped(warning) => {
                    self.ended = true;
                    self.stopped = Some(warning);
                }
            }
        }
        Ok(None)
    }

    /// The interfaces known so far; in a pcapng file, those of the section being read.
    pub fn interfaces(&self) -> &[Interface] {
        match &self.format {
            Format::Classic(classic) => classic.interfaces(),
            Format::Ng(ng) => ng.interfaces(),
        }
    }

    /// What could not be read so far.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> + use<R> {
        let skipped = (self.skipped > 0).then_some(Warning::Skipped { packets: self.skipped });
        skipped.into_iter().chain(self.stopped)
    }
}
