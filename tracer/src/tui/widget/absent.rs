//! A tab of which there is nothing to show yet: it says so in one line.

use ratatui::{Frame, layout::Rect};

use super::text::put;
use crate::tui::{
    action::Action,
    state::State,
    tabs::{Outcome, Tab},
    theme::Role,
};

/// The tab.
pub(crate) struct Absent {
    /// Its name.
    pub(crate) title: &'static str,
    /// The line.
    pub(crate) line: &'static str,
}

impl Tab for Absent {
    fn title(&self) -> &'static str {
        self.title
    }

    fn actions(&self) -> &'static [Action] {
        &[]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        put(frame.buffer_mut(), area, 1, 2, self.line, state.theme.style(Role::Faint));
    }

    fn act(&mut self, _: Action, _: &mut State<'_>) -> Outcome {
        Outcome::Ignored
    }
}
