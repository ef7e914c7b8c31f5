//! Values in memory, read by their types.

use super::{Btf, Field, Kind, Type, TypeId, parse::word};
use crate::model::Typed;

/// Arrays and structs within each other.
const DEEPEST: u32 = 16;
/// Parts of one value that are told apart; what lies behind them stays bytes.
const MOST: u32 = 1 << 16;
/// `BTF_INT_SIGNED`, `BTF_INT_BOOL`.
const SIGNED: u32 = 1;
const BOOL: u32 = 4;

impl Btf {
    /// What `bytes` hold by the type `of`; bytes again where the type does not tell, or does not fit.
    pub fn value(&self, of: TypeId, bytes: &[u8]) -> Typed {
        let mut budget = MOST;
        self.read(of, bytes, 0, &mut budget)
    }

    fn read(&self, id: TypeId, bytes: &[u8], depth: u32, budget: &mut u32) -> Typed {
        let raw = || Typed::Bytes(bytes.to_vec());
        let size = self.size_of(id).and_then(|size| usize::try_from(size).ok());
        let (Some((_, of)), Some(exact)) = (self.resolved(id), size.and_then(|size| bytes.get(..size))) else {
            return raw();
        };
        if depth > DEEPEST || *budget == 0 {
            return raw();
        }
        *budget -= 1;
        match of.kind() {
            Kind::Int => integer(of, exact),
            Kind::Float => float(exact),
            Kind::Pointer => number(exact).map_or_else(raw, Typed::Address),
            Kind::Enum | Kind::Enum64 => self.enumerated(of, exact),
            Kind::Array => self.array(of, exact, depth, budget),
            Kind::Struct | Kind::Union => self.fields(of, exact, depth, budget),
            _ => raw(),
        }
    }

    fn enumerated(&self, of: Type<'_>, bytes: &[u8]) -> Typed {
        let Some(number) = number(bytes) else { return Typed::Bytes(bytes.to_vec()) };
        let value = if of.flag() { extended(number, bytes.len()) } else { number as i64 };
        let named = self.enumerators(of).find(|one| one.value == value);
        named.map_or(Typed::Signed(value), |one| Typed::Named(one.name.to_owned(), value))
    }

    fn array(&self, of: Type<'_>, bytes: &[u8], depth: u32, budget: &mut u32) -> Typed {
        let element = word(of.payload(), 0);
        let size = self.size_of(element).unwrap_or_default() as usize;
        if size == 0 {
            return Typed::Bytes(bytes.to_vec());
        }
        if size == 1 && self.is_character(element) {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            if bytes[..end].iter().all(u8::is_ascii_graphic) && bytes[end..].iter().all(|&byte| byte == 0) && end > 0 {
                return Typed::Text(bytes[..end].to_vec());
            }
        }
        if bytes.len() / size > *budget as usize {
            return Typed::Bytes(bytes.to_vec());
        }
        Typed::List(bytes.chunks_exact(size).map(|part| self.read(element, part, depth + 1, budget)).collect())
    }

    /// `char`; `__u8` is a number.
    fn is_character(&self, id: TypeId) -> bool {
        self.resolved(id).is_some_and(|(_, of)| of.kind() == Kind::Int && self.name(of) == "char")
    }

    fn fields(&self, of: Type<'_>, bytes: &[u8], depth: u32, budget: &mut u32) -> Typed {
        let mut fields = Vec::new();
        for (name, field) in self.listed_members(of) {
            if *budget == 0 {
                return Typed::Bytes(bytes.to_vec());
            }
            fields.push((name.to_owned(), self.field(field, bytes, depth, budget)));
        }
        Typed::Fields(fields)
    }

    fn field(&self, field: Field, bytes: &[u8], depth: u32, budget: &mut u32) -> Typed {
        let Some(start) = field.byte_offset() else {
            *budget -= 1;
            return self.bits(field, bytes);
        };
        self.read(field.type_id, bytes.get(start as usize..).unwrap_or_default(), depth + 1, budget)
    }

