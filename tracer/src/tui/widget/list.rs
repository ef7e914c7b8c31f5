//! A position in a list that is longer than the screen, and grows.

use std::ops::Range;

use crate::tui::action::Action;

/// Where in a list the view is.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The row at hand.
    selected: usize,
    /// The first row on the screen.
    top: usize,
    /// Rows on the screen, as drawn last.
    height: usize,
    /// Goes on with what comes.
    follows: bool,
}

impl List {
    /// At the end of a list that grows.
    pub fn following() -> Self {
        Self { selected: 0, top: 0, height: 1, follows: true }
    }

    /// At the beginning.
    pub fn standing() -> Self {
        Self { follows: false, ..Self::following() }
    }

    /// The row at hand.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// It goes on with what comes.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// Goes to a row and stays there.
    pub fn select(&mut self, row: usize) {
        self.selected = row;
        self.follows = false;
    }

    /// Moves as an action says; false where it says nothing of lists. `len` rows are there.
    pub fn act(&mut self, action: Action, len: usize) -> bool {
        let page = self.height.saturating_sub(1).max(1);
        let last = len.saturating_sub(1);
        let now = self.selected.min(last);
        let to = match action {
            Action::Up => now.saturating_sub(1),
            Action::Down => now + 1,
            Action::PageUp => now.saturating_sub(page),
            Action::PageDown => now + page,
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        };
        self.selected = to.min(last);
        self.follows = action == Action::Last;
        true
    }

    /// Scrolls by rows, keeping the row at hand on the screen.
    pub fn scroll(&mut self, rows: isize, len: usize) {
        let last = len.saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(rows).min(last);
        self.follows = false;
        let bottom = self.top + self.height.saturating_sub(1);
        self.selected = self.selected.clamp(self.top, bottom).min(len.saturating_sub(1));
    }

    /// Selects the row on this line of the screen; false where there is none.
    pub fn click(&mut self, line: usize, len: usize) -> bool {
        let row = self.top + line;
        let hit = row < len && line < self.height;
        if hit {
            self.select(row);
        }
        hit
    }

    /// The rows to draw on so many lines.
    pub fn window(&mut self, len: usize, height: usize) -> Range<usize> {
        self.height = height.max(1);
        if self.follows {
            self.selected = len.saturating_sub(1);
        }
        self.selected = self.selected.min(len.saturating_sub(1));
        let most = len.saturating_sub(self.height);
        let least = (self.selected + 1).saturating_sub(self.height);
        self.top = self.top.min(self.selected).max(least).min(most);
        self.top..(self.top + self.height).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_ends_on_moving_and_begins_at_the_end() {
        let mut list = List::following();
        assert_eq!((list.window(100, 10), list.selected()), (90..100, 99));
        list.act(Action::Up, 100);
        assert_eq!((list.window(200, 10), list.selected(), list.follows()), (90..100, 98, false));
        list.act(Action::Last, 200);
        assert_eq!((list.window(300, 10), list.selected(), list.follows()), (290..300, 299, true));
    }

    #[test]
    fn moves_stay_in_the_list() {
        let mut list = List::standing();
        list.window(5, 3);
        for (action, expected) in [
            (Action::Up, 0),
            (Action::PageDown, 2),
            (Action::PageDown, 4),
            (Action::Down, 4),
            (Action::PageUp, 2),
            (Action::First, 0),
        ] {
            assert!(list.act(action, 5));
            assert_eq!(list.selected(), expected, "{action:?}");
        }
        assert!(!list.act(Action::Quit, 5));
        assert_eq!((list.window(0, 3), list.selected()), (0..0, 0));
        assert!(list.act(Action::Down, 0));
    }

    #[test]
    fn the_wheel_keeps_the_row_on_the_screen() {
        let mut list = List::standing();
        list.window(100, 10);
        list.scroll(20, 100);
        assert_eq!((list.window(100, 10), list.selected()), (20..30, 20));
        list.scroll(-15, 100);
        assert_eq!((list.window(100, 10), list.selected()), (5..15, 14));
        list.scroll(1000, 100);
        assert_eq!((list.window(100, 10), list.selected()), (90..100, 90));
        assert!(list.click(3, 100) && list.selected() == 93 && !list.click(10, 100));
    }
}
