//! BPF maps: opened by id, pin or name, described, and read entry by entry.
//!
//! ```text
//! let map = Map::open(&root, &"cilium_ipcache".parse()?)?;       // or Map::by_id(7), Map::by_pin(path)
//! let mut entries = map.entries()?;
//! while let Some(entry) = entries.next_entry()? {
//!     entry.key; entry.value.bytes(); entry.value.of_cpus();
//! }
//! entries.vanished();
//! ```
//!
//! A map that others write to meanwhile is read such that no entry comes twice, and none is invented or mixed from two
//! (but a value that a program changes in place may be caught halfway, as by any reader). Only one batch is held at a time.
//! What the bytes mean is the matter of [`decode`].

pub mod decode;
mod entries;
mod found;
mod gathered;
mod open;
mod order;
mod rows;
mod types;

pub use entries::{Entries, Entry, Value};
pub use found::{Found, find};
pub use gathered::Gathered;
pub(crate) use open::all;
pub use open::{Map, MapRef};
pub use rows::{Depth, rows};
pub use types::Types;

use super::{
    Error,
    sys::{self, Object},
};

/// Ids of all maps that there are now, in rising order.
pub fn ids() -> Result<Vec<u32>, Error> {
    let mut ids = Vec::new();
    let mut last = 0;
    while let Some(id) =
        sys::next_id(Object::Map, last).map_err(|e| Error::asking("listing maps", "CAP_SYS_ADMIN", e))?
    {
        ids.push(id);
        last = id;
    }
    Ok(ids)
}
