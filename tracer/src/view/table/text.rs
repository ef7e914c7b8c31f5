//! Aligned text.

use super::{Align, Cell, Column, Table};
use crate::view::{Style, Tone};

/// Between two columns.
const GAP: &str = "  ";
/// A wrapping column is not made narrower than this.
const NARROWEST: usize = 16;

/// Appends the table. `width` is what lines should fit into: columns that may wrap do so for it, others are as wide as they are.
pub fn write(table: &Table, style: Style, width: Option<usize>, out: &mut String) {
    if let Some(title) = &table.title {
        painted(style, Tone::Title, title, out);
        out.push('\n');
    }
    if table.rows.is_empty() {
        if let Some(empty) = &table.empty {
            painted(style, Tone::Faint, empty, out);
            out.push('\n');
        }
        return;
    }
    let shape = Shape::new(table, width);
    if !table.headless {
        let titles: Vec<Cell> = shape.columns.iter().map(|at| Cell::text(at.column.title).toned(Tone::Title)).collect();
        shape.line(&titles.iter().collect::<Vec<_>>(), style, out);
    }
    for row in 0..table.rows.len() {
        let cells: Vec<&Cell> = shape.columns.iter().map(|at| table.cell(row, at.place)).collect();
        shape.line(&cells, style, out);
    }
}

/// A column that is shown.
struct Shown<'a> {
    column: &'a Column,
    place: usize,
    width: usize,
}

struct Shape<'a> {
    columns: Vec<Shown<'a>>,
}

impl<'a> Shape<'a> {
    fn new(table: &'a Table, limit: Option<usize>) -> Self {
        let mut columns: Vec<Shown<'a>> = table.columns.iter().enumerate().filter_map(|at| shown(table, at)).collect();
        let total: usize = columns.iter().map(|column| column.width + GAP.len()).sum();
        let over = limit.map_or(0, |limit| total.saturating_sub(GAP.len() + limit));
        if let Some(widest) = columns.iter_mut().filter(|at| at.column.wraps).max_by_key(|at| at.width) {
            widest.width = widest.width.saturating_sub(over).max(NARROWEST.min(widest.width));
        }
        Self { columns }
    }

    /// Writes a row: as many lines as its longest cell takes.
    fn line(&self, cells: &[&Cell], style: Style, out: &mut String) {
        let parts: Vec<Vec<&str>> = self.columns.iter().zip(cells).map(|(at, cell)| at.parts(&cell.text)).collect();
        let lines = parts.iter().map(Vec::len).max().unwrap_or_default();
        for line in 0..lines {
            let start = out.len();
            for ((at, cell), parts) in self.columns.iter().zip(cells).zip(&parts) {
                at.write(parts.get(line).copied().unwrap_or_default(), cell.tone, style, out);
                out.push_str(GAP);
            }
            out.truncate(start + out[start..].trim_end_matches(' ').len());
            out.push('\n');
        }
    }
}

impl Shown<'_> {
    fn parts<'t>(&self, text: &'t str) -> Vec<&'t str> {
        if self.column.wraps { broken(text, self.width) } else { vec![text] }
    }

    fn write(&self, text: &str, tone: Tone, style: Style, out: &mut String) {
        let room = self.width.saturating_sub(width(text));
        if self.column.align == Align::Right {
            fill(room, out);
        }
        painted(style, tone, text, out);
        if self.column.align == Align::Left {
            fill(room, out);
        }
    }
}

fn shown<'a>(table: &'a Table, (place, column): (usize, &'a Column)) -> Option<Shown<'a>> {
    let texts = (0..table.rows.len()).map(|row| table.cell(row, place).text.as_str());
    if column.title.is_empty() || column.optional && texts.clone().all(|text| text.is_empty() || text == "-") {
        return None;
    }
    let title = if table.headless { 0 } else { width(column.title) };
    let widest = texts.map(width).max().unwrap_or_default().max(title);
    Some(Shown { column, place, width: widest })
}

/// Breaks behind spaces and commas, such that no part is wider unless it must.
fn broken(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for word in text.split_inclusive([' ', ',']) {
        if end > start && width(text[start..end + word.len()].trim_end()) > limit {
            parts.push(text[start..end].trim_end());
            start = end;
        }
        end += word.len();
    }
    parts.push(&text[start..end]);
    parts
}

fn painted(style: Style, tone: Tone, text: &str, out: &mut String) {
    let start = out.len();
    out.push_str(text);
    if !text.is_empty() {
        style.paint(tone, start, out);
    }
}

/// Letters; what takes no room of its own has been escaped.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn fill(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}