    /// A bit-field, as a little-endian machine lays it out.
    fn bits(&self, field: Field, bytes: &[u8]) -> Typed {
        let (first, bits) = (field.bit_offset as usize, field.bit_size.min(64) as usize);
        let last = first + bits;
        let Some(part) = bytes.get(first / 8..last.div_ceil(8)) else { return Typed::Bytes(Vec::new()) };
        let wide = part.iter().rev().fold(0_u128, |wide, &byte| wide << 8 | u128::from(byte));
        let value = (wide >> (first % 8)) as u64 & u64::MAX.checked_shr(64 - bits as u32).unwrap_or_default();
        let of = self.resolved(field.type_id).map(|(_, of)| of);
        let encoding = of.filter(|of| of.kind() == Kind::Int).map_or(0, encoding);
        match encoding {
            flags if flags & BOOL != 0 => Typed::Truth(value != 0),
            flags if flags & SIGNED != 0 && bits > 0 => Typed::Signed(((value << (64 - bits)) as i64) >> (64 - bits)),
            _ => Typed::Number(value),
        }
    }
}

fn encoding(of: Type<'_>) -> u32 {
    word(of.payload(), 0) >> 24 & 0xf
}

fn integer(of: Type<'_>, bytes: &[u8]) -> Typed {
    match (number(bytes), encoding(of)) {
        (Some(value), flags) if flags & BOOL != 0 && value <= 1 => Typed::Truth(value == 1),
        (Some(value), flags) if flags & SIGNED != 0 => Typed::Signed(extended(value, bytes.len())),
        (Some(value), _) => Typed::Number(value),
        (None, _) => Typed::Bytes(bytes.to_vec()),
    }
}

fn float(bytes: &[u8]) -> Typed {
    match *bytes {
        [a, b, c, d] => Typed::Float(f32::from_ne_bytes([a, b, c, d]).into()),
        _ => {
            bytes.try_into().map_or_else(|_| Typed::Bytes(bytes.to_vec()), |all| Typed::Float(f64::from_ne_bytes(all)))
        }
    }
}

/// A number of up to 8 bytes, as it lies in the memory of this machine.
fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

fn extended(value: u64, bytes: usize) -> i64 {
    let unused = 64 - 8 * bytes.clamp(1, 8) as u32;
    ((value << unused) as i64) >> unused
}

#[cfg(test)]
mod tests {
    use super::super::testing::Builder;
    use super::*;

    #[test]
    fn structs_arrays_enums_and_pointers() {
        let mut builder = Builder::new();
        let int = builder.int("unsigned int", 4);
        let char = builder.int("char", 1);
        let name = builder.array(char, 4);
        let pair = builder.array(int, 2);
        let state = builder.enumeration("state", false, &[("ON", 7)]);
        let pointer = builder.pointer(int);
        let all = builder.structure(
            "all",
            32,
            &[("a", int, 0), ("name", name, 32), ("pair", pair, 64), ("s", state, 128), ("p", pointer, 192)],
        );
        let btf = builder.build();
        let mut bytes = vec![0; 32];
        bytes[..8].copy_from_slice(&[1, 2, 0, 0, b'e', b't', b'h', 0]);
        bytes[8] = 5;
        bytes[16] = 7;
        bytes[24..].copy_from_slice(&[0xff; 8]);
        let expected = Typed::Fields(vec![
            ("a".to_owned(), Typed::Number(0x201)),
            ("name".to_owned(), Typed::Text(b"eth".to_vec())),
            ("pair".to_owned(), Typed::List(vec![Typed::Number(5), Typed::Number(0)])),
            ("s".to_owned(), Typed::Named("ON".to_owned(), 7)),
            ("p".to_owned(), Typed::Address(u64::MAX)),
        ]);
        assert_eq!(btf.value(all, &bytes), expected);
        bytes[16] = 9;
        let Typed::Fields(fields) = btf.value(all, &bytes) else { panic!() };
        assert_eq!(fields[3].1, Typed::Signed(9));
    }

    #[test]
    fn what_does_not_fit_stays_bytes() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let huge = builder.array(int, u32::MAX);
        let btf = builder.build();
        assert_eq!(btf.value(int, &[1, 2]), Typed::Bytes(vec![1, 2]));
        assert_eq!(btf.value(huge, &[1, 2, 3, 4]), Typed::Bytes(vec![1, 2, 3, 4]));
        assert_eq!(btf.value(0, &[1]), Typed::Bytes(vec![1]));
        assert_eq!(btf.value(99, &[]), Typed::Bytes(Vec::new()));
    }

    #[test]
    fn numbers_keep_their_sign() {
        assert_eq!(extended(0xff, 1), -1);
        assert_eq!(extended(0x7f, 1), 127);
        assert_eq!(extended(u64::MAX, 8), -1);
        assert_eq!(number(&[0; 9]), None);
    }
}
