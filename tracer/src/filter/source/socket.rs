//! What the socket that sends tells of a packet whose headers are not written yet: the parts of the headers that its
//! tuple decides. All else is unknown, also an address or port that is 0, since the socket is not bound yet.

use bytemuck::pod_read_unaligned;
use tracer_common::{
    event::SocketTuple,
    predicate::{UNKNOWN, base},
};

/// `AF_INET` and `AF_INET6` of Linux.
const FAMILY_4: u16 = 2;
const FAMILY_6: u16 = 10;
/// Where addresses that are IPv4 in truth have them (`::ffff:10.0.0.1`), and what stands before.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/// DCCP, UDP-Lite and the usual three have their ports where TCP has them.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// The tuple of a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    /// IPv4 in the first four bytes.
    source: [u8; 16],
    destination: [u8; 16],
    ports: [u8; 4],
    protocol: u8,
    is_six: bool,
}

impl Socket {
    /// Reads a [`SocketTuple`]; none of other families.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let tuple: SocketTuple = pod_read_unaligned(bytes.get(..size_of::<SocketTuple>())?);
        let [a, b] = tuple.source_port.to_be_bytes();
        let [c, d] = tuple.destination_port.to_be_bytes();
        let protocol = u8::try_from(tuple.protocol).ok()?;
        let (source, destination) = (tuple.source, tuple.destination);
        let socket = Self { source, destination, ports: [a, b, c, d], protocol, is_six: tuple.family == FAMILY_6 };
        match tuple.family {
            FAMILY_6 if source.starts_with(&MAPPED) && destination.starts_with(&MAPPED) => {
                Some(Self { source: unmapped(source), destination: unmapped(destination), is_six: false, ..socket })
            }
            FAMILY_4 | FAMILY_6 => Some(socket),
            _ => None,
        }
    }

    pub(super) fn ethertype(&self) -> u32 {
        if self.is_six { 0x86dd } else { 0x0800 }
    }

    /// As [`tracer_common::predicate::Source::load`], without VLAN tags.
    pub(super) fn load(&self, place: u8, offset: u32, width: u32) -> u64 {
        let mut word = [0; 4];
        for (byte, at) in word.iter_mut().zip(offset..offset.saturating_add(width)) {
            let known = match base::kind(place) {
                base::NETWORK if self.is_six => self.byte_of_six(at as usize),
                base::NETWORK => self.byte_of_four(at as usize),
                base::TRANSPORT => self.byte_of_ports(at as usize),
                _ => None,
            };
            match known {
                Some(known) => *byte = known,
                None => return UNKNOWN,
            }
        }
        u64::from(u32::from_be_bytes(word))
    }

    fn byte_of_four(&self, at: usize) -> Option<u8> {
        match at {
            // It will not be sent as a fragment of anything yet.
            6 | 7 => Some(0),
            9 => Some(self.protocol).filter(|protocol| *protocol != 0),
            12..16 => part(&self.source[..4], at - 12),
            16..20 => part(&self.destination[..4], at - 16),
            _ => None,
        }
    }

    fn byte_of_six(&self, at: usize) -> Option<u8> {
        match at {
            6 => Some(self.protocol).filter(|protocol| *protocol != 0),
            8..24 => part(&self.source, at - 8),
            24..40 => part(&self.destination, at - 24),
            _ => None,
        }
    }

    fn byte_of_ports(&self, at: usize) -> Option<u8> {
        let port = self.ports.chunks(2).nth(at / 2).filter(|_| WITH_PORTS.contains(&self.protocol))?;
        part(port, at % 2)
    }
}

/// A byte of an address or port that is known.
fn part(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied().filter(|_| bytes.iter().any(|byte| *byte != 0))
}

fn unmapped(address: [u8; 16]) -> [u8; 16] {
    let mut short = [0; 16];
    short[..4].copy_from_slice(&address[12..]);
    short
}
