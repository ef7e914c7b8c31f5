//! Member chains as a user writes them (`skb->dev->ifindex`), resolved to offsets.

mod constant;

use tracer_common::config;

use super::{Btf, Error, Kind, Type, TypeId, parse::word};
use crate::model::Value;

/// What chains start from: the variable and its struct.
const VARIABLE: &str = "skb";
const STRUCT: &str = "sk_buff";

/// A chain ready to be read in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Byte offsets: at each but the last lies the pointer to go on from.
    pub offsets: Vec<u32>,
    /// Bytes of the value: 1, 2, 4 or 8.
    pub size: u32,
    /// Bits below the value in what is read; 0 unless it is a bit-field.
    pub shift: u32,
    /// Bits of the value.
    pub width: u32,
    /// How its bits are meant.
    pub kind: ValueKind,
}

/// How the bits of a value are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Unsigned,
    /// A number that may be negative.
    Signed,
    /// True or false.
    Bool,
    /// An address.
    Pointer,
    /// A number in network byte order.
    BigEndian,
}

impl Chain {
    /// The value in what the kernel side read: the bytes as a little-endian number.
    pub fn decode(&self, raw: u64) -> Value {
        let unused = 64 - self.width.clamp(1, 64);
        let bits = (raw >> self.shift.min(63)) << unused;
        match self.kind {
            ValueKind::Unsigned => Value::Unsigned(bits >> unused),
            ValueKind::Signed => Value::Signed(bits as i64 >> unused),
            ValueKind::Bool => Value::Bool(bits != 0),
            ValueKind::Pointer => Value::Pointer(bits >> unused),
            ValueKind::BigEndian => Value::Unsigned(bits.swap_bytes()),
        }
    }

    /// What the kernel side reads; [`Btf::chain`] keeps to its limit.
    pub fn config(&self) -> config::Chain {
        let mut offsets = [0; config::CHAIN_HOPS];
        for (place, offset) in offsets.iter_mut().zip(&self.offsets) {
            *place = *offset;
        }
        config::Chain { offsets, hops: self.offsets.len() as u32, size: self.size }
    }
}

impl Btf {
    /// Resolves a chain that starts with `skb`.
    pub fn chain(&self, text: &str) -> Result<Chain, Error> {
        Walk::to_end(self, text)?.finish()
    }
}

/// The place that a chain has come to.
struct Walk<'a> {
    btf: &'a Btf,
    text: &'a str,
    offsets: Vec<u32>,
    /// The variable itself, which is no member and needs no read.
    at_variable: bool,
    bit_offset: u32,
    bit_size: u32,
    type_id: TypeId,
}

impl<'a> Walk<'a> {
    /// At the value that the chain ends at.
    fn to_end(btf: &'a Btf, text: &'a str) -> Result<Self, Error> {
        let mut walk = Self::start(btf, text)?;
        let mut rest = text.trim().strip_prefix(VARIABLE).unwrap_or_default();
        while !rest.is_empty() {
            rest = walk.step(rest)?;
        }
        Ok(walk)
    }

    fn start(btf: &'a Btf, text: &'a str) -> Result<Self, Error> {
        let type_id = btf
            .find(Kind::Struct, STRUCT)
            .ok_or_else(|| Error::NoType { kind: Kind::Struct, name: STRUCT.to_owned() })?;
        let walk = Self { btf, text, offsets: Vec::new(), at_variable: true, bit_offset: 0, bit_size: 0, type_id };
        let rest = text.trim().strip_prefix(VARIABLE);
        if rest.is_some_and(|rest| rest.starts_with("->")) {
            Ok(walk)
        } else {
            Err(walk.wrong(format!("a chain starts with `{VARIABLE}->`")))
        }
    }

