//! From bytes to places of types: whatever a file says about itself is checked here.

use std::ops::Range;

use super::{
    Error,
    kind::{LAYOUTS, Layout},
    table::Type,
};

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
/// A header with the place of the kinds' layouts (`layout_off`, `layout_len`) behind the strings'.
const HEADER_WITH_LAYOUT: usize = 32;
/// Name, info, and size or type.
pub(super) const TYPE_HEADER: usize = 12;

/// Where a file's sections are.
pub(super) struct Header {
    pub(super) types: Range<usize>,
    pub(super) strings: Range<usize>,
    layouts: Range<usize>,
}

impl Header {
    pub(super) fn parse(data: &[u8]) -> Result<Self, Error> {
        if data.len() < HEADER {
            return Err(Error::Malformed("the header is cut short"));
        }
        let magic = u16::from_le_bytes([data[0], data[1]]);
        if magic == MAGIC.swap_bytes() {
            return Err(Error::Malformed("it is of a big-endian machine"));
        }
        if magic != MAGIC || data[2] != 1 {
            return Err(Error::Malformed("it does not start as BTF version 1"));
        }
        let len = word(data, 4) as usize;
        if len < HEADER {
            return Err(Error::Malformed("the header is too small"));
        }
        let section = |at: usize| {
            let start = len.checked_add(word(data, at) as usize)?;
            let end = start.checked_add(word(data, at + 4) as usize)?;
            (end <= data.len()).then_some(start..end)
        };
        let missing = Error::Malformed("a section lies outside of the file");
        let (Some(types), Some(strings)) = (section(8), section(16)) else {
            return Err(missing);
        };
        if strings.end > strings.start && data[strings.end - 1] != 0 {
            return Err(Error::Malformed("the strings do not end"));
        }
        let layouts = if len >= HEADER_WITH_LAYOUT { section(24).ok_or(missing)? } else { 0..0 };
        Ok(Self { types, strings, layouts })
    }
}

/// Walks over all types once; afterwards every header and payload is known to lie inside of the section.
pub(super) fn type_starts(data: &[u8], header: &Header) -> Result<(Vec<u32>, Vec<u8>), Error> {
    let types = &data[..header.types.end];
    let most = header.types.len() / TYPE_HEADER;
    let (mut starts, mut kinds) = (Vec::with_capacity(most), Vec::with_capacity(most));
    let mut at = header.types.start;
    while at < types.len() {
        let of = Type { bytes: &types[at..] };
        if of.bytes.len() < TYPE_HEADER {
            return Err(Error::Malformed("a type is cut short"));
        }
        let kind = of.kind_number();
        let layout = known(kind)
            .or_else(|| stated(&data[header.layouts.clone()], kind))
            .ok_or(Error::UnknownKind { id: starts.len() as u32 + 1, kind })?;
        let size = TYPE_HEADER + layout.fixed as usize + layout.element as usize * of.count();
        if of.bytes.len() < size {
            return Err(Error::Malformed("a type is cut short"));
        }
        starts.push(u32::try_from(at).map_err(|_| Error::Malformed("it is larger than 4 GB"))?);
        kinds.push(kind);
        at += size;
    }
    starts.shrink_to_fit();
    kinds.shrink_to_fit();
    Ok((starts, kinds))
}

fn known(kind: u8) -> Option<Layout> {
    if kind == 0 { None } else { LAYOUTS.get(kind as usize).copied() }
}

/// What newer BTF says itself about kinds (`struct btf_layout`: info size, element size, flags).
fn stated(layouts: &[u8], kind: u8) -> Option<Layout> {
    let entry = layouts.chunks_exact(4).nth(kind as usize)?;
    Some(Layout { fixed: entry[0], element: entry[1] })
}

/// A little-endian number; 0 where the bytes end.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Btf, testing::Builder},
        *,
    };

    fn sample() -> Vec<u8> {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        builder.structure("pair", 8, &[("a", int, 0), ("b", int, 32)]);
        builder.bytes()
    }

    #[test]
    fn every_cut_is_an_error_and_none_a_panic() {
        let whole = sample();
        for len in 0..whole.len() {
            assert!(Btf::parse(whole[..len].to_vec(), None).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn every_changed_byte_is_survived() {
        let whole = sample();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut broken = whole.clone();
                broken[at] = value;
                if let Ok(btf) = Btf::parse(broken, None) {
                    let _ = btf.chain("skb->a");
                    for (id, of) in (1..btf.end_type()).filter_map(|id| Some((id, btf.get(id)?))) {
                        let _ = (btf.name(of), btf.size_of(id), btf.member(id, "a"), btf.resolve(id));
                        let _ = btf.parameters(of).count() + btf.enumerators(of).count();
                    }
                }
            }
        }
    }

    #[test]
    fn a_kind_of_the_future_is_skipped_if_its_layout_is_stated() {
        let mut builder = Builder::new();
        builder.raw(25, "", 2, 0, &[0; 12]);
        builder.int("int", 4);
        let plain = builder.bytes();
        assert!(matches!(Btf::parse(plain, None), Err(Error::UnknownKind { id: 1, kind: 25 })));
        let btf = Btf::parse(builder.bytes_with_layout(25, 4, 4), None).unwrap();
        assert_eq!(btf.name(btf.get(2).unwrap()), "int");
    }

    #[test]
    fn foreign_files_are_refused() {
        let check = |bytes: &[u8], expected: &str| {
            let error = Btf::parse(bytes.to_vec(), None).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(b"", "malformed BTF: the header is cut short");
        check(&[0x7f; 64], "malformed BTF: it does not start as BTF version 1");
        check(&[[0xeb, 0x9f].as_slice(), &[0; 40]].concat(), "malformed BTF: it is of a big-endian machine");
    }
}
