//! An entry of a dataplane's map, in words and for scripts.

use std::{borrow::Cow, net::IpAddr};

/// Hardly an entry has more fields.
const USUAL_FIELDS: usize = 16;

/// What an entry of a map says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What the dataplane's own tool prints of it, a text a column.
    pub cells: Vec<String>,
    /// The same by name, in the order of JSON keys.
    pub fields: Vec<(&'static str, Datum)>,
}

impl Decoded {
    /// A row with these cells and no fields yet.
    pub fn new<const N: usize>(cells: [String; N]) -> Self {
        Self { cells: cells.into(), fields: Vec::with_capacity(USUAL_FIELDS) }
    }

    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Datum>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

/// How a tool sets out the cells of its rows. They are padded to the widest of their column, and what differs is what is
/// done about the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The last cell is not padded.
    Columns,
    /// The last cell is padded too, but not the last heading. What has the same first cell as the row before leaves it empty.
    Pairs,
    /// The last cell and the last heading are padded too.
    Padded,
    /// One cell, and no heading.
    Lines,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// Not there, or not known.
    Nothing,
    /// True or false.
    Truth(bool),
    /// A number.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// Text; of foreign bytes too, so it is escaped before a terminal sees it. Most are words that are known before, of
    /// which a large map has millions.
    Text(Cow<'static, str>),
    /// Several of them.
    List(Vec<Datum>),
}

impl Datum {
    /// A list of texts.
    pub fn texts<T: Into<Cow<'static, str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }
}

impl From<bool> for Datum {
    fn from(value: bool) -> Self {
        Self::Truth(value)
    }
}

impl From<String> for Datum {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<&'static str> for Datum {
    fn from(value: &'static str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Cow<'static, str>> for Datum {
    fn from(value: Cow<'static, str>) -> Self {
        Self::Text(value)
    }
}

impl From<IpAddr> for Datum {
    fn from(value: IpAddr) -> Self {
        Self::Text(value.to_string().into())
    }
}

impl<T: Into<Datum>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

macro_rules! from_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Datum {
            fn from(value: $number) -> Self {
                Self::Number(value.into())
            }
        }
    )*};
}
from_numbers!(u8, u16, u32, u64);
