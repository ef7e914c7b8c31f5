//! What a file is, by its first bytes, and why it cannot be read.

use std::io;

use super::order::Order;

/// Why nothing of a file can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error(transparent)]
    Read(io::Error),
    /// A folder.
    #[error("it is a folder, not a capture")]
    Folder,
    /// There is not a single byte.
    #[error("it is empty")]
    Empty,
    /// A compressed file.
    #[error("it is compressed with {name}: unpack it with `{command}`, into a file or a pipe")]
    Compressed {
        /// What compressed it.
        name: &'static str,
        /// What unpacks it to standard output.
        command: &'static str,
    },
    /// A capture in a format that is not read here.
    #[error("it is a capture of {0}, which Wireshark's `editcap` turns into pcapng")]
    Foreign(&'static str),
    /// Neither pcap nor pcapng.
    #[error("it is neither a pcap nor a pcapng file")]
    Unknown,
    /// The file ends before its first packet could begin.
    #[error("it ends inside its own header")]
    HeaderCut,
    /// The header contradicts itself.
    #[error("its header is damaged")]
    HeaderDamaged,
    /// A version that is not known.
    #[error("it is of version {major}.{minor} of its format, which is not known")]
    Version {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::IsADirectory => Self::Folder,
            _ => Self::Read(error),
        }
    }
}

/// How a pcap file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) order: Order,
    /// Nanoseconds in a unit of the fraction of a time.
    pub(super) unit: u64,
    /// Bytes before each packet.
    pub(super) record_header: u32,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recognized {
    Classic(Variant),
    Ng,
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Of a patched libpcap that Linux distributions had in the 1990s: 8 more bytes before each packet.
const MODIFIED: u32 = 0xa1b2_cd34;
/// Block type of a section header, the same in both byte orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Recognizes the first four bytes.
pub(super) fn recognize(magic: &[u8]) -> Result<Recognized, Error> {
    if magic.is_empty() {
        return Err(Error::Empty);
    }
    refuse(magic)?;
    let Ok(magic) = <[u8; 4]>::try_from(magic) else { return Err(Error::Unknown) };
    if magic == SECTION {
        return Ok(Recognized::Ng);
    }
    let variants = [(MICROSECONDS, 1000, 16), (NANOSECONDS, 1, 16), (MODIFIED, 1000, 24)];
    for order in [Order::Little, Order::Big] {
        for (number, unit, record_header) in variants {
            if order.u32(magic) == number {
                return Ok(Recognized::Classic(Variant { order, unit, record_header }));
            }
        }
    }
    Err(Error::Unknown)
}

/// Refuses what is known but not read here, with the way to read it.
fn refuse(magic: &[u8]) -> Result<(), Error> {
    let compressed = |name, command| Err(Error::Compressed { name, command });
    match magic {
        [0x1f, 0x8b, ..] => compressed("gzip", "gzip -dc"),
        [0x28, 0xb5, 0x2f, 0xfd] => compressed("zstd", "zstd -dc"),
        [0x04, 0x22, 0x4d, 0x18] => compressed("lz4", "lz4 -dc"),
        [0xfd, b'7', b'z', b'X'] => compressed("xz", "xz -dc"),
        [b'B', b'Z', b'h', ..] => compressed("bzip2", "bzip2 -dc"),
        b"snoo" => Err(Error::Foreign("Solaris' snoop")),
        b"GMBU" | b"RTSS" => Err(Error::Foreign("Microsoft's Network Monitor")),
        _ => Ok(()),
    }
}
