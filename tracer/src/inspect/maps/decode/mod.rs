//! What the entries of known dataplanes' maps mean.
//!
//! A [`Decoder`] is a file that knows one kind of map: it recognises it by pin, name, type and sizes ([`Decoder::recognise`]),
//! and the [`Layout`] it answers with turns the bytes of an entry into a row. What is recognised by its name, but is not of a
//! size that some release has, is said to be so ([`Recognition::Unknown`]): nothing here guesses. No I/O, no privileges.

pub mod balancing;
mod bytes;
pub mod calico;
pub mod cilium;
pub mod merbridge;
#[cfg(test)]
pub(crate) mod testing;
pub mod versions;
pub mod words;

use std::cmp::Ordering;

use thiserror::Error;

pub use self::bytes::Bytes;
use self::versions::Versions;
use crate::model::{Decoded, Form};

/// Every decoder there is.
pub const DECODERS: &[&[&dyn Decoder]] =
    &[cilium::DECODERS, calico::DECODERS, merbridge::DECODERS, balancing::DECODERS];

/// One kind of map of one dataplane.
pub trait Decoder: Sync {
    /// The dataplane, as the command is called: `cilium`.
    fn dataplane(&self) -> &'static str;

    /// What the map holds, as the command is called: `ipcache`.
    fn name(&self) -> &'static str;

    /// Whether this map is of this kind, and how its entries are laid out.
    fn recognise(&self, map: &Subject<'_>) -> Recognition;

    /// The table of its layouts, where one says it all.
    fn versions(&self) -> Option<&Versions> {
        None
    }
}

/// What is known of a map before its entries are read.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name, of which the kernel keeps 15 bytes.
    pub name: &'a str,
    /// The last part of the path of a pin: the whole name.
    pub pin: Option<&'a str>,
    /// `enum bpf_map_type`.
    pub kind: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value; of one CPU's where there is one for each.
    pub value_size: u32,
    /// The dataplane's release (major, minor), where it is known: some layouts differ in nothing that the kernel shows.
    pub release: Option<(u16, u16)>,
    /// Nanoseconds of the monotonic clock, for what is told as an age.
    pub now: u64,
}

impl Subject<'_> {
    /// Type, bytes of a key, bytes of a value.
    pub fn shape(&self) -> (u32, u32, u32) {
        (self.kind, self.key_size, self.value_size)
    }

    /// Whether the map is called so: by its pin, or else by what the kernel keeps of the name.
    pub fn is_called(&self, name: &str) -> bool {
        match self.pin {
            Some(pin) => pin == name,
            None => self.name == kept(name),
        }
    }

    /// The same for names that go on with something else, a number mostly.
    pub fn begins_with(&self, prefix: &str) -> bool {
        self.pin.unwrap_or(self.name).starts_with(if self.pin.is_some() { prefix } else { kept(prefix) })
    }

    /// The name to show: the whole one if there is a pin.
    pub fn label(&self) -> &str {
        self.pin.unwrap_or(self.name)
    }

    /// The answer for a map with a known name whose type or sizes no known release has.
    pub fn misfit(&self) -> Recognition {
        Recognition::Unknown(format!(
            "no known release has a map `{}` of type {} with keys of {} and values of {} bytes",
            self.label(),
            self.kind,
            self.key_size,
            self.value_size
        ))
    }
}

/// What the kernel keeps of a map's name (`BPF_OBJ_NAME_LEN` less the end mark).
fn kept(name: &str) -> &str {
    name.get(..15).unwrap_or(name)
}

