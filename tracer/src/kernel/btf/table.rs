//! The table of types.

use std::{ops::Range, sync::Arc};

use super::{
    Error, Kind,
    parse::{Header, TYPE_HEADER, type_starts, word},
};

/// Number of a type; 0 is `void`.
pub type TypeId = u32;

/// The types of the kernel, or of one module on top of the kernel's.
#[derive(Debug)]
pub struct Btf {
    data: Vec<u8>,
    strings: Range<usize>,
    /// Where each own type's header starts in `data`.
    starts: Vec<u32>,
    /// Their kinds' numbers, so that looking for one kind does not go through all headers.
    kinds: Vec<u8>,
    /// Where the last own type ends.
    types_end: usize,
    base: Option<Arc<Btf>>,
    first_type: TypeId,
    first_string: u32,
}

/// One type: its header and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    pub(super) bytes: &'a [u8],
}

impl Btf {
    /// Takes the bytes of a BTF file; a module's needs the kernel's as its base.
    pub fn parse(data: Vec<u8>, base: Option<Arc<Self>>) -> Result<Self, Error> {
        let header = Header::parse(&data)?;
        let (starts, kinds) = type_starts(&data, &header)?;
        let (first_type, first_string) = match &base {
            Some(base) => (base.end_type(), base.end_string()),
            None => (1, 0),
        };
        if first_type.checked_add(starts.len() as u32).is_none() {
            return Err(Error::Malformed("more types than numbers"));
        }
        Ok(Self {
            strings: header.strings,
            types_end: header.types.end,
            data,
            starts,
            kinds,
            base,
            first_type,
            first_string,
        })
    }

    /// A type by its number; `None` for `void` and for numbers that lie.
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        let Some(index) = id.checked_sub(self.first_type) else {
            return self.base.as_deref()?.get(id);
        };
        self.at(index as usize)
    }

    /// Own types of one kind with their numbers; a module's without the kernel's.
    pub fn own_types(&self, kind: Kind) -> impl Iterator<Item = (TypeId, Type<'_>)> {
        let wanted = kind.number();
        let of_kind = self.kinds.iter().enumerate().filter(move |&(_, &number)| number == wanted);
        of_kind.filter_map(|(index, _)| Some((self.first_type + index as u32, self.at(index)?)))
    }

    /// The kernel's types below a module's.
    pub fn base(&self) -> Option<&Arc<Self>> {
        self.base.as_ref()
    }

    /// Number of the first own type.
    pub fn first_type(&self) -> TypeId {
        self.first_type
    }

    /// One more than the highest number.
    pub fn end_type(&self) -> TypeId {
        self.first_type + self.starts.len() as u32
    }

    /// Name of a type; empty for an anonymous one.
    pub fn name(&self, of: Type<'_>) -> &str {
        self.string(of.name_offset())
    }

    /// A string by its offset; empty if that lies outside or is no UTF-8.
    pub fn string(&self, offset: u32) -> &str {
        let bytes = self.string_from(offset);
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).unwrap_or_default()
    }

    /// Whether the string at `offset` is `wanted`; cheaper than comparing [`Btf::string`].
    pub(super) fn string_is(&self, offset: u32, wanted: &str) -> bool {
        let rest = self.string_from(offset).strip_prefix(wanted.as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    /// Strings from `offset` to the end of the section.
    fn string_from(&self, offset: u32) -> &[u8] {
        let Some(offset) = offset.checked_sub(self.first_string) else {
            return self.base.as_deref().map_or(&[], |base| base.string_from(offset));
        };
        self.data[self.strings.clone()].get(offset as usize..).unwrap_or_default()
    }

    /// Offset that a module's strings on top of these start at.
    pub(super) fn end_string(&self) -> u32 {
        self.first_string.saturating_add(self.strings.len() as u32)
    }

    fn at(&self, index: usize) -> Option<Type<'_>> {
        let start = *self.starts.get(index)? as usize;
        let end = self.starts.get(index + 1).map_or(self.types_end, |&next| next as usize);
        Some(Type { bytes: self.data.get(start..end)? })
    }
}

impl<'a> Type<'a> {
    /// Where its name is.
    pub fn name_offset(self) -> u32 {
        word(self.bytes, 0)
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        Kind::from_number(self.kind_number())
    }

    /// Size in bytes, of kinds that have one.
    pub fn size(self) -> u32 {
        word(self.bytes, 8)
    }

    /// The type it refers to, of kinds that do.
    pub fn target(self) -> TypeId {
        word(self.bytes, 8)
    }

    /// Struct: members may be bit-fields. Enum: values are signed. Forward: is a union.
    pub(super) fn flag(self) -> bool {
        word(self.bytes, 4) >> 31 == 1
    }

    /// Number of members, parameters or values. 16 bits at first, 24 in newer kernels; the upper ones were zero.
    pub(super) fn count(self) -> usize {
        (word(self.bytes, 4) & 0x00ff_ffff) as usize
    }

    pub(super) fn kind_number(self) -> u8 {
        (word(self.bytes, 4) >> 24 & 0x7f) as u8
    }

    /// What follows the header.
    pub(super) fn payload(self) -> &'a [u8] {
        self.bytes.get(TYPE_HEADER..).unwrap_or_default()
    }

    /// The elements that follow, of `size` bytes each.
    pub(super) fn elements(self, size: usize) -> impl Iterator<Item = &'a [u8]> {
        self.payload().chunks_exact(size).take(self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::Builder, *};

    #[test]
    fn types_are_found_by_number() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        builder.structure("pair", 8, &[("a", int, 0), ("b", int, 32)]);
        let btf = builder.build();
        let pair = btf.get(2).unwrap();
        assert_eq!((pair.kind(), btf.name(pair), pair.size()), (Kind::Struct, "pair", 8));
        assert!(btf.get(0).is_none());
        assert!(btf.get(3).is_none());
    }

    #[test]
    fn a_module_continues_the_numbers_and_strings_of_its_base() {
        let mut builder = Builder::new();
        builder.int("int", 4);
        let base = Arc::new(Btf::parse(builder.bytes(), None).unwrap());
        let mut split = Builder::above(&base);
        let pointer = split.pointer(1);
        split.typedef("handle", pointer);
        let module = Btf::parse(split.bytes(), Some(base)).unwrap();
        assert_eq!(pointer, 2);
        assert_eq!(module.name(module.get(3).unwrap()), "handle");
        assert_eq!(module.name(module.get(1).unwrap()), "int");
        assert_eq!(module.own_types(Kind::Typedef).count(), 1);
    }
}
