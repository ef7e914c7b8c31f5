//! Where a function takes its packet, by the System V calling convention of x86-64.
//!
//! Arguments 1 to 6 of class INTEGER are in registers. A struct by value takes two of them from 9 bytes on, none beyond
//! 16 (then it is on the stack), and goes to the stack as a whole when too few are left; later, smaller arguments still
//! get the rest.

use crate::kernel::btf::{Btf, Kind, TypeId};

const PACKET: &str = "sk_buff";
const REASON: &str = "skb_drop_reason";
/// Registers for arguments.
const REGISTERS: u8 = 6;
/// Positions that programs are made for.
pub(super) const LAST_POSITION: u8 = 5;

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `struct sk_buff *`, const or not.
    Packet,
    /// `struct sk_buff **`.
    PacketPointer,
    /// `enum skb_drop_reason`.
    Reason,
    /// Something else, in so many registers.
    Other(u8),
}

/// Where a packet is among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// Register that holds it, from 1; `None` if it is on the stack.
    pub(super) position: Option<u8>,
    pub(super) double: bool,
    pub(super) takes_reason: bool,
}

/// Classes of types, remembered: a kernel has some 150 000 parameters of a few thousand types.
pub(super) struct Classes {
    /// By type number; those of a module are dropped with [`Classes::forget_module`].
    known: Vec<Option<Class>>,
    end_of_kernel: usize,
}

impl Classes {
    pub(super) fn new(vmlinux: &Btf) -> Self {
        let end_of_kernel = vmlinux.end_type() as usize;
        Self { known: vec![None; end_of_kernel], end_of_kernel }
    }

    /// Another module's types have the same numbers.
    pub(super) fn forget_module(&mut self) {
        self.known.truncate(self.end_of_kernel);
    }

    /// The first packet among the parameters behind `passed_over` others, one in a register before one that is not.
    pub(super) fn signature(
        &mut self,
        btf: &Btf,
        parameters: impl Iterator<Item = TypeId>,
        mut passed_over: usize,
    ) -> Option<Signature> {
        let mut used = 0;
        let mut found: Option<Signature> = None;
        let mut after_packet = false;
        for parameter in parameters {
            let class = self.class(btf, parameter);
            if let Some(signature) = found.as_mut().filter(|_| after_packet) {
                signature.takes_reason = class == Class::Reason;
                return found;
            }
            let position = take(&mut used, class);
            if matches!(class, Class::Packet | Class::PacketPointer) {
                if passed_over > 0 {
                    passed_over -= 1;
                    continue;
                }
                after_packet = position.is_some_and(|position| position <= LAST_POSITION);
                if after_packet || found.is_none() {
                    let double = class == Class::PacketPointer;
                    found = Some(Signature { position, double, takes_reason: false });
                }
            }
        }
        found
    }

    pub(super) fn class(&mut self, btf: &Btf, id: TypeId) -> Class {
        let index = id as usize;
        if let Some(Some(class)) = self.known.get(index) {
            return *class;
        }
        let class = classify(btf, id);
        if id < btf.end_type() {
            if self.known.len() <= index {
                self.known.resize(btf.end_type() as usize, None);
            }
            self.known[index] = Some(class);
        }
        class
    }
}

/// The register of an argument, from 1; `None` if it has none or is on the stack.
fn take(used: &mut u8, class: Class) -> Option<u8> {
    let wanted = if let Class::Other(registers) = class { registers } else { 1 };
    if wanted == 0 || *used + wanted > REGISTERS {
        return None;
    }
    let first = *used + 1;
    *used += wanted;
    Some(first)
}

fn classify(btf: &Btf, id: TypeId) -> Class {
    let Some((_, of)) = btf.resolved(id) else {
        // `...`
        return Class::Other(0);
    };
    match of.kind() {
        Kind::Pointer => match btf.resolved(of.target()) {
            Some((_, target)) if is_packet(target.kind(), btf.name(target)) => Class::Packet,
            Some((_, target)) if target.kind() == Kind::Pointer => match btf.resolved(target.target()) {
                Some((_, last)) if is_packet(last.kind(), btf.name(last)) => Class::PacketPointer,
                _ => Class::Other(1),
            },
            _ => Class::Other(1),
        },
        Kind::Enum if btf.name(of) == REASON => Class::Reason,
        Kind::Float => Class::Other(0),
        _ => match btf.size_of(id) {
            Some(0 | 17..) => Class::Other(0),
            Some(9..=16) => Class::Other(2),
            _ => Class::Other(1),
        },
    }
}

