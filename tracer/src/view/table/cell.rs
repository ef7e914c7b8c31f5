//! One cell: what is read of it, and what a script gets.

use serde_json::Value;

use crate::view::{Tone, escape, number};

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Escaped text; may be empty.
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) tone: Tone,
}

impl Cell {
    /// Nothing at all; null in JSON.
    pub const fn nothing() -> Self {
        Self { text: String::new(), json: Value::Null, tone: Tone::Plain }
    }

    /// There is none: a dash; null in JSON.
    pub fn none() -> Self {
        Self { text: "-".to_owned(), json: Value::Null, tone: Tone::Faint }
    }

    /// It cannot be told, and `why` is said instead of a number; null in JSON.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { text: why.into(), json: Value::Null, tone: Tone::Faint }
    }

    /// Words. They are escaped, wherever they come from.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::foreign(text.as_ref().as_bytes())
    }

    /// Foreign bytes.
    pub fn foreign(bytes: &[u8]) -> Self {
        let mut text = String::new();
        escape(bytes, &mut text);
        Self { json: Value::String(text.clone()), text, tone: Tone::Plain }
    }

    /// What a writer of this layer appends, which has escaped it.
    pub(in crate::view) fn written(write: impl FnOnce(&mut String)) -> Self {
        let mut text = String::new();
        write(&mut text);
        Self { json: Value::String(text.clone()), text, tone: Tone::Plain }
    }

    /// A number.
    pub fn number(value: impl Into<u64>) -> Self {
        let value = value.into();
        let mut text = String::new();
        number::decimal(value, &mut text);
        Self { text, json: value.into(), tone: Tone::Plain }
    }

    /// A number that may be negative.
    pub fn signed(value: impl Into<i64>) -> Self {
        let value = value.into();
        Self { text: value.to_string(), json: value.into(), tone: Tone::Plain }
    }

    /// Something for scripts alone; texts in it must have passed [`foreign`].
    pub fn json(value: impl Into<Value>) -> Self {
        Self { json: value.into(), ..Self::nothing() }
    }

    /// The same for scripts, read as `text` by people; it is escaped.
    #[must_use]
    pub fn shown(self, text: impl AsRef<str>) -> Self {
        Self { text: Self::text(text).text, ..self }
    }

    /// The same in another tone.
    #[must_use]
    pub fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// What people read.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// What it means.
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// What scripts get.
    pub fn as_json(&self) -> &Value {
        &self.json
    }
}

/// Foreign bytes as a JSON string, escaped as everywhere.
pub fn foreign(bytes: &[u8]) -> Value {
    Cell::foreign(bytes).json
}

/// A cell, or a dash.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or_else(Self::none, Into::into)
    }
}
