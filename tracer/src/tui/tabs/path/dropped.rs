//! The lines of a drop: its reason and place, what that means, the stack that led there.

use super::lines::{Maker, What};
use crate::tui::{action::Action, theme::Role};

/// Frames of a drop's stack that are shown unasked.
const FRAMES: usize = 4;

impl Maker<'_> {
    /// The drop: reason and place, what that means, what usually helps.
    pub(super) fn drop(&mut self, index: usize, depth: usize) {
        let hop = self.journey().hops[index];
        let mut text = format!("{} DROP  ", self.state.theme.signs.stop);
        self.story.context.write_drop(hop.reason(), hop.drop_place(), &mut text);
        let at = hop.time - self.journey().start();
        let line = self.add(What::Drop, text, Role::Bad, depth);
        (line.at, line.hop) = (Some(at), Some(index));
        match self.state.explanation(hop.reason(), hop.drop_place()) {
            Some(explanation) => {
                self.note(explanation.meaning, Role::Plain, depth);
                self.note(explanation.remedy, Role::Faint, depth);
            }
            None => self.note("No more is known of this reason than its name.", Role::Faint, depth),
        }
        self.stack(index, depth);
        self.changed(index, depth);
    }

    /// The way to the drop: its beginning unasked, all of it when asked for.
    fn stack(&mut self, index: usize, depth: usize) {
        let hop = self.journey().hops[index];
        let sight = self.packet.sights.iter().find(|sight| sight.time == hop.time && sight.branch == hop.branch);
        let own = sight.and_then(|sight| sight.details.as_ref()).and_then(|details| details.stack.as_ref());
        let frames = match own {
            Some(Ok(frames)) => Some(frames.as_slice()),
            _ => self.state.watched.as_ref().and_then(|watched| watched.stack(&hop)),
        };
        let all = self.shape.stack;
        match (frames, own) {
            (Some(frames), _) => self.frames(frames, hop.drop_place(), depth),
            (None, Some(Err(error))) if all => {
                let sentence = format!("The kernel could not read the stack: error {error}.");
                self.note(&sentence, Role::Faint, depth);
            }
            (None, _) if all => {
                let sentence = if self.state.known.files.is_empty() {
                    "The stack is not known: the watch over all drops has not seen this one (`--output-stack` reads it with each hit)."
                } else {
                    "Stacks were not recorded: `--output-stack` has them read with each hit."
                };
                self.note(sentence, Role::Faint, depth);
            }
            _ => {}
        }
    }

    /// Unasked, the frames from the place of the drop on: those before it are the tracer's own.
    fn frames(&mut self, frames: &[u64], place: Option<u64>, depth: usize) {
        let begin = frames.iter().position(|frame| Some(*frame) == place).unwrap_or(0);
        let range = if self.shape.stack { 0..frames.len() } else { begin..frames.len().min(begin + FRAMES) };
        let left_out = frames.len() - range.len();
        for frame in &frames[range] {
            let text = format!("    {}", self.state.known.symbols.text(*frame).full());
            self.note(&text, Role::Faint, depth);
        }
        if left_out > 0 {
            let text = format!("    {}: all {} of the stack", self.state.keymap.key(Action::Stack), frames.len());
            self.note(&text, Role::Faint, depth);
        }
    }
}
