//! All maps with what surrounds them: pins, owners, how many entries.

use std::os::fd::{AsFd as _, AsRawFd as _};

use super::{Map, open};
use crate::{
    inspect::{Error, fdinfo, owners::Owners, pins::Pins},
    kernel::Root,
    model::{MapRow, map::Entries},
};

/// How far entries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// To this many a map, which takes some thousandths of a second.
    Bounded(u64),
    /// To the end.
    Whole,
}

/// Every map there is now, by its id.
pub fn rows(root: &Root, pins: &Pins, owners: &Owners, depth: Depth) -> Result<Vec<MapRow>, Error> {
    let mut rows = Vec::new();
    for map in open::all()? {
        let map = map?;
        let id = map.info.id;
        let own = root.text(format!("/proc/self/fdinfo/{}", map.as_fd().as_raw_fd())).ok();
        let own = own.and_then(|text| fdinfo::held(&text));
        rows.push(MapRow {
            info: map.info,
            memory: own.and_then(|own| own.memory),
            frozen: own.is_some_and(|own| own.frozen),
            takes: own.and_then(|own| own.takes),
            entries: count(&map, depth),
            pins: pins.of_map(id).to_vec(),
            owners: owners.of_map(id).to_vec(),
        });
    }
    Ok(rows)
}

/// Counts entries. What is an array, by all means, has as many as it has places.
fn count(map: &Map, depth: Depth) -> Entries {
    if map.info.kind.is_array() {
        return Entries::Counted(map.info.most_entries.into());
    }
    let counted = |depth| -> Result<Entries, Error> {
        let mut entries = map.entries()?;
        let mut count = 0;
        while entries.next_entry()?.is_some() {
            if Depth::Bounded(count) == depth {
                return Ok(Entries::MoreThan(count));
            }
            count += 1;
        }
        Ok(Entries::Counted(count))
    };
    counted(depth).unwrap_or_else(|error| match error {
        Error::Unlistable { .. } => Entries::Unlistable,
        _ => Entries::Unread,
    })
}
