//! What a BPF instruction does, as far as folding asks (linux/bpf_common.h, linux/bpf.h).

use aya_obj::generated::bpf_insn;

/// `BPF_LD | BPF_IMM | BPF_DW`: takes two places.
pub(super) const LOAD_ADDRESS: u8 = 0x18;
/// `BPF_PSEUDO_MAP_VALUE`: the address is that of a map's value.
pub(super) const MAP_VALUE: u8 = 2;
/// `BPF_PSEUDO_FUNC`: the address is that of a function of the program, relative to the next place.
const FUNCTION: u8 = 4;
/// `BPF_ALU | BPF_MOV | BPF_K`: 32 bits, the upper ones become 0.
pub(super) const MOVE: u8 = 0xb4;
/// `BPF_ALU64 | BPF_MOV | BPF_K`: sign-extended.
pub(super) const MOVE_SIGNED: u8 = 0xb7;
/// `BPF_ALU | BPF_MOV | BPF_X`.
const MOVE_HALF_REGISTER: u8 = 0xbc;
/// `BPF_ALU64 | BPF_MOV | BPF_X`.
pub(super) const MOVE_REGISTER: u8 = 0xbf;
/// `BPF_ALU64 | BPF_ADD | BPF_K`.
pub(super) const ADD: u8 = 0x07;
/// `BPF_ALU64 | BPF_ADD | BPF_X`.
pub(super) const ADD_REGISTER: u8 = 0x0f;
/// `BPF_JMP | BPF_JA`; by nothing, the verifier removes it.
pub(super) const JUMP: u8 = 0x05;
/// `BPF_JMP | BPF_CALL`.
pub(super) const CALL: u8 = 0x85;
/// `BPF_PSEUDO_CALL`: of a function of the program.
const OWN_FUNCTION: u8 = 1;
/// `BPF_JMP | BPF_EXIT`.
pub(super) const EXIT: u8 = 0x95;
/// `BPF_ATOMIC`: the mode of an instruction that stores.
const ATOMIC: u8 = 0xc0;
/// `BPF_X`: the second operand is a register.
const REGISTER_OPERAND: u8 = 0x08;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Loads so many bytes from where the source register points.
    Load(usize),
    /// Stores to where the destination register points.
    Store,
    /// Computes.
    Compute,
    /// Jumps, calls or ends.
    Jump,
    /// Anything else.
    Other,
}

/// What it does: the class is in the lowest three bits.
pub(super) fn class(instruction: bpf_insn) -> Class {
    match (instruction.code & 7, instruction.code) {
        (1, 0x71) => Class::Load(1),
        (1, 0x69) => Class::Load(2),
        (1, 0x61) => Class::Load(4),
        (1, 0x79) => Class::Load(8),
        (2 | 3, _) => Class::Store,
        (4 | 7, _) => Class::Compute,
        (5 | 6, _) => Class::Jump,
        _ => Class::Other,
    }
}

/// Places it takes.
pub(super) fn length(instruction: bpf_insn) -> usize {
    if instruction.code == LOAD_ADDRESS { 2 } else { 1 }
}

/// Where a jump at `place` goes to when it is taken.
pub(super) fn target(instruction: bpf_insn, place: usize) -> Option<usize> {
    place.checked_add(1)?.checked_add_signed(isize::from(instruction.off))
}

/// Start of the program's own function that is called or pointed to at `place`.
pub(super) fn function(instruction: bpf_insn, place: usize) -> Option<usize> {
    let own = matches!((instruction.code, instruction.src_reg()), (CALL, OWN_FUNCTION) | (LOAD_ADDRESS, FUNCTION));
    if own { place.checked_add(1)?.checked_add_signed(instruction.imm as isize) } else { None }
}

/// It does nothing.
pub(super) fn is_nothing(instruction: bpf_insn) -> bool {
    instruction.code == JUMP && instruction.off == 0
}

/// It is a jump that depends on two values.
pub(super) fn is_condition(instruction: bpf_insn) -> bool {
    class(instruction) == Class::Jump && !matches!(instruction.code, JUMP | CALL | EXIT)
}

/// The second operand of a condition is a register.
pub(super) fn compares_registers(instruction: bpf_insn) -> bool {
    instruction.code & REGISTER_OPERAND != 0
}

/// Whether a condition of 64 bits holds; `None` where it is of another kind.
pub(super) fn holds(instruction: bpf_insn, left: u64, right: u64) -> Option<bool> {
    if instruction.code & 7 != 5 {
        return None;
    }
    Some(match instruction.code & 0xf0 {
        0x10 => left == right,
        0x20 => left > right,
        0x30 => left >= right,
        0x40 => left & right != 0,
        0x50 => left != right,
        0xa0 => left < right,
        0xb0 => left <= right,
        _ => return None,
    })
}

/// It only gives its destination register a value, and can be left out where nobody reads that.
pub(super) fn only_sets(instruction: bpf_insn) -> bool {
    class(instruction) == Class::Compute || (instruction.code == LOAD_ADDRESS && instruction.src_reg() != FUNCTION)
}

/// The register gets a value, other than by a call.
pub(super) fn writes(instruction: bpf_insn, register: u8) -> bool {
    match class(instruction) {
        Class::Load(_) | Class::Compute | Class::Other => instruction.dst_reg() == register,
        // An atomic operation may put what was there into its source register.
        Class::Store => instruction.code & 0xe0 == ATOMIC && instruction.src_reg() == register,
        Class::Jump => false,
    }
}

/// The register may be read, other than by a call.
pub(super) fn reads(instruction: bpf_insn, register: u8) -> bool {
    let (to, from) = (instruction.dst_reg() == register, instruction.src_reg() == register);
    match class(instruction) {
        Class::Load(_) => from,
        Class::Compute if matches!(instruction.code, MOVE | MOVE_SIGNED) => false,
        Class::Compute if matches!(instruction.code, MOVE_HALF_REGISTER | MOVE_REGISTER) => from,
        Class::Store | Class::Compute | Class::Jump => to || from,
        Class::Other => instruction.code != LOAD_ADDRESS,
    }
}
