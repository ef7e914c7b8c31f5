//! Takes out instructions, and has jumps and calls arrive where they did.

use aya_obj::generated::bpf_insn;

use super::{
    Program, State,
    instruction::{JUMP, function, is_condition, is_nothing, length, target},
};

/// Bytes of a record of [`Program::functions`].
const RECORD: usize = 8;

impl Program {
    /// Takes out what is not reached or does nothing, and the functions that are gone; returns whether there was any.
    pub(super) fn compact(&mut self, states: &[Option<State>]) -> bool {
        let kept = kept(&self.instructions, states);
        let change = kept.len() < self.instructions.len();
        let moved = |place: usize| kept.partition_point(|&old| old < place);
        let mut instructions = Vec::with_capacity(kept.len());
        for &place in &kept {
            let Some(mut instruction) = self.instructions.get(place).copied() else { continue };
            let distance = |to: usize| moved(to) as i64 - moved(place) as i64 - 1;
            // The second half of a long instruction looks like none of these.
            if instruction.code == JUMP || is_condition(instruction) {
                let to = target(instruction, place).map(distance);
                instruction.off = to.and_then(|off| off.try_into().ok()).unwrap_or(instruction.off);
            } else if let Some(to) = function(instruction, place) {
                instruction.imm = distance(to) as i32;
            }
            instructions.push(instruction);
        }
        let functions = self.functions.chunks_exact(RECORD).filter_map(|record| {
            let (place, kind) = record.split_at_checked(RECORD / 2)?;
            let place = u32::from_le_bytes(place.try_into().ok()?) as usize;
            reached(states, place).then(|| [&(moved(place) as u32).to_le_bytes(), kind].concat())
        });
        self.functions = functions.flatten().collect();
        self.instructions = instructions;
        change
    }
}

/// Places of the instructions that stay, in order.
fn kept(instructions: &[bpf_insn], states: &[Option<State>]) -> Vec<usize> {
    let mut kept = Vec::new();
    for (place, instruction) in instructions.iter().copied().enumerate() {
        if reached(states, place) && !is_nothing(instruction) {
            kept.extend(place..place + length(instruction));
        }
    }
    kept
}

fn reached(states: &[Option<State>], place: usize) -> bool {
    states.get(place).is_some_and(Option::is_some)
}