/// A module's types may hold the packet's struct as a mere declaration.
fn is_packet(kind: Kind, name: &str) -> bool {
    matches!(kind, Kind::Struct | Kind::Forward) && name == PACKET
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::btf::testing::Builder;

    /// Types by the names that the tests use.
    fn check(parameters: &[&str], expected: &str) {
        check_behind(0, parameters, expected);
    }

    fn check_behind(passed_over: usize, parameters: &[&str], expected: &str) {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let wide = builder.int("__int128", 16);
        let packet = builder.structure("sk_buff", 232, &[]);
        let pointer = builder.pointer(packet);
        let constant = builder.constant(packet);
        let constant_pointer = builder.pointer(constant);
        let double = builder.pointer(pointer);
        let reason = builder.enumeration("skb_drop_reason", false, &[]);
        let small = builder.structure("small", 8, &[]);
        let pair = builder.structure("pair", 16, &[]);
        let large = builder.structure("large", 24, &[]);
        let empty = builder.structure("empty", 0, &[]);
        let types: Vec<_> = parameters
            .iter()
            .map(|name| match *name {
                "int" => int,
                "int128" => wide,
                "skb" => pointer,
                "const skb" => constant_pointer,
                "skb**" => double,
                "reason" => reason,
                "small" => small,
                "pair" => pair,
                "large" => large,
                "empty" => empty,
                _ => 0,
            })
            .map(|id| ("", id))
            .collect();
        let function = builder.function("f", &types);
        let btf = builder.build();
        let parameters_of = btf.parameters(btf.get(function).unwrap());
        let signature = Classes::new(&btf).signature(&btf, parameters_of, passed_over).map(|signature| {
            let place = signature.position.map_or("stack".to_owned(), |position| position.to_string());
            let double = if signature.double { " double" } else { "" };
            let reason = if signature.takes_reason { " reason" } else { "" };
            format!("{place}{double}{reason}")
        });
        assert_eq!(signature.as_deref().unwrap_or("none"), expected, "{parameters:?}");
    }

    #[test]
    fn packets_are_found_at_their_register() {
        check(&[], "none");
        check(&["int", "..."], "none");
        check(&["skb"], "1");
        check(&["int", "const skb"], "2");
        check(&["int", "int", "skb**"], "3 double");
        check(&["int", "int", "int", "int", "skb"], "5");
        check(&["int", "int", "int", "int", "int", "skb"], "6");
        check(&["int", "int", "int", "int", "int", "int", "skb"], "stack");
    }

    #[test]
    fn the_first_within_reach_wins() {
        check(&["skb", "skb**"], "1");
        check(&["skb", "int", "skb"], "1");
        check(&["pair", "pair", "int", "skb", "skb"], "6");
        check(&["pair", "pair", "pair", "skb", "skb"], "stack");
    }

    #[test]
    fn a_packet_that_is_none_yet_is_passed_over() {
        check_behind(1, &["skb", "const skb"], "2");
        check_behind(1, &["int", "skb"], "none");
    }

    #[test]
    fn structs_by_value_shift_positions() {
        check(&["small", "skb"], "2");
        check(&["pair", "skb"], "3");
        check(&["int128", "skb"], "3");
        check(&["large", "skb"], "1");
        check(&["empty", "skb"], "1");
        check(&["int", "int", "int", "int", "int", "pair", "skb"], "6");
    }

    #[test]
    fn a_reason_counts_right_after_the_packet() {
        check(&["skb", "reason"], "1 reason");
        check(&["int", "skb", "reason", "int"], "2 reason");
        check(&["skb", "int", "reason"], "1");
        check(&["reason", "skb"], "2");
    }
}
