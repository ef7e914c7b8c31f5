//! What people and scripts read: one line a hit, as aligned text or as JSON.
//!
//! One registry of columns ([`columns::COLUMNS`]) serves both; a [`Selection`] says which of them a run shows. Foreign
//! bytes reach the output through [`escape`] alone. Nothing here knows how an event was obtained, keeps one, or writes
//! to a terminal: the printers append to a buffer of the caller's.
//!
//! The JSON lines are documented in `assets/output-json.md`, key by key.

pub mod between;
pub mod boxes;
mod bytes;
pub mod captured;
mod clock;
pub mod columns;
pub mod decoded;
pub mod diff;
pub mod drops;
pub mod dump;
pub(crate) mod duration;
mod escape;
pub mod export;
pub(crate) mod facts;
pub(crate) mod flow;
mod gaps;
pub(crate) mod headers;
pub mod journey;
pub mod json;
pub mod lists;
pub(crate) mod number;
mod object;
pub mod packets;
pub mod paths;
pub(crate) mod phrase;
pub mod reasons;
pub(crate) mod returned;
mod row;
mod selection;
mod style;
pub mod table;
pub mod text;
pub mod typed;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use escape::escape;
pub use journey::Story;
pub use object::Object;
pub use row::{Context, Reasons, Row, Timestamp, UnknownTimestamp};
pub use selection::{Selection, UnknownColumn};
pub use style::{Style, Tone};
pub use table::Table;

/// Either kind of output.
pub enum Printer {
    /// Aligned text.
    Text(text::Printer),
    /// One JSON object a line.
    Json(json::Printer),
}

impl Printer {
    /// What stands before the first event.
    pub fn header(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(printer) => printer.header(out),
            Self::Json(printer) => printer.header(out),
        }
    }

    /// Appends one event, newline included.
    pub fn event(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Text(printer) => printer.event(row, out),
            Self::Json(printer) => printer.event(row, out),
        }
    }
}
