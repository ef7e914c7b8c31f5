//! Attributes of messages: a length, a kind, and bytes, which may be attributes again.

/// The kind's bits that say nothing about what it is (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
const FLAGS: u16 = 0xc000;

/// Attributes one after the other; it ends where they are cut short.
#[derive(Clone, Copy)]
pub(in crate::inspect) struct Attributes<'a>(pub(in crate::inspect) &'a [u8]);

impl<'a> Attributes<'a> {
    /// Those that follow a message's head of `size` bytes.
    pub(in crate::inspect) fn after(body: &'a [u8], size: usize) -> Self {
        Self(body.get(size..).unwrap_or_default())
    }

    /// The first of a kind.
    pub(in crate::inspect) fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.into_iter().find_map(|(its, value)| (its == kind).then_some(value))
    }

    /// What is in the first of a kind.
    pub(in crate::inspect) fn within(self, kind: u16) -> Attributes<'a> {
        Attributes(self.get(kind).unwrap_or_default())
    }

    /// The number in the first of a kind.
    pub(in crate::inspect) fn u32(self, kind: u16) -> Option<u32> {
        u32_at(self.get(kind)?, 0)
    }
}

impl<'a> IntoIterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);
    type IntoIter = Each<'a>;

    fn into_iter(self) -> Each<'a> {
        Each(self.0)
    }
}

/// The attributes still to come.
pub(in crate::inspect) struct Each<'a>(&'a [u8]);

impl<'a> Iterator for Each<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, kind) = (u16_at(self.0, 0)? as usize, u16_at(self.0, 2)?);
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & !FLAGS, value))
    }
}

/// Appends an attribute.
pub(in crate::inspect) fn attribute(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The bytes before the first NUL.
pub(in crate::inspect) fn text(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

/// A number of 16 bits.
pub(in crate::inspect) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of 32 bits.
pub(in crate::inspect) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_and_nest() {
        let mut inner = Vec::new();
        attribute(1, b"veth\0", &mut inner);
        let mut out = vec![0; 16];
        attribute(3, b"eth0\0", &mut out);
        attribute(0x8012, &inner, &mut out);
        attribute(5, &7_u32.to_ne_bytes(), &mut out);
        let attributes = Attributes::after(&out, 16);
        assert_eq!(attributes.get(3).map(text), Some(b"eth0".as_slice()));
        assert_eq!(attributes.within(18).get(1).map(text), Some(b"veth".as_slice()));
        assert_eq!(attributes.u32(5), Some(7));
        assert_eq!(attributes.u32(3).map(|_| ()), Some(()));
        assert_eq!(attributes.get(4), None);
        for end in 0..out.len() {
            assert!(Attributes::after(&out[..end], 16).into_iter().count() <= 3);
        }
    }

    #[test]
    fn a_length_that_lies_ends_the_list() {
        assert_eq!(Attributes(&[0, 0, 1, 0, 9, 9, 9, 9]).into_iter().count(), 0);
        assert_eq!(Attributes(&[3, 0, 1, 0]).into_iter().count(), 0);
        assert_eq!(Attributes(&[200, 0, 1, 0, 1]).into_iter().count(), 0);
    }
}
