//! Rows of text that fit into memory: sorted, searched, and with the row at hand kept while others come and go.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{Cell, Column, List, Table};
use crate::tui::{action::Action, theme::Theme};

/// What stands in a row of a column.
#[derive(Clone, Debug)]
pub struct Field {
    /// The text, and what it means.
    pub cell: Cell,
    /// What sorting compares, where that is not the text.
    pub order: Option<f64>,
}

impl From<Cell> for Field {
    fn from(cell: Cell) -> Self {
        Self { cell, order: None }
    }
}

impl Field {
    /// A cell that is sorted by a number.
    pub fn number(cell: Cell, order: f64) -> Self {
        Self { cell, order: Some(order) }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub struct Line {
    /// What tells it from others, also when its text changes.
    pub key: u64,
    /// Its fields, one for each column.
    pub fields: Vec<Field>,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It means nothing to rows.
    Ignored,
    /// It is done.
    Done,
    /// A text to look for is to be asked for.
    Ask,
    /// No other row holds what is looked for.
    NotFound,
    /// This is to be copied.
    Copy(String),
}

/// The rows.
#[derive(Debug)]
pub struct Sheet {
    columns: Vec<Column>,
    lines: Vec<Line>,
    /// As whoever made the rows put them.
    given: Vec<u64>,
    order: Option<(usize, bool)>,
    list: List,
}

impl Sheet {
    /// Without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, lines: Vec::new(), given: Vec::new(), order: None, list: List::standing() }
    }

    /// Other columns; what was sorted by is forgotten where they differ.
    pub fn set_columns(&mut self, columns: Vec<Column>) {
        let titles = |columns: &[Column]| columns.iter().map(|column| column.title.clone()).collect::<Vec<_>>();
        if titles(&self.columns) != titles(&columns) {
            self.order = None;
        }
        self.columns = columns;
    }

    /// Other rows. The row at hand stays, wherever it stands now.
    pub fn set(&mut self, lines: Vec<Line>) {
        let at_hand = self.selected().map(|line| line.key);
        self.given = lines.iter().map(|line| line.key).collect();
        self.lines = lines;
        self.sort();
        self.select(at_hand);
    }

    /// All rows, as they stand.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Titles of the columns.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.title.as_str())
    }

    /// The row at hand.
    pub fn selected(&self) -> Option<&Line> {
        self.lines.get(self.list.selected())
    }

    /// Draws the rows on the screen.
    pub fn draw(&mut self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let table = Table { columns: &self.columns, theme, order: self.order };
        let lines = &self.lines;
        table.draw(buffer, area, &mut self.list, lines.len(), |row, shown| {
            let fields = lines.get(row).map_or(&[][..], |line| &line.fields);
            shown.iter().filter_map(|column| fields.get(*column)).map(|field| field.cell.clone()).collect()
        });
    }

    /// Does what a key asks for; `search` is what is looked for.
    pub fn act(&mut self, action: Action, search: &str) -> Reply {
        if self.list.act(action, self.lines.len()) {
            // New rows do not come at the end, so there is nothing to follow.
            self.list.select(self.list.selected());
            return Reply::Done;
        }
        match action {
            Action::NextMatch | Action::PreviousMatch if search.is_empty() => return Reply::Ask,
            Action::NextMatch => return self.seek(search, true),
            Action::PreviousMatch => return self.seek(search, false),
            Action::Sort => self.sort_by_next(),
            Action::Invert => self.order = self.order.map(|(column, descending)| (column, !descending)),
            Action::Copy => return self.copy(),
            _ => return Reply::Ignored,
        }
        let at_hand = self.selected().map(|line| line.key);
        self.sort();
        self.select(at_hand);
        Reply::Done
    }

    /// Selects the row at this place of the area that it was drawn in; false where there is none.
    pub fn click(&mut self, place: Position) -> bool {
        place.y.checked_sub(1).is_some_and(|line| self.list.click(usize::from(line), self.lines.len()))
    }

    /// Scrolls.
    pub fn wheel(&mut self, rows: isize) {
        self.list.scroll(rows, self.lines.len());
    }

    /// Numbers begin with the largest.
    fn sort_by_next(&mut self) {
        let next = self.order.map_or(0, |(column, _)| column + 1);
        let is_number = |column: &Column| column.right;
        self.order = self.columns.get(next).map(|column| (next, is_number(column)));
    }

