//! Puts frozen constants into the instructions that would load them, and drops what then does nothing.
//!
//! The verifier takes the value of a frozen map for granted and drops code that it never reaches, but leaves the loads, and
//! the conditions whose other way is reached from elsewhere: an address, a load and a comparison for each offset of a
//! kernel struct, at each hit of each probe. Since the values are known before the program is loaded, a load becomes a move,
//! a condition on constants a jump, and a value that nobody reads nothing. What is not reached any more is taken out, as
//! the verifier refuses it.

mod compact;
mod instruction;

use aya_obj::generated::bpf_insn;

use instruction::{
    ADD, ADD_REGISTER, CALL, Class, EXIT, JUMP, LOAD_ADDRESS, MAP_VALUE, MOVE, MOVE_REGISTER, MOVE_SIGNED, class,
    compares_registers, function, holds, is_condition, length, only_sets, reads, target, writes,
};

/// Registers.
const REGISTERS: usize = 11;
/// Instructions looked at to find out whether a value is read.
const LOOK_AHEAD: usize = 64;

/// A map whose value never changes.
pub(super) struct Frozen<'a> {
    /// Its descriptor, as the instructions name it.
    pub descriptor: i32,
    /// Its value.
    pub value: &'a [u8],
}

/// A program with its functions.
pub(super) struct Program {
    /// Instructions.
    pub instructions: Vec<bpf_insn>,
    /// Which type describes which function: for each the place of its first instruction and a type, of four bytes each.
    pub functions: Vec<u8>,
}

impl Program {
    /// Folds in what `frozen` holds.
    pub(super) fn fold(&mut self, frozen: &Frozen<'_>) {
        constants(&mut self.instructions, frozen);
        // A jump over what is taken out may be one to the next place then.
        while self.compact(&states(&self.instructions, frozen)) {}
    }
}

fn constants(instructions: &mut [bpf_insn], frozen: &Frozen<'_>) {
    let states = states(instructions, frozen);
    for (place, state) in states.iter().enumerate() {
        let (Some(state), Some(instruction)) = (state, instructions.get(place).copied()) else { continue };
        let (folded, _) = step(instruction, upper(instructions, place), state, frozen);
        if let (Some(folded), Some(slot)) = (folded, instructions.get_mut(place)) {
            *slot = folded;
        }
    }
    remove_unread(instructions, &states);
}

/// What is known of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Where in the frozen map it points.
    Address(i64),
    /// Its value.
    Constant(u64),
}

/// What is known of all registers before an instruction.
type State = [Option<Known>; REGISTERS];

/// What is known before each instruction, whatever way leads there; `None` where none does.
fn states(instructions: &[bpf_insn], frozen: &Frozen<'_>) -> Vec<Option<State>> {
    let mut states: Vec<Option<State>> = vec![None; instructions.len()];
    let mut open: Vec<(usize, State)> = vec![(0, [None; REGISTERS])];
    while let Some((place, arriving)) = open.pop() {
        let Some(state) = states.get_mut(place) else { continue };
        let met = state.map_or(arriving, |before| meet(&before, &arriving));
        if *state == Some(met) {
            continue;
        }
        *state = Some(met);
        let Some(instruction) = instructions.get(place).copied() else { continue };
        let (folded, result) = step(instruction, upper(instructions, place), &met, frozen);
        let instruction = folded.unwrap_or(instruction);
        if let Some(start) = function(instruction, place) {
            open.push((start, [None; REGISTERS]));
        }
        let after = after(instruction, &met, result);
        if instruction.code == JUMP || is_condition(instruction) {
            open.extend(target(instruction, place).map(|target| (target, after)));
        }
        if !matches!(instruction.code, JUMP | EXIT) {
            open.push((place + length(instruction), after));
        }
    }
    states
}

/// What holds on both ways.
fn meet(one: &State, other: &State) -> State {
    let mut both = *one;
    for (register, also) in both.iter_mut().zip(other) {
        *register = register.filter(|_| *register == *also);
    }
    both
}

/// What is known behind an instruction that writes `result`.
fn after(instruction: bpf_insn, before: &State, result: Option<Known>) -> State {
    let mut state = *before;
    if instruction.code == CALL {
        state[..=5].fill(None);
    }
    for (register, what) in state.iter_mut().enumerate() {
        if writes(instruction, register as u8) {
            *what = result;
        }
    }
    state
}

