//! A search through the packets, a slice of time at each frame: no key has to wait for it, and it can be called off.

use std::time::Instant;

use super::{state::State, store::Seq, theme::Role};

/// Rows looked at before the clock is.
const CHUNK: usize = 16;

/// A search that goes on.
#[derive(Debug)]
pub struct Hunt {
    forward: bool,
    /// What is looked for, in small letters.
    wanted: String,
    /// The packet that was looked at last: rows may come and go meanwhile.
    last: Option<Seq>,
    /// Rows that were looked at, and that there were to look at.
    looked: usize,
    all: usize,
}

impl Hunt {
    /// From the row at hand on, or back from it.
    pub fn new(forward: bool, state: &State<'_>) -> Self {
        let (row, len) = (state.list.selected(), state.listing.len());
        let all = if forward { len.saturating_sub(row + 1) } else { row };
        Self { forward, wanted: state.search.to_lowercase(), last: state.selected(), looked: 0, all }
    }

    /// How far it has got, of a hundred.
    pub fn share(&self) -> usize {
        (self.looked * 100).checked_div(self.all).unwrap_or(0).min(99)
    }

    /// Looks on until `deadline`.
    fn look(&mut self, state: &State<'_>, deadline: Instant) -> Seen {
        let len = state.listing.len();
        let mut row = self.last.and_then(|seq| state.listing.row(seq)).unwrap_or(state.list.selected());
        loop {
            row = match self.forward {
                true if row + 1 < len => row + 1,
                false if row > 0 => row.min(len) - 1,
                _ => return Seen::Nothing,
            };
            let seq = state.listing.get(row);
            if seq.is_some_and(|seq| holds(state, seq, &self.wanted)) {
                return Seen::Row(row);
            }
            self.last = seq;
            self.looked += 1;
            if self.looked.is_multiple_of(CHUNK) && Instant::now() >= deadline {
                return Seen::NotAll;
            }
        }
    }
}

/// What a slice of time has brought.
enum Seen {
    /// There is more to look at.
    NotAll,
    /// This row holds what is looked for.
    Row(usize),
    /// None does.
    Nothing,
}

/// Looks on, if something is looked for; false if there is more to look at.
pub(super) fn go_on(state: &mut State<'_>, deadline: Instant) -> bool {
    let Some(mut hunt) = state.hunt.take() else { return true };
    match hunt.look(state, deadline) {
        Seen::NotAll => {
            state.hunt = Some(hunt);
            return false;
        }
        Seen::Row(row) => state.list.select(row),
        Seen::Nothing => {
            let text = format!("no other line holds `{}`", state.search);
            state.say(&text, Role::Warn);
        }
    }
    true
}

/// One of its columns holds what is looked for.
fn holds(state: &State<'_>, seq: Seq, wanted: &str) -> bool {
    let Some(packet) = state.store.get(seq) else { return false };
    state.story(packet, |story| {
        let mut text = String::new();
        for column in &state.columns {
            column.write(story, &state.theme.signs, &mut text);
            // Nobody types what stands between columns.
            text.push('\n');
        }
        text.to_lowercase().contains(wanted)
    })
}
