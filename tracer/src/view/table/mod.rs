//! A table as data: columns, and rows of cells. One writer makes text of it, another JSON lines; a screen may draw the same.
//!
//! It is for lists that fit into memory. What is as long as a map is written entry by entry instead.
//!
//! ```text
//! let mut table = Table::new("xdp", [Column::text("devname", "INTERFACE"), Column::number("id", "PROG")]);
//! table.title = Some("xdp:".to_owned());
//! table.push([Cell::foreign(name), Cell::number(id).toned(Tone::Faint)]);
//! ```

mod cell;
mod json;
mod text;

pub use cell::{Cell, foreign};
pub use json::write as json;
pub use text::write as text;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Key in JSON; a column without is in text only.
    pub key: &'static str,
    /// What stands above it; a column without is in JSON only.
    pub title: &'static str,
    /// Where its cells stand.
    pub align: Align,
    /// Text leaves it out where no row has anything in it.
    pub optional: bool,
    /// Its cells may be broken at spaces and commas, to lines of their own below the first.
    pub wraps: bool,
}

impl Column {
    /// A column of words.
    pub fn text(key: &'static str, title: &'static str) -> Self {
        Self { key, title, align: Align::Left, optional: false, wraps: false }
    }

    /// A column of numbers.
    pub fn number(key: &'static str, title: &'static str) -> Self {
        Self { align: Align::Right, ..Self::text(key, title) }
    }

    /// A column of words that scripts do not get, as they have the same in other ones.
    pub fn words(title: &'static str) -> Self {
        Self::text("", title)
    }

    /// A column that text does not show.
    pub fn hidden(key: &'static str) -> Self {
        Self::text(key, "")
    }

    /// The same, left out of text where no row has anything in it.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The same, with cells that may take several lines.
    #[must_use]
    pub fn wrapping(self) -> Self {
        Self { wraps: true, ..self }
    }
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Which table it is, where a command has several: the first key of each JSON object (`"table":"tc"`). May be empty.
    pub key: &'static str,
    /// A line above it.
    pub title: Option<String>,
    /// What is said instead of rows where there are none. Without, nothing is, not even the header.
    pub empty: Option<String>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// The header line is left out.
    pub headless: bool,
}

impl Table {
    /// A table without rows.
    pub fn new(key: &'static str, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { key, columns: columns.into_iter().collect(), ..Self::default() }
    }

    /// The same under a title.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// The same, which says something where it has no rows.
    #[must_use]
    pub fn or_else(self, empty: impl Into<String>) -> Self {
        Self { empty: Some(empty.into()), ..self }
    }

    /// Adds a row; cells beyond the columns are ignored, missing ones are empty.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The cell of a row in a column.
    fn cell(&self, row: usize, column: usize) -> &Cell {
        const NOTHING: Cell = Cell::nothing();
        const FALLBACK: &Cell = &NOTHING;
        self.rows.get(row).and_then(|cells| cells.get(column)).unwrap_or(FALLBACK)
    }
}

#[cfg(test)]
mod tests;
