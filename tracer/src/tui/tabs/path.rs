//! The path of one packet.

use ratatui::{Frame, layout::Rect};

use super::{Kind, Outcome, Tab};
use crate::{
    tui::{
        action::Action,
        state::State,
        store::Seq,
        theme::Role,
        widget::{List, text::put},
    },
    view::{Style, journey},
};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Path { shown: None, lines: Vec::new(), list: List::standing() })
}

struct Path {
    /// Whose lines these are.
    shown: Option<Seq>,
    lines: Vec<String>,
    list: List,
}

impl Tab for Path {
    fn title(&self) -> &'static str {
        "Path"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Back, A::Left, A::Right, A::Fold, A::Bytes, A::Stack, A::Copy, A::Export]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        self.read(state);
        let rows = self.list.window(self.lines.len(), usize::from(area.height));
        for (line, row) in rows.enumerate() {
            let role = if row == self.list.selected() { Role::Selected } else { Role::Plain };
            put(frame.buffer_mut(), area, line as u16, 1, &self.lines[row], state.theme.style(role));
        }
    }

    fn act(&mut self, action: Action, _: &mut State<'_>) -> Outcome {
        match action {
            _ if self.list.act(action, self.lines.len()) => Outcome::Done,
            Action::Back => Outcome::Go(Kind::Packets),
            _ => Outcome::Ignored,
        }
    }
}

impl Path {
    fn read(&mut self, state: &State<'_>) {
        if self.shown == state.opened {
            return;
        }
        (self.shown, self.list) = (state.opened, List::standing());
        let mut text = Vec::new();
        if let Some(packet) = state.opened.and_then(|seq| state.store.get(seq)) {
            state.story(packet, |story| journey::text(story, Style::Plain, &mut text));
        }
        self.lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    }
}
