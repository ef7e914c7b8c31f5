//! Members of structs, also through anonymous structs and unions.

use super::{Btf, Error, Kind, Type, TypeId, parse::word};
use crate::kernel::nearest::nearest;

/// Deepest nesting of anonymous members.
const DEEPEST: u32 = 16;
/// Most members looked at for one answer; sk_buff has about 120. A lying file could nest without end.
const MOST: u32 = 100_000;

/// Where a member lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bits from the start of the struct asked about.
    pub bit_offset: u32,
    /// Bits of a bit-field; 0 for anything else.
    pub bit_size: u32,
    /// Its type.
    pub type_id: TypeId,
}

impl Field {
    /// Bytes from the start; `None` for a bit-field.
    pub fn byte_offset(self) -> Option<u32> {
        (self.bit_size == 0 && self.bit_offset.is_multiple_of(8)).then_some(self.bit_offset / 8)
    }
}

/// A member as its struct lists it.
#[derive(Clone, Copy)]
struct Member<'a> {
    name: &'a str,
    field: Field,
}

impl Btf {
    /// A member of the struct or union `of` by a path of embedded members (`__sk_common.skc_net.net`).
    pub fn member(&self, of: TypeId, path: &str) -> Result<Field, Error> {
        let mut field = Field { bit_offset: 0, bit_size: 0, type_id: of };
        for name in path.split('.') {
            let below = self.direct_member(field.type_id, name)?;
            field = Field { bit_offset: field.bit_offset.wrapping_add(below.bit_offset), ..below };
        }
        Ok(field)
    }

    /// A member by its name alone.
    pub(super) fn direct_member(&self, of: TypeId, name: &str) -> Result<Field, Error> {
        let found = self.resolved(of).and_then(|(_, of)| {
            let mut budget = MOST;
            self.search(of, name, 0, &mut budget)
        });
        found.ok_or_else(|| Error::NoMember {
            parent: self.describe(of),
            member: name.to_owned(),
            nearest: self.nearest_member(of, name),
        })
    }

    /// A type as the source writes it.
    pub(super) fn describe(&self, id: TypeId) -> String {
        match self.resolved(id) {
            None => "void".to_owned(),
            Some((_, of)) => match (of.kind(), self.name(of)) {
                (Kind::Pointer, _) => format!("{} *", self.describe_target(of)),
                (Kind::Int, name) => name.to_owned(),
                (Kind::Array, _) => "array".to_owned(),
                (kind, "") => format!("anonymous {}", kind.noun()),
                (kind, name) => format!("{} {name}", kind.noun()),
            },
        }
    }

    /// Not recursive: a circle of pointers must end.
    fn describe_target(&self, of: Type<'_>) -> String {
        let target = self.resolved(of.target()).map(|(_, of)| of);
        target.map_or_else(|| "void".to_owned(), |of| format!("{} {}", of.kind().noun(), self.name(of)))
    }

    fn search(&self, of: Type<'_>, name: &str, depth: u32, budget: &mut u32) -> Option<Field> {
        for member in self.members(of) {
            *budget = budget.checked_sub(1)?;
            if member.name == name {
                return Some(member.field);
            }
            if let Some(inner) = self.anonymous(&member, depth)
                && let Some(below) = self.search(inner, name, depth + 1, budget)
            {
                let bit_offset = member.field.bit_offset.wrapping_add(below.bit_offset);
                return Some(Field { bit_offset, ..below });
            }
        }
        None
    }

    fn nearest_member(&self, of: TypeId, name: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut budget = MOST;
        self.collect_names(self.resolved(of)?.1, 0, &mut budget, &mut names);
        nearest(name, names).map(str::to_owned)
    }

