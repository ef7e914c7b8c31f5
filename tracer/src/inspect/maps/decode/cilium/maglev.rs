//! `cilium_lb4_maglev`, `cilium_lb6_maglev`: for each service a table of its backends, from which a hash of the packet chooses.
//! The tables are maps of their own, `cilium_maglev_inner`, with one entry.

use std::collections::BTreeMap;

use super::version;
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind, versions::Versions},
    model::{Datum, Decoded, Form},
};

/// Services with the ids of the maps that are their tables.
pub static SERVICES: Versions = Versions {
    dataplane: "cilium",
    name: "maglev",
    titles: &["SVC ID", "LOOKUP TABLE"],
    form: Form::Pairs,
    known: &[
        version!("cilium_lb4_maglev", HASH_OF_MAPS, 2, 4, false),
        version!("cilium_lb6_maglev", HASH_OF_MAPS, 2, 4, true),
    ],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (id, map) = (key.be16(0), value.u32(0));
        let row = Decoded::new([id.to_string(), format!("map {map}")]);
        Ok(Some(row.with("rev_nat", id).with("table_map", map)))
    },
};

/// The decoder of a table.
pub struct Table;

impl Decoder for Table {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "maglev-table"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        if !map.is_called("cilium_maglev_inner") {
            return Recognition::Other;
        }
        match map.shape() {
            (kind::ARRAY, 4, value) if value > 0 && value % 4 == 0 => Recognition::known(Places(value as usize)),
            _ => map.misfit(),
        }
    }
}

/// How many bytes all places of a table take.
struct Places(usize);

impl Layout for Places {
    fn titles(&self) -> &'static [&'static str] {
        &["PLACES", "BACKENDS"]
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        entry.sized(4, self.0)?;
        let shares = shares(entry.value);
        let row = Decoded::new([(self.0 / 4).to_string(), text(&shares)]);
        Ok(Some(with_shares(row, self.0 / 4, &shares)))
    }
}

/// A service whose table has been read.
pub fn joined(service: &Decoded, table: &[u8]) -> Decoded {
    let shares = shares(table);
    let mut row = service.clone();
    if let Some(cell) = row.cells.get_mut(1) {
        *cell = text(&shares);
    }
    with_shares(row, table.len() / 4, &shares)
}

/// Backends with the places that each has.
fn shares(table: &[u8]) -> BTreeMap<u32, u64> {
    let mut shares = BTreeMap::new();
    for place in table.chunks_exact(4) {
        *shares.entry(Bytes(place).u32(0)).or_default() += 1;
    }
    shares
}

/// `9 at 8191 of 16381 places, 7 at 8190`: the table itself has up to 131 071 numbers.
fn text(shares: &BTreeMap<u32, u64>) -> String {
    let all: u64 = shares.values().sum();
    let parts = shares.iter().enumerate().map(|(number, (backend, places))| match number {
        0 => format!("{backend} at {places} of {all} places"),
        _ => format!("{backend} at {places}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn with_shares(row: Decoded, places: usize, shares: &BTreeMap<u32, u64>) -> Decoded {
    let backends = shares.keys().map(|backend| Datum::from(*backend)).collect();
    let counts = shares.values().map(|count| Datum::from(*count)).collect();
    row.with("places", places as u64)
        .with("backend_ids", Datum::List(backends))
        .with("backend_places", Datum::List(counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::{decode, fields, subject};

    #[test]
    fn shares_of_backends() {
        let map = subject("cilium_lb4_maglev", kind::HASH_OF_MAPS, 2, 4);
        let service = decode(&SERVICES, &map, "0102", "39000000");
        assert_eq!(service.cells, ["258", "map 57"]);
        let table = [9_u32, 7, 9].map(u32::to_ne_bytes).concat();
        let row = joined(&service, &table);
        assert_eq!(row.cells, ["258", "7 at 1 of 3 places, 9 at 2"]);
        let expected = "rev_nat=258 table_map=57 places=3 backend_ids=[7,9] backend_places=[1,2]";
        assert_eq!(fields(&row), expected);
    }

    #[test]
    fn a_table_alone() {
        let map = subject("cilium_maglev_inner", kind::ARRAY, 4, 12);
        let row = decode(&Table, &map, "00000000", "09000000 07000000 09000000");
        assert_eq!(row.cells, ["3", "7 at 1 of 3 places, 9 at 2"]);
        let odd = subject("cilium_maglev_inner", kind::ARRAY, 4, 13);
        assert!(matches!(Table.recognise(&odd), Recognition::Unknown(_)));
    }
}
