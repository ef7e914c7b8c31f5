//! Tables of inspection as rows on a screen.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::{
    tui::{
        theme::Role,
        widget::{Cell, Column, Field, Line, text::width},
    },
    view::{
        self, Tone,
        table::{self, Align},
    },
};

/// Letters that a column takes at most where others want room too; the last one may have what is left.
const MOST: u16 = 60;
const LAST: u16 = 400;
/// Letters that a column keeps where there is little room.
const LEAST: u16 = 16;

/// The columns to show, by their places: those with a title, but for optional ones in which nothing stands.
fn shown(table: &view::Table) -> Vec<usize> {
    let has_text =
        |column: usize| table.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.as_text().is_empty()));
    let wanted = |place: &usize| {
        let column = &table.columns[*place];
        !column.title.is_empty() && (!column.optional || has_text(*place))
    };
    (0..table.columns.len()).filter(wanted).collect()
}

/// Columns of a screen. Those on the left matter more.
pub(super) fn columns(table: &view::Table) -> Vec<Column> {
    let shown = shown(table);
    let last = shown.last().copied();
    let column = |(rank, place): (usize, usize)| {
        let column = &table.columns[place];
        let most = if Some(place) == last { LAST } else { MOST };
        let texts = table.rows.iter().filter_map(|row| row.get(place)).map(|cell| width(cell.as_text()));
        // The sign of the order stands behind the title.
        let best = texts.chain([width(column.title) + 1]).max().unwrap_or(1).min(most);
        Column {
            title: column.title.to_owned(),
            least: best.min(LEAST),
            best,
            rank: rank.min(200) as u8,
            right: column.align == Align::Right,
            keeps_end: false,
        }
    };
    shown.into_iter().enumerate().map(column).collect()
}

/// Rows of a screen.
pub(super) fn lines(table: &view::Table) -> Vec<Line> {
    let shown = shown(table);
    let line = |cells: &Vec<table::Cell>| {
        let fields = shown.iter().map(|place| cells.get(*place).map_or_else(nothing, field)).collect();
        Line { key: key(table, cells), fields }
    };
    table.rows.iter().map(line).collect()
}

/// All that is known of a row, also what has no column on a screen: names and values.
pub(super) fn details(table: &view::Table, cells: &[table::Cell]) -> Vec<Line> {
    let pairs = table.columns.iter().zip(cells);
    let line = |(number, (column, cell)): (usize, (&table::Column, &table::Cell))| {
        let name = if column.key.is_empty() { column.title.to_lowercase() } else { column.key.to_owned() };
        let value = match (cell.as_text(), cell.as_json()) {
            ("", serde_json::Value::Null) => return None,
            ("", json) => json.to_string(),
            (text, _) => text.to_owned(),
        };
        Some(Line { key: number as u64, fields: vec![Cell::new(name, Role::Faint).into(), Cell::plain(value).into()] })
    };
    pairs.enumerate().filter_map(line).collect()
}

/// Columns of [`details`].
pub(super) fn detail_columns() -> Vec<Column> {
    vec![Column::new("FIELD", (12, 20), 1, false), Column::new("VALUE", (20, 400), 0, false)]
}

/// What tells a row from others while its counts change: its words and its first number.
pub(super) fn key(table: &view::Table, cells: &[table::Cell]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut numbers = 0;
    for (column, cell) in table.columns.iter().zip(cells) {
        if column.align == Align::Right {
            numbers += 1;
        }
        if column.align == Align::Left || numbers == 1 {
            cell.as_text().hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn nothing() -> Field {
    Cell::plain(String::new()).into()
}

fn field(cell: &table::Cell) -> Field {
    let role = match cell.tone() {
        Tone::Plain => Role::Plain,
        Tone::Title => Role::Title,
        Tone::Faint => Role::Faint,
        Tone::Drop => Role::Bad,
    };
    Field { cell: Cell::new(cell.as_text().to_owned(), role), order: cell.as_json().as_f64() }
}