    fn sort(&mut self) {
        let Some((column, descending)) = self.order else {
            let place = |line: &Line| self.given.iter().position(|key| *key == line.key);
            return self.lines.sort_by_cached_key(place);
        };
        self.lines.sort_by(|one, other| {
            let order = match (one.fields.get(column), other.fields.get(column)) {
                (Some(one), Some(other)) => compare(one, other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            };
            if descending { order.reverse() } else { order }
        });
    }

    fn select(&mut self, key: Option<u64>) {
        if let Some(row) = key.and_then(|key| self.lines.iter().position(|line| line.key == key)) {
            self.list.select(row);
        }
    }

    fn seek(&mut self, search: &str, forward: bool) -> Reply {
        let wanted = search.to_lowercase();
        let holds = |row: &usize| {
            let mut fields = self.lines[*row].fields.iter();
            fields.any(|field| field.cell.text.to_lowercase().contains(&wanted))
        };
        let (now, len) = (self.list.selected(), self.lines.len());
        let found = if forward { (now + 1..len).find(holds) } else { (0..now.min(len)).rev().find(holds) };
        let Some(row) = found else { return Reply::NotFound };
        self.list.select(row);
        Reply::Done
    }

    fn copy(&self) -> Reply {
        let Some(line) = self.selected() else { return Reply::Ignored };
        let texts: Vec<&str> = line.fields.iter().map(|field| field.cell.text.as_str()).collect();
        Reply::Copy(texts.join("  "))
    }
}

fn compare(one: &Field, other: &Field) -> std::cmp::Ordering {
    match (one.order, other.order) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        (None, None) => one.cell.text.cmp(&other.cell.text),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(rows: &[(u64, &str, f64)]) -> Sheet {
        let column = |title: &str, right| Column::new(title, (5, 9), 0, right);
        let mut sheet = Sheet::new(vec![column("NAME", false), column("HITS", true)]);
        sheet.set(lines(rows));
        sheet
    }

    fn lines(rows: &[(u64, &str, f64)]) -> Vec<Line> {
        let line = |(key, name, hits): &(u64, &str, f64)| {
            let number = Field::number(Cell::plain(hits.to_string()), *hits);
            Line { key: *key, fields: vec![Cell::plain((*name).to_owned()).into(), number] }
        };
        rows.iter().map(line).collect()
    }

    fn keys(sheet: &Sheet) -> Vec<u64> {
        sheet.lines().iter().map(|line| line.key).collect()
    }

    #[test]
    fn rows_are_sorted_and_the_one_at_hand_stays() {
        let mut sheet = sheet(&[(1, "b", 10.0), (2, "a", 9.0), (3, "c", 100.0)]);
        sheet.act(Action::Down, "");
        for (action, expected) in [
            (Action::Sort, [2, 1, 3]),
            (Action::Sort, [3, 1, 2]),
            (Action::Invert, [2, 1, 3]),
            (Action::Sort, [1, 2, 3]),
        ] {
            assert_eq!(sheet.act(action, ""), Reply::Done);
            assert_eq!(keys(&sheet), expected, "{action:?}");
            assert_eq!(sheet.selected().map(|line| line.key), Some(2));
        }
        sheet.set(lines(&[(4, "d", 1.0), (2, "a", 2.0)]));
        assert_eq!((keys(&sheet), sheet.selected().map(|line| line.key)), (vec![4, 2], Some(2)));
    }

    #[test]
    fn rows_are_found_in_both_directions() {
        let mut sheet = sheet(&[(1, "eth0", 1.0), (2, "lo", 2.0), (3, "ETH1", 3.0)]);
        assert_eq!(sheet.act(Action::NextMatch, ""), Reply::Ask);
        assert_eq!((sheet.act(Action::NextMatch, "eth"), sheet.selected().unwrap().key), (Reply::Done, 3));
        assert_eq!(sheet.act(Action::NextMatch, "eth"), Reply::NotFound);
        assert_eq!((sheet.act(Action::PreviousMatch, "eth"), sheet.selected().unwrap().key), (Reply::Done, 1));
        assert_eq!(sheet.act(Action::Copy, ""), Reply::Copy("eth0  1".to_owned()));
        assert_eq!(sheet.act(Action::Quit, ""), Reply::Ignored);
    }
}
