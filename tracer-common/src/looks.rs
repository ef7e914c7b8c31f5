//! The short form of a predicate program, which decides most hits: a table for IPv4 and one for IPv6, whose [`Look`]s compare
//! 32-bit words that were all fetched before.
//!
//! A program ([`crate::predicate`]) asks for anything, anywhere in a packet, and pays for that at each node. What most filters
//! ask lies in the IP header and in what follows it, at aligned places. For these tests the table is made; where a way leads
//! to any other, it ends with [`target::OPEN`], and the program is run instead. So a table never says anything else than its
//! program, only less.

use crate::predicate::{base, field};

/// Looks that a table holds.
pub const MAX_LOOKS: usize = 64;
/// Words of 32 bits that are at hand, a power of two: ten of the network header, four of what follows it, two fields.
pub const WORDS: usize = 16;
/// The same in pairs, as they are fetched.
pub const PAIRS: usize = WORDS / 2;

/// Pair at which the words behind the network header begin.
pub const BEHIND: usize = 5;
/// Bytes at hand of what follows the network header.
pub const BEHIND_BYTES: u32 = 16;
/// Pair of the two fields: the namespace in its upper half, the mark in its lower.
pub const FIELDS: usize = 7;

/// Bytes of an IPv4 header without options, all of which are at hand.
pub const IPV4_BYTES: u32 = 20;
/// Bytes of an IPv6 header.
pub const IPV6_BYTES: u32 = 40;

/// Number of the table for a protocol.
pub mod family {
    /// IPv4.
    pub const IPV4: usize = 0;
    /// IPv6.
    pub const IPV6: usize = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// Where a look leads to: the number of another one, with [`NEEDS_BEHIND`] where what follows the network header is asked from
/// there on, or one of the ends.
pub mod target {
    /// What follows the network header has to be fetched, if it has not been.
    pub const NEEDS_BEHIND: u8 = 0x40;
    /// The bit of all ends.
    pub const END: u8 = 0x80;
    /// The packet does not match.
    pub const REJECT: u8 = 0x80;
    /// It matches.
    pub const ACCEPT: u8 = 0x81;
    /// The program has to be run.
    pub const OPEN: u8 = 0x82;
}

/// Fields that a table asks for ([`Looks::fields`]).
pub mod wanted {
    /// [`crate::predicate::field::NETNS`].
    pub const NETNS: u8 = 1;
    /// [`crate::predicate::field::MARK`].
    pub const MARK: u8 = 2;
}

/// Bytes of a network header that the kernel writes last, when it hands the packet to its hooks (`__ip_local_out`,
/// `__ip6_local_out`): a bit each. No table asks for them.
pub mod late {
    /// Total length and checksum of IPv4.
    pub const IPV4: u32 = LENGTH_4 | CHECKSUM_4;
    /// Payload length of IPv6.
    pub const IPV6: u32 = 0b11 << 4;
    /// All of these.
    pub const ALL: u32 = IPV4 | IPV6;
    /// Total length of IPv4.
    pub const LENGTH_4: u32 = 0b11 << 2;
    /// Checksum of IPv4.
    pub const CHECKSUM_4: u32 = 0b11 << 10;

    /// Whether the `width` bytes at `offset` touch these `bytes`.
    #[inline(always)]
    pub fn touches(bytes: u32, offset: u32, width: u32) -> bool {
        offset < 12 && ((1 << (width & 7)) - 1) << offset & bytes != 0
    }
}

/// One comparison. 16 bytes, no padding.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Look {
    /// Number of the word.
    pub word: u8,
    /// Zero.
    pub reserved: u8,
    /// Where it leads to ([`target`]): first if the value is in range, then if it is not.
    pub next: [u8; 2],
    /// Bits that count.
    pub mask: u32,
    /// Smallest value that holds.
    pub low: u32,
    /// How much larger the largest is.
    pub span: u32,
}

impl Look {
    /// Negative, as a number with a sign, where the value is out of range. Without a branch, since the kernel's verifier
    /// follows each.
    #[inline(always)]
    pub fn margin(&self, words: &[u32; WORDS]) -> u64 {
        let word = words[usize::from(self.word) % WORDS];
        let distance = (word & self.mask).wrapping_sub(self.low);
        u64::from(self.span).wrapping_sub(u64::from(distance))
    }
}

/// A table.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Looks {
    /// Where it begins ([`target`]).
    pub entry: u8,
    /// Bytes of what follows the network header that must be at hand where it is asked for: 0, 8 or 16.
    pub behind_bytes: u8,
    /// Bits of [`wanted`].
    pub fields: u8,
    /// Zero.
    pub reserved: [u8; 5],
    /// Each leads to later ones only.
    pub looks: [Look; MAX_LOOKS],
}

impl Looks {
    /// A table that says `entry` at once.
    pub const fn constant(entry: u8) -> Self {
        let look = Look { word: 0, reserved: 0, next: [target::OPEN; 2], mask: 0, low: 0, span: 0 };
        Self { entry, behind_bytes: 0, fields: 0, reserved: [0; 5], looks: [look; MAX_LOOKS] }
    }
}

/// Number of the word that holds `width` bytes at `offset` from a base of [`base`], and how many bits further to the right they
/// stand there than in a word that begins with them; none for what is not at hand.
///
/// Pairs are fetched as numbers of 64 bits, so the second word of each comes first.
pub fn place(family: usize, from: u8, offset: u32, width: u32) -> Option<(u8, u32)> {
    let (pair, bytes) = match from {
        base::NETWORK => (0, if family == family::IPV4 { IPV4_BYTES } else { IPV6_BYTES }),
        base::TRANSPORT => (BEHIND, BEHIND_BYTES),
        base::FIELD if offset == field::NETNS => return Some((2 * FIELDS as u8 + 1, 0)),
        base::FIELD if offset == field::MARK => return Some((2 * FIELDS as u8, 0)),
        _ => return None,
    };
    let within = offset % 4;
    if width == 0 || within + width > 4 || offset.checked_add(width)? > bytes {
        return None;
    }
    let word = 2 * pair as u32 + offset / 4;
    Some(((word ^ 1) as u8, 8 * within))
}
