//! The blocks of pcapng that other tools read (draft-ietf-opsawg-pcapng), little-endian.

use super::super::format::frame;

/// Block types.
pub mod kind {
    /// Section header.
    pub const SECTION: u32 = 0x0a0d_0d0a;
    /// Interface description.
    pub const INTERFACE: u32 = 1;
    /// Interface statistics.
    pub const STATISTICS: u32 = 5;
    /// Enhanced packet.
    pub const PACKET: u32 = 6;
}

/// Bytes of the smallest block: type, length, length.
pub const SMALLEST: u32 = 12;
/// Byte-order magic of a section header.
pub const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Option codes, each valid in the block types that its name says.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const COMMENT: u16 = 1;
    pub(super) const SECTION_OS: u16 = 3;
    pub(super) const SECTION_APPLICATION: u16 = 4;
    pub(super) const INTERFACE_NAME: u16 = 2;
    pub(super) const INTERFACE_DESCRIPTION: u16 = 3;
    pub(super) const INTERFACE_RESOLUTION: u16 = 9;
    pub(super) const PACKET_FLAGS: u16 = 2;
    pub(super) const PACKET_ID: u16 = 5;
    pub(super) const PACKET_QUEUE: u16 = 6;
    pub(super) const STATISTICS_RECEIVED: u16 = 4;
    pub(super) const STATISTICS_DROPPED: u16 = 5;
}

/// Link types (LINKTYPE_… of tcpdump.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum LinkType {
    /// Ethernet.
    Ethernet = 1,
    /// IPv4 or IPv6 without a link header.
    RawIp = 101,
    /// "Linux cooked" version 2: for other protocols without a link header.
    Cooked = 276,
}

/// Appends a block: `content` writes what lies between the lengths.
pub fn block(kind: u32, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    content(out);
    pad(out, start);
    let len = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&len);
    out.extend_from_slice(&len);
}

fn pad(out: &mut Vec<u8>, start: usize) {
    let len = (out.len() - start).next_multiple_of(4);
    out.resize(start + len, 0);
}

fn put(code: u16, value: &[u8], out: &mut Vec<u8>) {
    // Texts are cut where an option ends, rather than lying about their length.
    let value = &value[..value.len().min(u16::MAX as usize - 3)];
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    let start = out.len();
    out.extend_from_slice(value);
    pad(out, start);
}

fn end(out: &mut Vec<u8>) {
    put(option::END, &[], out);
}

/// Appends the header of a section.
pub fn section(os: &str, application: &str, out: &mut Vec<u8>) {
    block(kind::SECTION, out, |out| {
        out.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        out.extend_from_slice(&1_u16.to_le_bytes());
        out.extend_from_slice(&0_u16.to_le_bytes());
        out.extend_from_slice(&u64::MAX.to_le_bytes());
        put(option::SECTION_OS, os.as_bytes(), out);
        put(option::SECTION_APPLICATION, application.as_bytes(), out);
        end(out);
    });
}

/// Appends the description of an interface; times are nanoseconds.
pub fn interface(link: LinkType, name: &str, description: &str, out: &mut Vec<u8>) {
    block(kind::INTERFACE, out, |out| {
        out.extend_from_slice(&(link as u16).to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        if !name.is_empty() {
            put(option::INTERFACE_NAME, name.as_bytes(), out);
        }
        put(option::INTERFACE_DESCRIPTION, description.as_bytes(), out);
        put(option::INTERFACE_RESOLUTION, &[9], out);
        end(out);
    });
}

/// A packet to write.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Interface, by its order in the section.
    pub interface: u32,
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// Its first bytes.
    pub bytes: &'a [u8],
    /// Bytes of the whole packet.
    pub original_len: u32,
    /// `epb_flags`; 0 says nothing.
    pub flags: u32,
    /// Packets of the same id are the same one.
    pub id: Option<u64>,
    /// CPU of the hit, which is the receive queue for most.
    pub queue: u32,
    /// For people.
    pub comment: &'a str,
}

/// Appends a packet.
pub fn packet(packet: &Packet<'_>, out: &mut Vec<u8>) {
    block(kind::PACKET, out, |out| {
        let captured = packet.bytes.len() as u32;
        // Some readers refuse a packet that is shorter than what was captured of it.
        let numbers = [
            packet.interface,
            (packet.time >> 32) as u32,
            packet.time as u32,
            captured,
            packet.original_len.max(captured),
        ];
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let start = out.len();
        out.extend_from_slice(packet.bytes);
        pad(out, start);
        if packet.flags != 0 {
            put(option::PACKET_FLAGS, &packet.flags.to_le_bytes(), out);
        }
        if let Some(id) = packet.id {
            put(option::PACKET_ID, &id.to_le_bytes(), out);
        }
        put(option::PACKET_QUEUE, &packet.queue.to_le_bytes(), out);
        if !packet.comment.is_empty() {
            put(option::COMMENT, packet.comment.as_bytes(), out);
        }
        end(out);
    });
}

/// Appends the statistics of an interface. `time` is nanoseconds since the epoch.
pub fn statistics(interface: u32, time: u64, received: u64, dropped: Option<u64>, comment: &str, out: &mut Vec<u8>) {
    block(kind::STATISTICS, out, |out| {
        for number in [interface, (time >> 32) as u32, time as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put(option::STATISTICS_RECEIVED, &received.to_le_bytes(), out);
        if let Some(dropped) = dropped {
            put(option::STATISTICS_DROPPED, &dropped.to_le_bytes(), out);
        }
        if !comment.is_empty() {
            put(option::COMMENT, comment.as_bytes(), out);
        }
        end(out);
    });
}

/// Type and length of the block that begins here; `None` where no block can.
pub fn head(bytes: &[u8]) -> Option<(u32, u32)> {
    let (kind, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    let fits = length >= SMALLEST && length.is_multiple_of(4);
    fits.then_some((u32::from_le_bytes(*kind), length))
}

/// What a file begins with that is one of ours: a section header in our byte order.
pub fn is_section(bytes: &[u8]) -> bool {
    head(bytes).is_some_and(|(kind, _)| kind == kind::SECTION)
        && bytes.get(8..12).is_some_and(|magic| magic == BYTE_ORDER.to_le_bytes())
}

/// Whether the block that begins here is a frame.
pub fn is_frame(bytes: &[u8]) -> bool {
    frame::Header::read(bytes).is_some()
}
