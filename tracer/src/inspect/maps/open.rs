//! Finding a map.

use std::{
    convert::Infallible,
    ffi::CString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
    str::FromStr,
};

use aya_obj::generated::bpf_map_info;

use super::{Entries, decode::Subject, ids};
use crate::{
    inspect::{
        Error,
        pins::Pins,
        sys::{self, Object},
    },
    kernel::{Root, cpus, nearest::nearest},
    model::{MapInfo, MapKind, MapTypes, Name, map::Offload},
};

/// Bytes that the kernel keeps of a name.
const NAME_BYTES: usize = 15;

/// What one may call a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapRef {
    /// Its id.
    Id(u32),
    /// A file that it is pinned to.
    Pin(PathBuf),
    /// Its name; of a longer one the kernel knows the first 15 bytes.
    Name(String),
}

impl FromStr for MapRef {
    type Err = Infallible;

    /// A number is an id, what has a slash a pin, everything else a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse() {
            Ok(id) => Self::Id(id),
            Err(_) if text.contains('/') => Self::Pin(text.into()),
            Err(_) => Self::Name(text.to_owned()),
        })
    }
}

/// An open map: it stays, whatever its owners do, as long as this value.
#[derive(Debug)]
pub struct Map {
    handle: OwnedFd,
    /// What the kernel says of it.
    pub info: MapInfo,
}

impl Map {
    /// The one map that is meant. Pins are looked up below `root`.
    pub fn open(root: &Root, wanted: &MapRef) -> Result<Self, Error> {
        match wanted {
            MapRef::Id(id) => Self::by_id(*id),
            MapRef::Pin(path) if path.is_absolute() => Self::by_pin(&root.path(path)),
            MapRef::Pin(path) => Self::by_pin(path),
            MapRef::Name(name) => Self::by_name(root, name),
        }
    }

    /// The map with this id.
    pub fn by_id(id: u32) -> Result<Self, Error> {
        let handle = sys::by_id(Object::Map, id).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOENT) => Error::Gone { what: "map", id },
            _ => Error::asking("opening maps by their ids", "CAP_SYS_ADMIN", error),
        })?;
        Self::new(handle)
    }

    /// The map that is pinned to a file.
    pub fn by_pin(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Pin { path: path.to_owned(), source };
        let other = || Error::Other { path: path.to_owned(), what: "pinned map" };
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
        let handle = sys::pinned(&name).map_err(|error| match error.raw_os_error() {
            // What is no file of the BPF file system at all, what is a folder of it, and what is a file of another kind.
            Some(libc::EACCES) if !is_bpf_file(path) || path.is_dir() => other(),
            Some(libc::EINVAL) => other(),
            _ => failed(error),
        })?;
        // A pinned program or link opens as well.
        Self::new(handle).map_err(|error| match error {
            Error::Ask { .. } => other(),
            error => error,
        })
    }

    /// Pins tell the whole name, of which the kernel keeps the beginning: what is pinned under another one is not meant.
    fn by_name(root: &Root, name: &str) -> Result<Self, Error> {
        let pins = Pins::read(root);
        let (mut pinned, mut called) = (Vec::new(), Vec::new());
        let mut names = Vec::new();
        for map in all()? {
            let map = map?;
            let whole: Vec<String> = pins.of_map(map.info.id).iter().filter_map(|pin| last_part(pin)).collect();
            let its = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
            let is_other = its != name && !whole.is_empty();
            if whole.iter().any(|whole| whole == name) {
                pinned.push(map);
            } else if is_called(its.as_bytes(), name.as_bytes()) && !is_other {
                called.push(map);
            }
            names.extend(whole);
            names.push(its);
        }
        let mut found = if pinned.is_empty() { called } else { pinned };
        match found.len() {
            1 => found.pop().ok_or(Error::Gone { what: "map", id: 0 }),
            0 => {
                let names = names.iter().map(String::as_str).filter(|name| !name.is_empty());
                Err(Error::Name { name: name.to_owned(), nearest: nearest(name, names).map(str::to_owned) })
            }
            _ => Err(Error::Several { name: name.to_owned(), ids: found.iter().map(|map| map.info.id).collect() }),
        }
    }

    fn new(handle: OwnedFd) -> Result<Self, Error> {
        let info = sys::map_info(handle.as_fd())
            .map_err(|source| Error::Ask { what: "asking the kernel about a map", source })?;
        Ok(Self { handle, info: described(&info) })
    }

    /// What has become of its pin since it was opened by that, in a sentence; nothing while it is there still.
    pub fn pin_lost(&self, pin: &Path) -> Option<String> {
        let (path, id) = (pin.display(), self.info.id);
        match Self::by_pin(pin) {
            Ok(map) if map.info.id == id => None,
            Ok(map) => Some(format!(
                "`{path}` leads to another map since ({} instead of {id}): these are entries of the former one",
                map.info.id
            )),
            Err(Error::Pin { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Some(format!("`{path}` was removed while map {id} was read: these are the entries that it had then"))
            }
            // That may be for other reasons, and says nothing of the map.
            Err(_) => None,
        }
    }

    /// What decoders ask of it. `name` is [`MapInfo::name`] as text, `pin` the last part of a pin's path.
    pub fn subject<'a>(&self, name: &'a str, pin: Option<&'a str>) -> Subject<'a> {
        Subject {
            name,
            pin,
            kind: self.info.kind.0,
            key_size: self.info.key_bytes,
            value_size: self.info.value_bytes,
            release: None,
            now: monotonic(),
        }
    }

    /// Its entries, one after the other.
    pub fn entries(&self) -> Result<Entries<'_>, Error> {
        let cpus = if self.info.kind.is_per_cpu() { possible_cpus()? } else { Vec::new() };
        Entries::new(self, cpus)
    }

    /// The value under `key`, for all CPUs one after the other where the map is per CPU; `None` if there is none.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let failed = |source| Error::Read { id: self.info.id, source };
        if key.len() != self.info.key_bytes as usize {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        let cpus = if self.info.kind.is_per_cpu() { possible_cpus()?.len() } else { 1 };
        let mut value = vec![0; self.value_room(cpus)?];
        match sys::lookup(self.handle.as_fd(), key, &mut value) {
            Ok(()) => Ok(Some(value)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Bytes that the kernel writes for one value.
    pub(super) fn value_room(&self, cpus: usize) -> Result<usize, Error> {
        let bytes = match self.info.kind {
            kind if kind.holds_references() => 4,
            kind if kind.is_per_cpu() => u64::from(self.info.value_bytes).next_multiple_of(8) * cpus as u64,
            _ => u64::from(self.info.value_bytes),
        };
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= MOST_VALUE_BYTES => Ok(bytes),
            _ => Err(Error::TooLarge { id: self.info.id, bytes }),
        }
    }
}

/// Most bytes of a value that are read: arrays that hold one large value are the section of a program at most.
const MOST_VALUE_BYTES: usize = 256 << 20;

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// All maps that there are now, opened one at a time; those that go meanwhile are left out.
pub(crate) fn all() -> Result<impl Iterator<Item = Result<Map, Error>>, Error> {
    let maps = ids()?.into_iter().map(Map::by_id);
    Ok(maps.filter(|map| !matches!(map, Err(Error::Gone { .. }))))
}

fn last_part(pin: &Path) -> Option<String> {
    Some(pin.file_name()?.to_string_lossy().into_owned())
}

/// The kernel's own name is cut.
fn is_called(its: &[u8], name: &[u8]) -> bool {
    its == name || (name.len() > NAME_BYTES && its == &name[..NAME_BYTES])
}

fn is_bpf_file(path: &Path) -> bool {
    use nix::sys::statfs;
    statfs::statfs(path).is_ok_and(|info| info.filesystem_type() == statfs::BPF_FS_MAGIC)
}

/// Nanoseconds of the clock by which BPF programs note times.
fn monotonic() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}

