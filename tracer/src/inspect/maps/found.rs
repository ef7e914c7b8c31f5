//! The maps of a dataplane: those that it has pinned, or else those whose names begin as its maps' do.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Map, decode::Subject, open::all};
use crate::{inspect::Error, kernel::Root};

/// A map that was found.
#[derive(Debug)]
pub struct Found {
    /// The map, open.
    pub map: Map,
    /// Where it is pinned, if that is how it was found.
    pub path: Option<PathBuf>,
    /// What the kernel keeps of its name.
    name: String,
    /// The last part of the path.
    pin: Option<String>,
}

impl Found {
    fn new(map: Map, path: Option<PathBuf>) -> Self {
        let name = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
        let pin = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        Self { map, path, name, pin }
    }

    /// What decoders ask for; `now` is of the monotonic clock, in nanoseconds.
    pub fn subject(&self, release: Option<(u16, u16)>, now: u64) -> Subject<'_> {
        let info = &self.map.info;
        Subject {
            name: &self.name,
            pin: self.pin.as_deref(),
            kind: info.kind.0,
            key_size: info.key_bytes,
            value_size: info.value_bytes,
            release,
            now,
        }
    }

    /// As [`Map::pin_lost`]; nothing of a map that was found by its name.
    pub fn pin_lost(&self) -> Option<String> {
        self.map.pin_lost(self.path.as_deref()?)
    }

    /// The name to show: the whole one if it is pinned.
    pub fn label(&self) -> &str {
        self.pin.as_deref().unwrap_or(&self.name)
    }
}

/// Maps whose names begin with `prefix`, by name: those that are pinned in the folders, or, if none is and `or_named`, all that
/// the kernel has. A map that is removed meanwhile is left out.
pub fn find(root: &Root, folders: &[PathBuf], prefix: &str, or_named: bool) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(pinned(&root.path(folder), prefix)?);
    }
    if found.is_empty() && or_named {
        for map in all()? {
            let map = map?;
            if map.info.name.bytes().starts_with(prefix.as_bytes()) {
                found.push(Found::new(map, None));
            }
        }
    }
    // The same map may be pinned twice.
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.map.info.id));
    found.sort_by(|one, other| one.label().cmp(other.label()));
    Ok(found)
}

fn pinned(folder: &Path, prefix: &str) -> Result<Vec<Found>, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::PermissionDenied => {
            Error::NotPermitted { what: "looking into the BPF file system", capability: "CAP_DAC_OVERRIDE" }
        }
        _ => Error::Pin { path: folder.to_owned(), source },
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        match Map::by_pin(&entry.path()) {
            Ok(map) => found.push(Found::new(map, Some(entry.path()))),
            // Unpinned since, a folder, a program or a link.
            Err(Error::Other { .. }) => {}
            Err(Error::Pin { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(Error::Pin { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::NotPermitted { what: "opening pinned maps", capability: "CAP_BPF" });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_pins_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cilium_lxc"), b"").unwrap();
        fs::create_dir(folder.path().join("cilium_ipcache")).unwrap();
        // Where BPF is not permitted at all, that is the answer.
        match pinned(folder.path(), "cilium_") {
            Ok(found) => assert!(found.is_empty()),
            Err(Error::NotPermitted { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(pinned(folder.path(), "calico_").unwrap().is_empty());
        assert!(pinned(&folder.path().join("none"), "cilium_").unwrap().is_empty());
    }
}