    /// Takes one `->name`, `.name` or `[number]`; gives what is left.
    fn step(&mut self, rest: &'a str) -> Result<&'a str, Error> {
        if let Some(rest) = rest.strip_prefix("->") {
            self.follow()?;
            self.enter(rest)
        } else if let Some(rest) = rest.strip_prefix('.') {
            if self.pointee().is_some() {
                return Err(self.wrong(format!("a pointer is before `.{}`, use `->`", identifier(rest).0)));
            }
            self.enter(rest)
        } else if let Some((number, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            self.index(number)?;
            Ok(rest)
        } else {
            Err(self.wrong(format!("`->`, `.` or `[number]` is expected before `{rest}`")))
        }
    }

    fn enter(&mut self, rest: &'a str) -> Result<&'a str, Error> {
        let (name, rest) = match identifier(rest) {
            ("", "") => return Err(self.wrong("a name is expected at the end".to_owned())),
            ("", rest) => return Err(self.wrong(format!("a name is expected before `{rest}`"))),
            found => found,
        };
        let field = self.btf.direct_member(self.type_id, name)?;
        self.bit_offset = self.bit_offset.checked_add(field.bit_offset).ok_or_else(|| self.too_far())?;
        self.bit_size = field.bit_size;
        self.type_id = field.type_id;
        Ok(rest)
    }

    /// Goes through the pointer here.
    fn follow(&mut self) -> Result<(), Error> {
        if self.at_variable {
            self.at_variable = false;
            return Ok(());
        }
        let target = self.pointee().ok_or_else(|| self.wrong("what is before `->` is no pointer".to_owned()))?;
        self.offsets.push(self.bit_offset / 8);
        self.bit_offset = 0;
        self.type_id = target;
        Ok(())
    }

    fn index(&mut self, number: &str) -> Result<(), Error> {
        let (_, of) = self.array().ok_or_else(|| self.wrong("what is before `[` is no array".to_owned()))?;
        let (element, count) = (word(of.payload(), 0), word(of.payload(), 8));
        let index = number.trim().parse::<u32>().ok().filter(|&index| index < count);
        let index = index.ok_or_else(|| self.wrong(format!("`[{number}]` is not within the {count} elements")))?;
        let bits = self.btf.size_of(element).and_then(|size| size.checked_mul(8 * u64::from(index)));
        let offset = bits.and_then(|bits| u32::try_from(bits).ok()?.checked_add(self.bit_offset));
        self.bit_offset = offset.ok_or_else(|| self.too_far())?;
        self.type_id = element;
        Ok(())
    }

    fn finish(mut self) -> Result<Chain, Error> {
        let (size, kind) = self.value()?;
        let bytes = if self.bit_size == 0 { size } else { self.storage() };
        let unit = bytes * 8;
        let (offset, shift) = if self.bit_size == 0 {
            (self.bit_offset / 8, 0)
        } else {
            (self.bit_offset / unit * bytes, self.bit_offset % unit)
        };
        self.offsets.push(offset);
        if self.offsets.len() > config::CHAIN_HOPS {
            let most = config::CHAIN_HOPS - 1;
            return Err(self.wrong(format!("more than {most} pointers to follow")));
        }
        let width = if self.bit_size == 0 { unit } else { self.bit_size };
        Ok(Chain { offsets: self.offsets, size: bytes, shift, width, kind })
    }

    /// Size and meaning of a value that can be shown.
    fn value(&self) -> Result<(u32, ValueKind), Error> {
        let of = self.btf.resolved(self.type_id).map(|(_, of)| of);
        let answer = of.and_then(|of| Some((of.size(), self.value_kind(of)?)));
        let (size, kind) = match answer {
            Some((_, ValueKind::Pointer)) => (8, ValueKind::Pointer),
            Some(answer) => answer,
            None => {
                let what = self.btf.describe(self.type_id);
                return Err(self.wrong(format!("it ends at `{what}`, not at a number or a pointer")));
            }
        };
        if matches!(size, 1 | 2 | 4 | 8) && self.bit_size <= size * 8 {
            Ok((size, kind))
        } else {
            Err(self.wrong(format!("a value of {size} bytes cannot be read")))
        }
    }

    fn value_kind(&self, of: Type<'_>) -> Option<ValueKind> {
        // BTF_INT_SIGNED and BTF_INT_BOOL in the encoding byte
        let encoding = word(of.payload(), 0) >> 24 & 0xf;
        match of.kind() {
            Kind::Pointer => Some(ValueKind::Pointer),
            Kind::Int if self.is_big_endian() => Some(ValueKind::BigEndian),
            Kind::Int if encoding & 4 != 0 => Some(ValueKind::Bool),
            Kind::Int if encoding & 1 != 0 => Some(ValueKind::Signed),
            Kind::Enum | Kind::Enum64 if of.flag() => Some(ValueKind::Signed),
            Kind::Int | Kind::Enum | Kind::Enum64 => Some(ValueKind::Unsigned),
            _ => None,
        }
    }

    /// Network byte order is a matter of the typedef's name alone.
    fn is_big_endian(&self) -> bool {
        self.bit_size == 0
            && self.btf.get(self.type_id).is_some_and(|of| {
                of.kind() == Kind::Typedef && matches!(self.btf.name(of), "__be16" | "__be32" | "__be64")
            })
    }

    /// Smallest aligned unit that holds the bit-field: it never reaches over the end of the struct.
    fn storage(&self) -> u32 {
        let last = self.bit_offset.saturating_add(self.bit_size - 1);
        [1, 2, 4].into_iter().find(|bytes| self.bit_offset / (bytes * 8) == last / (bytes * 8)).unwrap_or(8)
    }

    fn pointee(&self) -> Option<TypeId> {
        if self.at_variable { Some(self.type_id) } else { self.btf.pointee(self.type_id) }
    }

    fn array(&self) -> Option<(TypeId, Type<'a>)> {
        self.btf.resolved(self.type_id).filter(|(_, of)| of.kind() == Kind::Array)
    }

    fn too_far(&self) -> Error {
        self.wrong("an offset is too large".to_owned())
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Chain { chain: self.text.to_owned(), problem }
    }
}

/// The name at the start, and the rest.
fn identifier(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests;
