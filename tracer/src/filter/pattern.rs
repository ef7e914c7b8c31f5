//! Names of up to 15 bytes, which the kernel gives in four numbers: interfaces and commands.

use crate::filter::error::{Problem, abridged};
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place};

/// Bytes of `dev->name` and `current->comm`, the NUL at the end included.
const SIZE: usize = 16;

/// A byte of a name as a pattern has it.
#[derive(Clone, Copy)]
enum Letter {
    /// This one; behind the last letter, the NUL.
    One(u8),
    /// Any but the NUL.
    Some,
}

/// The name that starts at `field` is the one that a pattern speaks of: `?` is any one letter, `*` at the end any more.
pub(super) fn matches(field: u32, pattern: &str) -> Result<Condition, Problem> {
    let open = pattern.ends_with('*');
    let letters = letters(pattern.strip_suffix('*').unwrap_or(pattern), open)?;
    let mut members = Vec::new();
    for (index, word) in letters.chunks(4).enumerate() {
        let place = Place::field(field + index as u32);
        let (mut mask, mut value) = (0, 0);
        for (at, letter) in word.iter().enumerate() {
            let shift = 24 - 8 * at as u32;
            match letter {
                Letter::One(byte) => {
                    mask |= 0xff << shift;
                    value |= u32::from(*byte) << shift;
                }
                Letter::Some => members.push(Condition::masked(place, 0xff << shift, Set::one(0)).not()),
            }
        }
        if mask != 0 {
            members.push(Condition::masked(place, mask, Set::one(value)));
        }
    }
    Ok(Condition::All(members))
}

fn letters(start: &str, open: bool) -> Result<Vec<Letter>, Problem> {
    if start.contains('*') {
        let problem = format!("`*` can only stand at the end of a name, and once, not as in `{}`", abridged(start));
        return Err(Problem::Senseless(problem));
    }
    if start.len() >= SIZE {
        return Err(Problem::Senseless(format!(
            "names have at most {} bytes, `{}` has more",
            SIZE - 1,
            abridged(start)
        )));
    }
    let letter = |byte: u8| if byte == b'?' { Letter::Some } else { Letter::One(byte) };
    let mut letters: Vec<Letter> = start.bytes().map(letter).collect();
    if letters.is_empty() && !open {
        return Err(Problem::Senseless("a name has at least one letter".to_owned()));
    }
    match (open, letters.is_empty()) {
        // No name at all is not "any name".
        (true, true) => letters.push(Letter::Some),
        (true, false) => {}
        (false, _) => letters.push(Letter::One(0)),
    }
    Ok(letters)
}
