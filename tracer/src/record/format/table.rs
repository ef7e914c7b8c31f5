//! Tables that name the numbers in rows: probes, symbols, drop reasons, namespaces. One kind of entry serves all.

use bytemuck::{Pod, Zeroable};

/// Which table an entry belongs to ([`Head::table`]).
pub mod which {
    /// A probe: `key` its number, `extra` its address.
    pub const PROBE: u8 = 1;
    /// A symbol: `key` the address, `extra` its distance from the symbol's start.
    pub const SYMBOL: u8 = 2;
    /// A drop reason: `key` its number.
    pub const REASON: u8 = 3;
    /// A network namespace: `key` its inode.
    pub const NAMESPACE: u8 = 4;
}

/// Bits of [`Head::flags`].
mod flags {
    pub(super) const MODULE: u8 = 1;
    pub(super) const TAKES_REASON: u8 = 2;
}

/// Begins an entry; the bytes of the name and of the module follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Head {
    table: u8,
    flags: u8,
    name_len: u16,
    module_len: u16,
    reserved: u16,
    key: u64,
    extra: u64,
}

/// An entry of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// One of [`which`].
    pub table: u8,
    /// What is named.
    pub key: u64,
    /// See [`which`].
    pub extra: u64,
    /// Its name.
    pub name: &'a str,
    /// Module that holds it.
    pub module: Option<&'a str>,
    /// [`crate::model::Probe::takes_reason`]
    pub takes_reason: bool,
}

/// Longest name or module that is stored, bytes.
const LONGEST: usize = 1024;

impl<'a> Entry<'a> {
    /// Appends the entry.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (name, module) = (cut(self.name), cut(self.module.unwrap_or_default()));
        let mut flags = 0;
        if self.module.is_some() {
            flags |= flags::MODULE;
        }
        if self.takes_reason {
            flags |= flags::TAKES_REASON;
        }
        let head = Head {
            table: self.table,
            flags,
            name_len: name.len() as u16,
            module_len: module.len() as u16,
            reserved: 0,
            key: self.key,
            extra: self.extra,
        };
        out.extend_from_slice(bytemuck::bytes_of(&head));
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(module.as_bytes());
    }

    /// Reads an entry and what is behind it; `None` where the bytes are none.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(size_of::<Head>())?;
        let head: Head = bytemuck::pod_read_unaligned(head);
        let (name, rest) = rest.split_at_checked(head.name_len as usize)?;
        let (module, rest) = rest.split_at_checked(head.module_len as usize)?;
        let module = (head.flags & flags::MODULE != 0).then_some(std::str::from_utf8(module).ok()?);
        let entry = Self {
            table: head.table,
            key: head.key,
            extra: head.extra,
            name: std::str::from_utf8(name).ok()?,
            module,
            takes_reason: head.flags & flags::TAKES_REASON != 0,
        };
        Some((entry, rest))
    }
}

/// The entries of a frame's content, up to the first that is none.
pub fn entries(mut content: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let (entry, rest) = Entry::read(content)?;
        content = rest;
        Some(entry)
    })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_a_cut_one_ends_them() {
        let long = "ä".repeat(LONGEST);
        let written = [
            Entry { table: which::PROBE, key: 0, extra: 9, name: "ip_rcv", module: None, takes_reason: true },
            Entry {
                table: which::SYMBOL,
                key: 7,
                extra: 1,
                name: &long[..LONGEST],
                module: Some(""),
                takes_reason: false,
            },
            Entry { table: 200, name: "later", ..Entry::default() },
        ];
        let mut content = Vec::new();
        for entry in &written {
            entry.write(&mut content);
        }
        assert!(entries(&content).eq(written.iter().cloned()));
        content.pop();
        assert!(entries(&content).eq(written[..2].iter().cloned()));
    }
}
