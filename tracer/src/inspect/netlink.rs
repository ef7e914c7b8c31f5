//! Lists of the kernel's by route netlink, attribute by attribute.
//!
//! Attributes are handed out raw: a kind of device that nobody has heard of must not make a list unreadable.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// Sizes of `struct nlmsghdr` and of an attribute's header.
const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const DUMP: u16 = 0x301;
/// `NLM_F_DUMP_INTR`: what is listed changed meanwhile.
const CHANGED: u16 = 0x10;
/// Times that a list is asked for anew because it changed.
const ATTEMPTS: u32 = 5;

/// A socket of the namespace that it was opened in.
pub(super) struct Netlink(Socket);

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    /// Asks for a list; each message of it begins after its netlink header. A list that changes while it is read is asked for
    /// again, a few times.
    pub(super) fn dump(&self, kind: u16, request: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut list = Vec::new();
        for _ in 0..ATTEMPTS {
            self.0.send(&message(kind, request), 0)?;
            list.clear();
            if !self.receive(&mut list)? {
                break;
            }
        }
        Ok(list)
    }

    /// Takes messages to the last; true if the list changed meanwhile.
    fn receive(&self, list: &mut Vec<Vec<u8>>) -> io::Result<bool> {
        let mut changed = false;
        loop {
            let (answer, _) = self.0.recv_from_full()?;
            for part in messages(&answer) {
                changed |= part.flags & CHANGED != 0;
                match part.kind {
                    NLMSG_DONE => return Ok(changed),
                    NLMSG_ERROR => return Err(refusal(part.payload)),
                    _ => list.push(part.payload.to_owned()),
                }
            }
        }
    }
}

fn message(kind: u16, request: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + request.len());
    bytes.extend(((HEADER + request.len()) as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(request);
    bytes
}

fn refusal(payload: &[u8]) -> io::Error {
    let code = payload.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    io::Error::from_raw_os_error(code.wrapping_neg())
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    payload: &'a [u8],
}

fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let whole = bytes.get(..length).filter(|whole| whole.len() >= HEADER)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        let half = |at: usize| u16::from_ne_bytes([whole[at], whole[at + 1]]);
        Some(Message { kind: half(4), flags: half(6), payload: &whole[HEADER..] })
    })
}

/// Attributes by number, without the bits that say how they are written.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let &[a, b, c, d] = bytes.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = bytes.get(ATTRIBUTE..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([c, d]) & 0x3fff, value))
    })
}

/// The attribute of a number.
pub(super) fn attribute(bytes: &[u8], number: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(kind, _)| *kind == number).map(|(_, value)| value)
}

/// A string that ends with a NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_padded_to_four_bytes() {
        let bytes = [5, 0, 3, 0x80, 7, 0, 0, 0, 6, 0, 4, 0, b'a', 0];
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(3, &[7][..]), (4, b"a\0")]);
        assert_eq!(attribute(&bytes, 4).map(text).as_deref(), Some("a"));
        assert_eq!(attribute(&bytes, 5), None);
    }

    #[test]
    fn this_machine_has_a_loopback_device() {
        let list = Netlink::open().and_then(|netlink| netlink.dump(18, &[0; 16])).unwrap();
        let names: Vec<String> = list.iter().filter_map(|link| attribute(&link[16..], 3).map(text)).collect();
        assert!(names.contains(&"lo".to_owned()), "{names:?}");
    }

    #[test]
    fn a_list_that_there_is_not_is_refused() {
        let refused = Netlink::open().and_then(|netlink| netlink.dump(9999, &[0; 16])).unwrap_err();
        assert!(refused.raw_os_error().is_some(), "{refused}");
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(attributes(&bytes).count() <= bytes.len() / ATTRIBUTE);
            prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