/// The constant of the second half of a long instruction.
fn upper(instructions: &[bpf_insn], place: usize) -> i32 {
    instructions.get(place + 1).map_or(0, |second| second.imm)
}

/// What an instruction becomes, if it can be simpler, and what is then known of the register it writes.
fn step(instruction: bpf_insn, upper: i32, known: &State, frozen: &Frozen<'_>) -> (Option<bpf_insn>, Option<Known>) {
    let of = |register: u8| known.get(usize::from(register)).copied().flatten();
    let (to, from) = (of(instruction.dst_reg()), of(instruction.src_reg()));
    match (class(instruction), instruction.code, to, from) {
        (_, LOAD_ADDRESS, ..) => (None, loaded_address(instruction, upper, frozen.descriptor)),
        (_, MOVE, ..) => (None, Some(Known::Constant(u64::from(instruction.imm as u32)))),
        (_, MOVE_SIGNED, ..) => (None, Some(Known::Constant(i64::from(instruction.imm) as u64))),
        (_, MOVE_REGISTER, _, Some(Known::Constant(value))) if instruction.off == 0 => {
            (u32::try_from(value).ok().map(|value| constant(instruction, value)), from)
        }
        (_, MOVE_REGISTER, ..) if instruction.off == 0 => (None, from),
        (_, ADD, Some(Known::Address(at)), _) => (None, Some(Known::Address(at + i64::from(instruction.imm)))),
        (_, ADD_REGISTER, _, Some(Known::Constant(value))) => {
            let value = i32::try_from(value).ok();
            (value.map(|value| simpler(instruction, ADD, 0, value)), None)
        }
        (Class::Load(bytes), _, _, Some(Known::Address(at))) => {
            let value = value(frozen.value, at + i64::from(instruction.off), bytes);
            (value.map(|value| constant(instruction, value)), value.map(|value| Known::Constant(value.into())))
        }
        (Class::Jump, _, Some(Known::Constant(left)), _) if is_condition(instruction) => {
            let right = if compares_registers(instruction) {
                if let Some(Known::Constant(right)) = from { Some(right) } else { None }
            } else {
                Some(i64::from(instruction.imm) as u64)
            };
            let taken = right.and_then(|right| holds(instruction, left, right));
            (taken.map(|taken| simpler(instruction, JUMP, if taken { instruction.off } else { 0 }, 0)), None)
        }
        _ => (None, None),
    }
}

fn loaded_address(instruction: bpf_insn, upper: i32, descriptor: i32) -> Option<Known> {
    match instruction.src_reg() {
        0 => Some(Known::Constant(u64::from(upper as u32) << 32 | u64::from(instruction.imm as u32))),
        MAP_VALUE if instruction.imm == descriptor => Some(Known::Address(upper.into())),
        _ => None,
    }
}

fn constant(instruction: bpf_insn, value: u32) -> bpf_insn {
    simpler(instruction, MOVE, 0, value as i32)
}

/// The instruction with another meaning, for the same destination register.
fn simpler(instruction: bpf_insn, code: u8, off: i16, imm: i32) -> bpf_insn {
    let to = if code == JUMP { 0 } else { instruction.dst_reg() };
    bpf_insn { code, _bitfield_1: bpf_insn::new_bitfield_1(to, 0), off, imm, ..instruction }
}

/// `bytes` at `at`, if a move can hold it.
fn value(data: &[u8], at: i64, bytes: usize) -> Option<u32> {
    let start = usize::try_from(at).ok()?;
    let mut value = [0; 8];
    value.get_mut(..bytes)?.copy_from_slice(data.get(start..start.checked_add(bytes)?)?);
    u32::try_from(u64::from_le_bytes(value)).ok()
}

/// Values that nobody reads are no longer set, last first, since one may be made from another.
fn remove_unread(instructions: &mut [bpf_insn], states: &[Option<State>]) {
    for place in (0..instructions.len()).rev() {
        let Some(instruction) = instructions.get(place).copied() else { return };
        if states.get(place).is_none_or(Option::is_none) || !only_sets(instruction) {
            continue;
        }
        let mut looks = LOOK_AHEAD;
        if !unread(instructions, place + length(instruction), instruction.dst_reg(), &mut looks) {
            continue;
        }
        for slot in instructions.iter_mut().skip(place).take(length(instruction)) {
            *slot = simpler(*slot, JUMP, 0, 0);
        }
    }
}

