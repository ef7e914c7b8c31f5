//! Types by name, and what hangs below a type.

use super::{Btf, Kind, Type, TypeId, parse::word};

/// Longest way through typedefs, qualifiers and array dimensions that is followed: a lying file may hold a circle.
const DEEPEST: usize = 32;

/// A name of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// As in the source.
    pub name: &'a str,
    /// Its value; of an unsigned 64-bit enum, the same bits.
    pub value: i64,
}

impl Btf {
    /// The first type of that kind and name, a module's own before the kernel's.
    pub fn find(&self, kind: Kind, name: &str) -> Option<TypeId> {
        self.find_each(&[(kind, name)]).pop().flatten()
    }

    /// Several such types in one pass for questions of one kind that stand together; answers in the order of the questions.
    pub fn find_each(&self, wanted: &[(Kind, &str)]) -> Vec<Option<TypeId>> {
        let mut found = vec![None; wanted.len()];
        let mut kinds: Vec<Kind> = wanted.iter().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        for kind in kinds {
            for (id, of) in self.own_types(kind) {
                for (answer, &(wanted_kind, name)) in found.iter_mut().zip(wanted) {
                    if answer.is_none() && kind == wanted_kind && self.string_is(of.name_offset(), name) {
                        *answer = Some(id);
                    }
                }
            }
        }
        if let Some(base) = self.base() {
            for (answer, below) in found.iter_mut().zip(base.find_each(wanted)) {
                *answer = answer.or(below);
            }
        }
        found
    }

    /// The type behind typedefs and qualifiers; `void` is 0.
    pub fn resolve(&self, id: TypeId) -> TypeId {
        let mut id = id;
        for _ in 0..DEEPEST {
            match self.get(id) {
                Some(of) if of.kind().is_qualifier() => id = of.target(),
                _ => return id,
            }
        }
        0
    }

    /// The type behind typedefs and qualifiers with its number.
    pub fn resolved(&self, id: TypeId) -> Option<(TypeId, Type<'_>)> {
        let id = self.resolve(id);
        Some((id, self.get(id)?))
    }

    /// What a pointer points to, without qualifiers; `None` if it is no pointer.
    pub fn pointee(&self, id: TypeId) -> Option<TypeId> {
        let (_, of) = self.resolved(id)?;
        (of.kind() == Kind::Pointer).then(|| self.resolve(of.target()))
    }

    /// Bytes that a value of the type takes; `None` for functions, `void` and types only declared.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut id = id;
        let mut factor = 1u64;
        for _ in 0..DEEPEST {
            let (_, of) = self.resolved(id)?;
            let size = match of.kind() {
                Kind::Pointer => 8,
                Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float => of.size(),
                Kind::Array => {
                    // struct btf_array: element type, index type, number of elements
                    factor = factor.checked_mul(word(of.payload(), 8) as u64)?;
                    id = word(of.payload(), 0);
                    continue;
                }
                _ => return None,
            };
            return factor.checked_mul(size as u64);
        }
        None
    }

    /// Types of the parameters of a function or a prototype; none for other types.
    pub fn parameters<'a>(&'a self, of: Type<'a>) -> impl Iterator<Item = TypeId> + 'a {
        let prototype = match of.kind() {
            Kind::Function => self.get(of.target()),
            _ => Some(of),
        };
        prototype
            .filter(|of| of.kind() == Kind::Prototype)
            .into_iter()
            .flat_map(|of| of.elements(8))
            .map(|bytes| word(bytes, 4))
    }

    /// Names and values of an enum; none for other types.
    pub fn enumerators<'a>(&'a self, of: Type<'a>) -> impl Iterator<Item = Enumerator<'a>> {
        let size = match of.kind() {
            Kind::Enum => 8,
            Kind::Enum64 => 12,
            _ => usize::MAX,
        };
        let signed = of.flag();
        of.elements(size).map(move |bytes| {
            let low = word(bytes, 4);
            let value = match (size, signed) {
                (8, true) => (low as i32) as i64,
                (8, false) => low as i64,
                _ => (word(bytes, 8) as i64) << 32 | low as i64,
            };
            Enumerator { name: self.string(word(bytes, 0)), value }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Builder;
    use super::*;

    #[test]
    fn names_are_found_by_kind() {
        let mut builder = Builder::new();
        let int = builder.int("net", 4);
        let net = builder.structure("net", 4, &[("a", int, 0)]);
        let btf = builder.build();
        assert_eq!(btf.find(Kind::Struct, "net"), Some(net));
        assert_eq!(btf.find(Kind::Struct, "ne"), None);
        assert_eq!(btf.find_each(&[(Kind::Union, "net"), (Kind::Int, "net")]), [None, Some(int)]);
    }

    #[test]
    fn qualifiers_are_skipped_and_circles_end() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let constant = builder.constant(int);
        let alias = builder.typedef("alias", constant);
        let circle = builder.typedef("circle", alias + 1);
        let btf = builder.build();
        assert_eq!(btf.resolve(alias), int);
        assert_eq!(btf.resolve(circle), 0);
        assert_eq!(btf.size_of(alias), Some(4));
        assert_eq!(btf.size_of(circle), None);
    }

    #[test]
    fn arrays_have_the_size_of_their_elements() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let row = builder.array(int, 3);
        let table = builder.array(row, 5);
        let huge = builder.array(table, u32::MAX);
        let huger = builder.array(huge, u32::MAX);
        let btf = builder.build();
        assert_eq!(btf.size_of(table), Some(60));
        assert_eq!(btf.size_of(huger), None);
    }

    #[test]
    fn enum_values_keep_their_sign() {
        let mut builder = Builder::new();
        let unsigned = builder.enumeration("u", false, &[("big", 0xffff_0000)]);
        let signed = builder.enumeration("s", true, &[("minus", u32::MAX)]);
        let wide = builder.enumeration64("w", &[("wide", 0x1_0000_0002)]);
        let btf = builder.build();
        let value = |id| btf.enumerators(btf.get(id).unwrap()).next().unwrap().value;
        assert_eq!(value(unsigned), 0xffff_0000);
        assert_eq!(value(signed), -1);
        assert_eq!(value(wide), 0x1_0000_0002);
    }

    #[test]
    fn parameters_of_a_function_and_of_nothing_else() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let function = builder.function("f", &[("a", int), ("b", int)]);
        let btf = builder.build();
        assert!(btf.parameters(btf.get(function).unwrap()).eq([int, int]));
        assert_eq!(btf.parameters(btf.get(int).unwrap()).count(), 0);
    }
}