/// Types of maps (`enum bpf_map_type`), whose numbers never change.
pub mod kind {
    /// `BPF_MAP_TYPE_HASH`
    pub const HASH: u32 = 1;
    /// `BPF_MAP_TYPE_ARRAY`
    pub const ARRAY: u32 = 2;
    /// `BPF_MAP_TYPE_PERCPU_HASH`
    pub const PERCPU_HASH: u32 = 5;
    /// `BPF_MAP_TYPE_PERCPU_ARRAY`
    pub const PERCPU_ARRAY: u32 = 6;
    /// `BPF_MAP_TYPE_LRU_HASH`
    pub const LRU_HASH: u32 = 9;
    /// `BPF_MAP_TYPE_LRU_PERCPU_HASH`
    pub const LRU_PERCPU_HASH: u32 = 10;
    /// `BPF_MAP_TYPE_LPM_TRIE`
    pub const LPM_TRIE: u32 = 11;
    /// `BPF_MAP_TYPE_HASH_OF_MAPS`
    pub const HASH_OF_MAPS: u32 = 13;
    /// `BPF_MAP_TYPE_SOCKHASH`
    pub const SOCKHASH: u32 = 18;
}

/// What a decoder says about a map.
pub enum Recognition {
    /// A map of something else.
    Other,
    /// By its name it is one of these, but not in a layout that is known; why.
    Unknown(String),
    /// One of these.
    Known(Box<dyn Layout>),
}

impl Recognition {
    /// One of these, laid out so.
    pub fn known(layout: impl Layout + 'static) -> Self {
        Self::Known(Box::new(layout))
    }
}

/// How the entries of a recognised map are laid out.
pub trait Layout: Send + Sync {
    /// Headings of the columns; of [`Form::Lines`] there are none.
    fn titles(&self) -> &'static [&'static str];

    /// How the dataplane's own tool sets out the cells.
    fn form(&self) -> Form {
        Form::Columns
    }

    /// The order in which rows are listed; nothing but a stable one is asked for where the tool itself has none.
    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        one.key.cmp(other.key)
    }

    /// What an entry says; `None` for one that the dataplane's own tool passes over too.
    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit>;
}

/// An entry as the kernel handed it over.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; where there is one for each CPU, all of them, each filled up to a multiple of 8 bytes.
    pub value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Key and value, if they are as long as they should be.
    pub fn sized(&self, key: usize, value: usize) -> Result<(Bytes<'a>, Bytes<'a>), Misfit> {
        if (self.key.len(), self.value.len()) == (key, value) {
            Ok((Bytes(self.key), Bytes(self.value)))
        } else {
            Err(self.misfit(key, value))
        }
    }

    /// The key and the values of all CPUs, if they are as long as they should be.
    pub fn sized_per_cpu(
        &self,
        key: usize,
        value: usize,
    ) -> Result<(Bytes<'a>, impl Iterator<Item = Bytes<'a>>), Misfit> {
        let each = value.next_multiple_of(8);
        if self.key.len() == key && !self.value.is_empty() && self.value.len().is_multiple_of(each) {
            Ok((Bytes(self.key), self.value.chunks_exact(each).map(Bytes)))
        } else {
            Err(self.misfit(key, value))
        }
    }

    fn misfit(&self, key: usize, value: usize) -> Misfit {
        Misfit { key, value, got: (self.key.len(), self.value.len()) }
    }
}

/// An entry that is not as long as the map's sizes say.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the kernel handed over {} and {} bytes of an entry, not {key} and {value}", got.0, got.1)]
pub struct Misfit {
    key: usize,
    value: usize,
    got: (usize, usize),
}

/// A layout, or why there is none.
pub type Answer = Result<Box<dyn Layout>, String>;

/// The first decoder that knows the layout; without one the first that knows the name, with why that is not enough. Several
/// maps may go by what the kernel keeps of a name.
pub fn recognise(map: &Subject<'_>) -> Option<(&'static dyn Decoder, Answer)> {
    let mut unknown = None;
    for &decoder in DECODERS.iter().copied().flatten() {
        match decoder.recognise(map) {
            Recognition::Other => {}
            Recognition::Unknown(why) => unknown = unknown.or(Some((decoder, Err(why)))),
            Recognition::Known(layout) => return Some((decoder, Ok(layout))),
        }
    }
    unknown
}

#[cfg(test)]
mod tests;
