//! Questions to the kernel's network side (rtnetlink, nfnetlink), of which only the few parts wanted are read, in place: with
//! hundreds of namespaces, building every message's whole tree would be most of the time.

mod attributes;

use std::{io, mem::size_of};

use netlink_sys::{
    Socket, SocketAddr,
    protocols::{NETLINK_NETFILTER, NETLINK_ROUTE},
};

pub(super) use attributes::{Attributes, attribute, text, u16_at, u32_at};

/// The kernel makes no larger parts of a dump.
const PART: usize = 64 << 10;
/// How often a dump is begun anew when what it lists changed meanwhile.
const TRIES: u32 = 5;
/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// A socket of the namespace that it was opened in.
pub(super) struct Netlink {
    socket: Socket,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// For links, qdiscs, filters and namespace ids.
    pub(super) fn route() -> io::Result<Self> {
        Self::open(NETLINK_ROUTE)
    }

    /// For netfilter's hooks.
    pub(super) fn netfilter() -> io::Result<Self> {
        Self::open(NETLINK_NETFILTER)
    }

    fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, buffer: Vec::with_capacity(PART), sequence: 0 })
    }

    /// Lists what `kind` asks for; `take` gets the body of each answer. A list that changed under our eyes is read again, so
    /// what `take` builds must begin anew when it is told to.
    pub(super) fn dump<T: Default>(
        &mut self,
        kind: u16,
        body: &[u8],
        mut take: impl FnMut(&mut T, &[u8]),
    ) -> io::Result<T> {
        for _ in 0..TRIES {
            let mut built = T::default();
            self.send(kind, NLM_F_DUMP, body)?;
            if self.receive(&mut |message| take(&mut built, message))? == Ended::Whole {
                return Ok(built);
            }
        }
        Err(io::Error::other("the list changes faster than it can be read"))
    }

    /// Asks for one thing.
    pub(super) fn ask<T>(
        &mut self,
        kind: u16,
        body: &[u8],
        take: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        self.send(kind, 0, body)?;
        let mut found = None;
        self.read_part()?;
        let (sequence, buffer) = (self.sequence, &self.buffer);
        for message in Messages(buffer) {
            let message = message?;
            match message.kind {
                _ if message.sequence != sequence => {}
                NLMSG_ERROR => error(message.body)?,
                _ => found = take(message.body),
            }
        }
        Ok(found)
    }

    fn send(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = Vec::with_capacity(HEADER + body.len());
        request.extend_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
        request.extend_from_slice(&kind.to_ne_bytes());
        request.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
        request.extend_from_slice(&self.sequence.to_ne_bytes());
        request.extend_from_slice(&0_u32.to_ne_bytes());
        request.extend_from_slice(body);
        self.socket.send(&request, 0).map(drop)
    }

    fn receive(&mut self, take: &mut dyn FnMut(&[u8])) -> io::Result<Ended> {
        let mut ended = Ended::Whole;
        loop {
            self.read_part()?;
            for message in Messages(&self.buffer) {
                let message = message?;
                if message.sequence != self.sequence {
                    continue;
                }
                if message.flags & NLM_F_DUMP_INTR != 0 {
                    ended = Ended::Changed;
                }
                match message.kind {
                    // What ended a dump before its time stands there too.
                    NLMSG_DONE if message.body.len() < size_of::<u32>() => return Ok(ended),
                    NLMSG_DONE | NLMSG_ERROR => {
                        error(message.body)?;
                        return Ok(ended);
                    }
                    _ => take(message.body),
                }
            }
        }
    }

    fn read_part(&mut self) -> io::Result<()> {
        self.buffer.clear();
        let bytes = self.socket.recv(&mut self.buffer, libc::MSG_TRUNC)?;
        if bytes == 0 || bytes > self.buffer.len() {
            return Err(io::Error::other("the kernel's answer is cut short"));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Changed,
}

/// `NLMSG_ERROR`, or the end of a dump (`netlink_dump_done`): an error number, 0 for none.
fn error(body: &[u8]) -> io::Result<()> {
    match u32_at(body, 0).map(u32::cast_signed) {
        Some(0) => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(number.wrapping_neg())),
        None => Err(io::Error::other("the kernel's answer is cut short")),
    }
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of a part.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = io::Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let message = first(self.0);
        match &message {
            Some((_, rest)) => self.0 = rest,
            None => self.0 = &[],
        }
        Some(message.map(|(message, _)| message).ok_or_else(|| io::Error::other("the kernel's answer is cut short")))
    }
}

fn first(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let body = bytes.get(HEADER..length)?;
    let message = Message { kind: u16_at(bytes, 4)?, flags: u16_at(bytes, 6)?, sequence: u32_at(bytes, 8)?, body };
    Some((message, bytes.get(length.next_multiple_of(size_of::<u32>())..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_apart() {
        let mut part = Vec::new();
        for (kind, body) in [(16_u16, [1_u8, 2, 3].as_slice()), (3, &[0, 0, 0, 0])] {
            part.extend_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
            part.extend_from_slice(&kind.to_ne_bytes());
            part.extend_from_slice(&[0; 2]);
            part.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0]);
            part.extend_from_slice(body);
            part.resize(part.len().next_multiple_of(4), 0);
        }
        let found: Vec<_> =
            Messages(&part).map(|message| message.map(|m| (m.kind, m.sequence, m.body.len())).unwrap()).collect();
        assert_eq!(found, [(16, 7, 3), (3, 7, 4)]);
        for end in 0..part.len() {
            let whole = Messages(&part[..end]).flatten().count();
            assert!(whole <= 2);
        }
    }

    #[test]
    fn errors_are_numbers() {
        assert!(error(&[0; 4]).is_ok());
        assert_eq!(error(&(-1_i32).to_ne_bytes()).unwrap_err().raw_os_error(), Some(1));
        assert!(error(&[]).is_err());
    }
}
