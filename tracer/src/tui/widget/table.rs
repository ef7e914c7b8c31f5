//! A table: a line of titles, and rows of which only those on the screen are made.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    List,
    text::{fit, put, width},
};
use crate::tui::theme::{Role, Theme};

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Letters that it takes at least.
    pub least: u16,
    /// Letters that it takes at best.
    pub best: u16,
    /// Columns with a low number stay where there is no room for all.
    pub rank: u8,
    /// Numbers stand to the right.
    pub right: bool,
    /// Where text is too long, its end is kept.
    pub keeps_end: bool,
}

impl Column {
    /// A column of `least` to `best` letters whose text loses its end where it is too long.
    pub fn new(title: &str, (least, best): (u16, u16), rank: u8, right: bool) -> Self {
        Self { title: title.to_owned(), least, best, rank, right, keeps_end: false }
    }
}

/// What stands in a row of a column.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// What it means.
    pub role: Role,
}

impl Cell {
    /// Of this meaning.
    pub fn new(text: String, role: Role) -> Self {
        Self { text, role }
    }

    /// Nothing special.
    pub fn plain(text: String) -> Self {
        Self::new(text, Role::Plain)
    }
}

/// A table to draw.
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// Colours and signs.
    pub theme: &'a Theme,
    /// Column of the sign that says how it is sorted, and whether the largest comes first.
    pub order: Option<(usize, bool)>,
}

/// Letters before the first column: the sign of the row at hand.
const MARGIN: u16 = 2;

impl Table<'_> {
    /// Draws titles and rows; `row` makes the cells of a row, for the columns whose numbers it is given.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        list: &mut List,
        len: usize,
        mut row: impl FnMut(usize, &[usize]) -> Vec<Cell>,
    ) {
        if area.height == 0 {
            return;
        }
        let layout = layout(self.columns, area.width.saturating_sub(MARGIN));
        let shown: Vec<usize> = layout.iter().map(|(column, _)| *column).collect();
        self.titles(buffer, area, &layout);
        let rows = list.window(len, usize::from(area.height - 1));
        let first = rows.start;
        for number in rows {
            let line = (number - first) as u16 + 1;
            let selected = number == list.selected();
            if selected {
                let style = self.theme.style(Role::Selected);
                buffer.set_style(Rect { y: area.y + line, height: 1, ..area }, style);
                put(buffer, area, line, 0, self.theme.strokes.here, style);
            }
            self.cells(buffer, area, line, &layout, &row(number, &shown), selected);
        }
    }

    fn titles(&self, buffer: &mut Buffer, area: Rect, layout: &[(usize, u16)]) {
        let style = self.theme.style(Role::Title);
        let mut at = MARGIN;
        for (number, room) in layout {
            let column = &self.columns[*number];
            let mut title = column.title.clone();
            if let Some((_, descending)) = self.order.filter(|(sorted, _)| sorted == number) {
                title.push_str(self.theme.strokes.orders[usize::from(descending)]);
            }
            let title = fit(&title, *room, "", false);
            let indent = if column.right { room - width(&title) } else { 0 };
            put(buffer, area, 0, at + indent, &title, style);
            at += room + 1;
        }
    }

    fn cells(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        line: u16,
        layout: &[(usize, u16)],
        cells: &[Cell],
        selected: bool,
    ) {
        let mut at = MARGIN;
        for ((number, room), cell) in layout.iter().zip(cells) {
            let column = &self.columns[*number];
            let text = fit(&cell.text, *room, self.theme.signs.more, column.keeps_end);
            let indent = if column.right { room - width(&text) } else { 0 };
            let mut style = self.theme.style(cell.role);
            if selected {
                style = selected_style(self.theme, style);
            }
            put(buffer, area, line, at + indent, &text, style);
            at += room + 1;
        }
    }
}

/// A cell of the row at hand keeps its colour where the background allows.
fn selected_style(theme: &Theme, style: Style) -> Style {
    theme.style(Role::Selected).patch(Style { bg: None, ..style })
}

/// The columns that there is room for, with the letters of each.
pub fn layout(columns: &[Column], room: u16) -> Vec<(usize, u16)> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let needed = |shown: &[usize]| -> u16 {
        let letters: u16 = shown.iter().map(|number| columns[*number].least).sum();
        letters + (shown.len() as u16).saturating_sub(1)
    };
    while shown.len() > 1 && needed(&shown) > room {
        let Some(gone) = shown.iter().copied().max_by_key(|number| columns[*number].rank) else { break };
        shown.retain(|number| *number != gone);
    }
    let left = room.saturating_sub(needed(&shown));
    let mut widths: Vec<(usize, u16)> =
        shown.iter().map(|number| (*number, columns[*number].least.min(room))).collect();
    grow(columns, left, &mut widths);
    widths
}

/// What is left goes to those that want more, each by how much it wants; the rest to the most important.
fn grow(columns: &[Column], mut left: u16, widths: &mut [(usize, u16)]) {
    let want = |(number, letters): &(usize, u16)| columns[*number].best.saturating_sub(*letters);
    let all: u32 = widths.iter().map(|width| u32::from(want(width))).sum();
    let share = left;
    for width in widths.iter_mut().filter(|_| all > 0) {
        let more = (u32::from(want(width)) * u32::from(share) / all).min(u32::from(want(width))) as u16;
        width.1 += more;
        left -= more;
    }
    widths.sort_by_key(|(number, _)| columns[*number].rank);
    for width in widths.iter_mut() {
        let more = want(width).min(left);
        width.1 += more;
        left -= more;
    }
    widths.sort_by_key(|(number, _)| *number);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(least: u16, best: u16, rank: u8) -> Column {
        Column { title: String::new(), least, best, rank, right: false, keeps_end: false }
    }

    #[test]
    fn what_matters_most_stays_and_grows_first() {
        let columns = [column(5, 5, 3), column(10, 20, 0), column(10, 40, 1), column(4, 4, 2)];
        let check = |room, expected: &[(usize, u16)]| assert_eq!(layout(&columns, room), expected, "{room}");
        check(100, &[(0, 5), (1, 20), (2, 40), (3, 4)]);
        check(40, &[(0, 5), (1, 12), (2, 16), (3, 4)]);
        check(31, &[(1, 12), (2, 13), (3, 4)]);
        check(20, &[(1, 20)]);
        check(3, &[(1, 3)]);
    }
}