fn possible_cpus() -> Result<Vec<u32>, Error> {
    cpus::possible(&Root::system()).map_err(|source| Error::Ask { what: "finding the possible CPUs", source })
}

fn described(info: &bpf_map_info) -> MapInfo {
    let types = MapTypes { btf: info.btf_id, key: info.btf_key_type_id, value: info.btf_value_type_id };
    MapInfo {
        id: info.id,
        kind: MapKind(info.type_),
        name: Name(info.name.map(|byte| byte as u8)),
        key_bytes: info.key_size,
        value_bytes: info.value_size,
        most_entries: info.max_entries,
        flags: info.map_flags,
        offload: Offload::of(info.ifindex, info.netns_dev, info.netns_ino),
        extra: info.map_extra,
        types: (info.btf_id != 0).then_some(types),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant() {
        let cases = [
            ("7", MapRef::Id(7)),
            ("/sys/fs/bpf/x", MapRef::Pin("/sys/fs/bpf/x".into())),
            ("./7", MapRef::Pin("./7".into())),
            ("7x", MapRef::Name("7x".to_owned())),
            ("-7", MapRef::Name("-7".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected));
        }
    }

    #[test]
    fn names_are_known_by_what_the_kernel_keeps() {
        assert!(is_called(b"cilium_ipcache_", b"cilium_ipcache_v2"));
        assert!(is_called(b"cilium_ipcache_", b"cilium_ipcache_"));
        assert!(!is_called(b"cilium_ipcache", b"cilium_ipcache_v2"));
        assert!(!is_called(b"cilium", b"cilium_ipcache_v2"));
    }

    #[test]
    fn an_ordinary_file_is_no_map() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let shown = match Map::by_pin(file.path()).unwrap_err() {
            // What the kernel says where BPF is not permitted at all.
            Error::Pin { source, .. } => source.to_string(),
            error => error.to_string().replace(file.path().to_str().unwrap(), "FILE"),
        };
        assert!(
            ["`FILE` is no pinned map", "Operation not permitted (os error 1)"].contains(&shown.as_str()),
            "{shown}"
        );
    }
}