    fn collect_names<'a>(&'a self, of: Type<'a>, depth: u32, budget: &mut u32, names: &mut Vec<&'a str>) {
        for member in self.members(of) {
            let Some(left) = budget.checked_sub(1) else { return };
            *budget = left;
            names.push(member.name);
            if let Some(inner) = self.anonymous(&member, depth) {
                self.collect_names(inner, depth + 1, budget, names);
            }
        }
    }

    /// The struct or union of a member without a name.
    fn anonymous(&self, member: &Member<'_>, depth: u32) -> Option<Type<'_>> {
        if !member.name.is_empty() || depth >= DEEPEST {
            return None;
        }
        let (_, of) = self.resolved(member.field.type_id)?;
        matches!(of.kind(), Kind::Struct | Kind::Union).then_some(of)
    }

    /// Names and places of a struct's or union's own members, in their order.
    pub(super) fn listed_members<'a>(&'a self, of: Type<'a>) -> impl Iterator<Item = (&'a str, Field)> {
        self.members(of).map(|member| (member.name, member.field))
    }

    fn members<'a>(&'a self, of: Type<'a>) -> impl Iterator<Item = Member<'a>> {
        let size = if matches!(of.kind(), Kind::Struct | Kind::Union) { 12 } else { usize::MAX };
        let bit_fields = of.flag();
        of.elements(size).map(move |bytes| {
            let (type_id, place) = (word(bytes, 4), word(bytes, 8));
            let (bit_offset, bit_size) =
                if bit_fields { (place & 0x00ff_ffff, place >> 24) } else { self.old_bit_field(type_id, place) };
            Member { name: self.string(word(bytes, 0)), field: Field { bit_offset, bit_size, type_id } }
        })
    }

    /// Before struct members had a place for it, the integer type of a bit-field held its offset and width.
    fn old_bit_field(&self, type_id: TypeId, bit_offset: u32) -> (u32, u32) {
        let Some((_, of)) = self.resolved(type_id).filter(|(_, of)| of.kind() == Kind::Int) else {
            return (bit_offset, 0);
        };
        let encoding = word(of.payload(), 0);
        let (offset, bits) = (encoding >> 16 & 0xff, encoding & 0xff);
        if offset == 0 && u64::from(bits) == u64::from(of.size()) * 8 {
            return (bit_offset, 0);
        }
        (bit_offset.wrapping_add(offset), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Builder;

    #[test]
    fn members_are_found_through_anonymous_structs() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let inner = builder.structure("", 8, &[("first", int, 0), ("second", int, 32)]);
        let group = builder.union("", 8, &[("", inner, 0)]);
        let outer = builder.structure("sk_buff", 16, &[("len", int, 0), ("", group, 64)]);
        let btf = builder.build();
        let field = btf.member(outer, "second").unwrap();
        assert_eq!(field.byte_offset(), Some(12));
        assert_eq!(field.type_id, int);
    }

    #[test]
    fn bit_fields_have_a_width() {
        let mut builder = Builder::new();
        let byte = builder.int("u8", 1);
        let id = builder.bit_fields("sk_buff", 8, &[("a", byte, 0, 1), ("pkt_type", byte, 9, 3)]);
        let old = builder.int_with("old", 4, 0, 5, 3);
        let older = builder.structure("older", 4, &[("flag", old, 8)]);
        let btf = builder.build();
        let field = btf.member(id, "pkt_type").unwrap();
        assert_eq!((field.bit_offset, field.bit_size, field.byte_offset()), (9, 3, None));
        let field = btf.member(older, "flag").unwrap();
        assert_eq!((field.bit_offset, field.bit_size), (13, 3));
    }

    #[test]
    fn paths_add_up_and_errors_name_the_nearest() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let ns = builder.structure("ns_common", 8, &[("ops", int, 0), ("inum", int, 32)]);
        let net = builder.structure("net", 32, &[("ns", ns, 64)]);
        let btf = builder.build();
        assert_eq!(btf.member(net, "ns.inum").unwrap().byte_offset(), Some(12));
        let error = btf.member(net, "ns.inumm").unwrap_err().to_string();
        assert_eq!(error, "`struct ns_common` has no member `inumm`, did you mean `inum`?");
        let error = btf.member(int, "x").unwrap_err().to_string();
        assert_eq!(error, "`int` has no member `x`");
    }

    #[test]
    fn a_struct_that_holds_itself_ends() {
        let mut builder = Builder::new();
        let me = 1;
        builder.structure("", 8, &[("", me, 0), ("", me, 0), ("", me, 0)]);
        assert!(builder.build().member(me, "x").is_err());
    }
}
