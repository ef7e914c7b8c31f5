//! BTF made by hand, for tests.

use super::{Btf, TypeId};

/// Writes types one after the other; the first is number 1, or follows the base's last.
pub(crate) struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    next: TypeId,
    first_string: u32,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], next: 1, first_string: 0 }
    }

    /// For a module.
    pub(crate) fn above(base: &Btf) -> Self {
        Self { next: base.end_type(), first_string: base.end_string(), ..Self::new() }
    }

    pub(crate) fn int(&mut self, name: &str, size: u32) -> TypeId {
        self.int_with(name, size, 0, 0, size * 8)
    }

    /// Encoding: 1 signed, 2 char, 4 bool.
    pub(crate) fn int_with(&mut self, name: &str, size: u32, encoding: u32, offset: u32, bits: u32) -> TypeId {
        self.raw(1, name, 0, size, &(encoding << 24 | offset << 16 | bits).to_le_bytes())
    }

    pub(crate) fn pointer(&mut self, to: TypeId) -> TypeId {
        self.raw(2, "", 0, to, &[])
    }

    pub(crate) fn array(&mut self, of: TypeId, count: u32) -> TypeId {
        self.raw(3, "", 0, 0, &words(&[of, of, count]))
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        self.compound(4, name, size, members)
    }

    pub(crate) fn union(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        self.compound(5, name, size, members)
    }

    pub(crate) fn bit_fields(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u32)]) -> TypeId {
        let payload: Vec<u8> =
            members.iter().flat_map(|&(name, of, at, bits)| words(&[self.string(name), of, bits << 24 | at])).collect();
        self.raw(4, name, 1 << 31 | members.len() as u32, size, &payload)
    }

    pub(crate) fn enumeration(&mut self, name: &str, signed: bool, values: &[(&str, u32)]) -> TypeId {
        let payload: Vec<u8> = values.iter().flat_map(|&(name, value)| words(&[self.string(name), value])).collect();
        self.raw(6, name, u32::from(signed) << 31 | values.len() as u32, 4, &payload)
    }

    pub(crate) fn enumeration64(&mut self, name: &str, values: &[(&str, u64)]) -> TypeId {
        let payload: Vec<u8> = values
            .iter()
            .flat_map(|&(name, value)| words(&[self.string(name), value as u32, (value >> 32) as u32]))
            .collect();
        self.raw(19, name, values.len() as u32, 8, &payload)
    }

    pub(crate) fn typedef(&mut self, name: &str, of: TypeId) -> TypeId {
        self.raw(8, name, 0, of, &[])
    }

    pub(crate) fn constant(&mut self, of: TypeId) -> TypeId {
        self.raw(10, "", 0, of, &[])
    }

    pub(crate) fn prototype(&mut self, parameters: &[(&str, TypeId)]) -> TypeId {
        let payload: Vec<u8> = parameters.iter().flat_map(|&(name, of)| words(&[self.string(name), of])).collect();
        self.raw(13, "", parameters.len() as u32, 0, &payload)
    }

    /// The prototype and, as the number given back, the function.
    pub(crate) fn function(&mut self, name: &str, parameters: &[(&str, TypeId)]) -> TypeId {
        let prototype = self.prototype(parameters);
        self.raw(12, name, 0, prototype, &[])
    }

    /// `info` without the kind.
    pub(crate) fn raw(&mut self, kind: u32, name: &str, info: u32, size: u32, payload: &[u8]) -> TypeId {
        let header = words(&[self.string(name), kind << 24 | info, size]);
        self.types.extend(header);
        self.types.extend(payload);
        self.next += 1;
        self.next - 1
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.file(&[])
    }

    /// The file with a statement of how large one kind is.
    pub(crate) fn bytes_with_layout(&self, kind: usize, fixed: u8, element: u8) -> Vec<u8> {
        let mut layouts = vec![0; kind * 4];
        layouts.extend([fixed, element, 0, 0]);
        self.file(&layouts)
    }

    pub(crate) fn build(&self) -> Btf {
        Btf::parse(self.bytes(), None).unwrap()
    }

    fn compound(&mut self, kind: u32, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        let payload: Vec<u8> = members.iter().flat_map(|&(name, of, at)| words(&[self.string(name), of, at])).collect();
        self.raw(kind, name, members.len() as u32, size, &payload)
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        self.first_string + at
    }

    fn file(&self, layouts: &[u8]) -> Vec<u8> {
        let header_len = if layouts.is_empty() { 24 } else { 32 };
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut file = vec![0x9f, 0xeb, 1, 0];
        file.extend(words(&[header_len, 0, types, types, strings]));
        if !layouts.is_empty() {
            file.extend(words(&[types + strings, layouts.len() as u32]));
        }
        file.extend(&self.types);
        file.extend(&self.strings);
        file.extend(layouts);
        file
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
