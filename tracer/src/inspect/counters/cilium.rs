//! Cilium's own counts of drops, by reason, from its map of metrics.

use super::files::Found;
use crate::{
    inspect::{
        Error,
        cilium::{Cilium, Wanted},
        maps::{
            Map,
            decode::{Entry, cilium::metrics},
        },
    },
    kernel::Root,
};

/// The maps, opened while that is allowed.
#[derive(Debug)]
pub(super) struct Metrics {
    cilium: Cilium,
}

impl Metrics {
    /// Looks for the map; `None` on a machine without Cilium.
    pub(super) fn find(root: &Root) -> Option<Self> {
        let cilium = Cilium::find(root, &Wanted::default()).ok()?;
        let found = cilium.of(&metrics::Map).next().is_some();
        found.then_some(Self { cilium })
    }

    /// Reads the drops: where they were counted, why, and how many. What could not be read is said in `notes`.
    pub(super) fn read(&self, notes: &mut Vec<String>) -> Vec<Found> {
        let mut found = Vec::new();
        for (map, answer) in self.cilium.of(&metrics::Map) {
            let read = match answer {
                Ok(_) => drops(&map.map, self.cilium.minor, &mut found).map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            if let Err(why) = read {
                notes.push(format!("Cilium's counts of drops are not shown: {why}"));
            }
        }
        found
    }
}

fn drops(map: &Map, minor: u16, found: &mut Vec<Found>) -> Result<(), Error> {
    let mut entries = map.entries()?;
    while let Some(entry) = entries.next_entry()? {
        let entry = Entry { key: entry.key, value: entry.value.raw() };
        // An entry that is not as long as it should be has no meaning.
        let Ok(metric) = metrics::Metric::read(&entry, minor) else { continue };
        if metric.is_drop() {
            let mut at = metric.direction.to_lowercase();
            // Before 1.16 programs left these members at 0, whatever reads them.
            if let Some((line, file)) = metric.place.as_ref().filter(|(line, _)| *line > 0) {
                at = format!("{at} {file}:{line}");
            }
            found.push((at, metric.reason, metric.packets));
        }
    }
    Ok(())
}