/// Whatever way is taken from `start` on, the register is written before it is read. In doubt it is read.
fn unread(instructions: &[bpf_insn], start: usize, register: u8, looks: &mut usize) -> bool {
    let mut place = start;
    loop {
        let Some(instruction) = instructions.get(place).copied() else { return false };
        if *looks == 0 {
            return false;
        }
        *looks -= 1;
        match instruction.code {
            // What a function returns is in the first register; the others are its own.
            EXIT => return register != 0,
            // A call may read its arguments, and spoils them.
            CALL if register <= 5 => return register == 0,
            CALL => place += 1,
            JUMP => match target(instruction, place) {
                Some(target) => place = target,
                None => return false,
            },
            _ if reads(instruction, register) => return false,
            _ if writes(instruction, register) => return true,
            _ if is_condition(instruction) => {
                let taken = target(instruction, place);
                if !taken.is_some_and(|taken| unread(instructions, taken, register, looks)) {
                    return false;
                }
                place += 1;
            }
            _ => place += length(instruction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: i32 = 9;
    const LOAD: [u8; 9] = [0, 0x71, 0x69, 0, 0x61, 0, 0, 0, 0x79];
    const NOTHING: (u8, i32) = (JUMP, 0);

    fn instruction(code: u8, to: u8, from: u8, off: i16, imm: i32) -> bpf_insn {
        bpf_insn { code, _bitfield_align_1: [], _bitfield_1: bpf_insn::new_bitfield_1(to, from), off, imm }
    }

    fn address(to: u8, at: i32) -> [bpf_insn; 2] {
        [instruction(LOAD_ADDRESS, to, MAP_VALUE, 0, MAP), instruction(0, 0, 0, 0, at)]
    }

    fn load(bytes: usize, to: u8, from: u8, off: i16) -> bpf_insn {
        instruction(LOAD[bytes], to, from, off, 0)
    }

    /// A store that reads a register.
    fn keep(register: u8) -> bpf_insn {
        instruction(0x7b, 10, register, -8, 0)
    }

    /// The codes and constants after folding, with a map that holds the bytes 0 to 15.
    fn check(program: &[bpf_insn], expected: &[(u8, i32)]) {
        let mut program = program.to_vec();
        program.push(instruction(EXIT, 0, 0, 0, 0));
        let value: Vec<u8> = (0..16).collect();
        constants(&mut program, &Frozen { descriptor: MAP, value: &value });
        let mut found: Vec<_> = program.iter().map(|i| (i.code, i.imm)).collect();
        assert_eq!(found.pop(), Some((EXIT, 0)));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_load_becomes_a_move_and_its_address_nothing() {
        let [first, second] = address(1, 4);
        let expected = [NOTHING, NOTHING, (MOVE, 0x0b0a_0908), (0x7b, 0)];
        check(&[first, second, load(4, 1, 1, 4), keep(1)], &expected);
    }

    #[test]
    fn an_address_that_is_read_again_stays() {
        let [first, second] = address(1, 0);
        let call = instruction(CALL, 0, 0, 0, 5);
        let expected = [(LOAD_ADDRESS, MAP), (0, 0), (MOVE, 0x0302), (CALL, 5)];
        check(&[first, second, load(2, 2, 1, 2), call], &expected);
    }

    #[test]
    fn a_condition_on_constants_becomes_a_jump_and_shows_more() {
        let [first, second] = address(1, 0);
        // if byte 1 == 1 { r3 = byte 2 } else { r3 = 9 }
        let condition = instruction(0x55, 2, 0, 2, 1);
        let leave = instruction(JUMP, 0, 0, 1, 0);
        let program = [
            first,
            second,
            load(1, 2, 1, 1),
            condition,
            load(1, 3, 1, 2),
            leave,
            instruction(0xb7, 3, 0, 0, 9),
            keep(3),
        ];
        let expected = [NOTHING, NOTHING, NOTHING, NOTHING, (MOVE, 2), (JUMP, 0), (0xb7, 9), (0x7b, 0)];
        check(&program, &expected);
    }

    #[test]
    fn a_constant_is_added_without_a_register() {
        let [first, second] = address(1, 0);
        let add = instruction(ADD_REGISTER, 6, 2, 0, 0);
        check(&[first, second, load(1, 2, 1, 7), add, keep(6)], &[NOTHING, NOTHING, NOTHING, (ADD, 7), (0x7b, 0)]);
    }

    #[test]
    fn what_differs_by_the_way_or_is_spoilt_by_a_call_is_not_known() {
        let [first, second] = address(1, 0);
        let jump = instruction(0x15, 3, 0, 1, 7);
        let other = instruction(0xb7, 1, 0, 0, 1);
        // Neither way changes the register.
        let expected = [NOTHING, NOTHING, (0x15, 7), (0x7b, 0), (MOVE, 1), (0x7b, 0)];
        check(&[first, second, jump, keep(7), load(1, 2, 1, 1), keep(2)], &expected);
        // The jump skips the move of another value to the register.
        let expected = [(LOAD_ADDRESS, MAP), (0, 0), (0x15, 7), (0xb7, 1), (0x71, 0), (0x7b, 0)];
        check(&[first, second, jump, other, load(1, 2, 1, 1), keep(2)], &expected);
        let call = instruction(CALL, 0, 0, 0, 5);
        let expected = [(LOAD_ADDRESS, MAP), (0, 0), (CALL, 5), (0x71, 0), (0x7b, 0)];
        check(&[first, second, call, load(1, 2, 1, 1), keep(2)], &expected);
    }

    #[test]
    fn what_lies_outside_of_the_map_or_is_too_large_stays() {
        let [first, second] = address(1, 8);
        for (bytes, off) in [(4, 8), (8, 0), (1, -9)] {
            let expected = [(LOAD_ADDRESS, MAP), (0, 8), (LOAD[bytes], 0), (0x7b, 0)];
            check(&[first, second, load(bytes, 2, 1, off), keep(2)], &expected);
        }
    }

    #[test]
    fn pointers_may_be_moved_and_advanced() {
        let [first, second] = address(1, 0);
        let moved = instruction(MOVE_REGISTER, 6, 1, 0, 0);
        let added = instruction(ADD, 6, 0, 0, 3);
        let expected = [NOTHING, NOTHING, NOTHING, NOTHING, (MOVE, 4), (0x7b, 0)];
        check(&[first, second, moved, added, load(1, 7, 6, 1), keep(7)], &expected);
    }

    #[test]
    fn a_value_that_one_of_two_ways_reads_stays() {
        let set = instruction(MOVE_SIGNED, 6, 0, 0, 1);
        let jump = instruction(0x15, 3, 0, 1, 7);
        check(&[set, jump, keep(6)], &[(MOVE_SIGNED, 1), (0x15, 7), (0x7b, 0)]);
        check(&[set, jump, keep(7)], &[NOTHING, (0x15, 7), (0x7b, 0)]);
    }

    #[test]
    fn what_is_not_reached_is_taken_out_and_jumps_still_arrive() {
        let [first, second] = address(1, 0);
        // if byte 0 != 0 { call f } ; if r3 == 7 { store } ; exit ; f: exit ; g: exit
        let skip = instruction(0x15, 1, 0, 1, 0);
        let call = |to| instruction(CALL, 0, 1, 0, to);
        let condition = instruction(0x55, 3, 0, 1, 7);
        let exit = instruction(EXIT, 0, 0, 0, 0);
        let begin = [first, second, load(1, 1, 1, 0), skip, call(4), call(4), condition, keep(2), exit, exit, exit];
        let functions = [0u32, 90, 9, 91, 10, 92].iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut program = Program { instructions: begin.to_vec(), functions };
        program.fold(&Frozen { descriptor: MAP, value: &[0] });
        let found: Vec<_> = program.instructions.iter().map(|i| (i.code, i.off, i.imm)).collect();
        // A call reads its arguments, for all that is known.
        assert_eq!(found, [(MOVE, 0, 0), (CALL, 0, 3), (0x55, 1, 7), (0x7b, -8, 0), (EXIT, 0, 0), (EXIT, 0, 0)]);
        let words: Vec<_> = program.functions.chunks_exact(4).map(|word| word[0]).collect();
        assert_eq!(words, [0, 90, 5, 92]);
    }

    #[test]
    fn what_a_function_returns_is_read() {
        check(&[instruction(MOVE_SIGNED, 0, 0, 0, 1)], &[(MOVE_SIGNED, 1)]);
    }
}
