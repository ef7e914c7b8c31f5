//! Numbers and addresses at fixed places of an entry.
//!
//! Places come from the layouts of structs in other people's programs. A place beyond the bytes reads as zeros: whoever
//! reads has compared the sizes before ([`super::Entry::sized`]), and foreign bytes must never end the program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of a key or a value.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// `N` bytes from `at` on.
    pub fn array<const N: usize>(self, at: usize) -> [u8; N] {
        let part = self.0.get(at..).and_then(|rest| rest.first_chunk());
        part.copied().unwrap_or([0; N])
    }

    /// A byte.
    pub fn u8(self, at: usize) -> u8 {
        self.array::<1>(at)[0]
    }

    /// A number in the machine's order.
    pub fn u16(self, at: usize) -> u16 {
        u16::from_ne_bytes(self.array(at))
    }

    /// A number in the machine's order.
    pub fn u32(self, at: usize) -> u32 {
        u32::from_ne_bytes(self.array(at))
    }

    /// A number in the machine's order.
    pub fn u64(self, at: usize) -> u64 {
        u64::from_ne_bytes(self.array(at))
    }

    /// A number in network order.
    pub fn be16(self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    /// An address of four bytes.
    pub fn ipv4(self, at: usize) -> IpAddr {
        Ipv4Addr::from(self.array::<4>(at)).into()
    }

    /// An address of sixteen bytes.
    pub fn ipv6(self, at: usize) -> IpAddr {
        Ipv6Addr::from(self.array::<16>(at)).into()
    }

    /// An address of either kind.
    pub fn address(self, at: usize, is_ipv6: bool) -> IpAddr {
        if is_ipv6 { self.ipv6(at) } else { self.ipv4(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses() {
        let bytes = Bytes(&[10, 1, 2, 3, 0x1f, 0x90, 0, 0]);
        assert_eq!(bytes.ipv4(0).to_string(), "10.1.2.3");
        assert_eq!((bytes.be16(4), bytes.u16(4), bytes.u8(5)), (8080, 0x901f, 0x90));
        assert_eq!(bytes.u32(4), 0x901f);
    }

    #[test]
    fn beyond_the_end_are_zeros() {
        let bytes = Bytes(&[1, 2, 3]);
        assert_eq!((bytes.u32(0), bytes.u64(9), bytes.u8(usize::MAX)), (0, 0, 0));
    }
}
