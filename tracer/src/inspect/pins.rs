//! What is pinned where: every file of every BPF file system that this process sees.

use std::{
    collections::HashMap,
    ffi::CString,
    fs, io,
    os::{fd::AsRawFd as _, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
};

use super::{
    fdinfo,
    sys::{self, Object},
};
use crate::kernel::Root;

/// Folders within folders that are followed.
const DEEPEST: usize = 32;
/// Files that are looked at.
const MOST: usize = 1 << 18;

/// Which files lead to what.
#[derive(Debug, Default)]
pub struct Pins {
    pinned: HashMap<(Object, u32), Vec<PathBuf>>,
    /// Files and folders that could not be opened, or were too many.
    pub unreadable: u64,
    files: usize,
}

impl Pins {
    /// Looks at every BPF file system that `/proc/self/mountinfo` names.
    pub fn read(root: &Root) -> Self {
        let mut pins = Self::default();
        for mount in mounts(&root.text("/proc/self/mountinfo").unwrap_or_default()) {
            pins.look(&root.path(mount), 0);
        }
        for paths in pins.pinned.values_mut() {
            paths.sort_unstable();
        }
        pins
    }

    /// Where the map is pinned.
    pub fn of_map(&self, id: u32) -> &[PathBuf] {
        self.of(Object::Map, id)
    }

    /// Where the program is pinned, itself.
    pub fn of_program(&self, id: u32) -> &[PathBuf] {
        self.of(Object::Program, id)
    }

    /// Where the link is pinned.
    pub fn of_link(&self, id: u32) -> &[PathBuf] {
        self.of(Object::Link, id)
    }

    fn of(&self, object: Object, id: u32) -> &[PathBuf] {
        self.pinned.get(&(object, id)).map_or(&[], Vec::as_slice)
    }

    fn look(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder).map(Iterator::flatten).map_err(|_| self.unreadable += 1) else { return };
        for entry in entries {
            let path = entry.path();
            self.files += 1;
            match entry.file_type() {
                _ if self.files > MOST || depth > DEEPEST => self.unreadable += 1,
                Ok(kind) if kind.is_dir() => self.look(&path, depth + 1),
                Ok(kind) if kind.is_file() => match object(&path) {
                    Ok(Some(what)) => self.pinned.entry(what).or_default().push(path),
                    Ok(None) => {}
                    Err(_) => self.unreadable += 1,
                },
                _ => {}
            }
        }
    }
}

/// What a pin leads to. Links cannot be opened for reading only.
fn object(path: &Path) -> io::Result<Option<(Object, u32)>> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    let handle = sys::pinned(&name).or_else(|_| sys::pinned_link(&name))?;
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd()))?;
    Ok(fdinfo::held(&text).map(|held| (held.object, held.id)))
}

/// Where BPF file systems are mounted, each folder once.
fn mounts(mountinfo: &str) -> Vec<PathBuf> {
    let mut mounts: Vec<PathBuf> = Vec::new();
    for line in mountinfo.lines() {
        // 36 35 98:0 /root /where options… - kind source options
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let place = before.split(' ').nth(4).filter(|_| after.split(' ').next() == Some("bpf"));
        let place = place.map(|place| PathBuf::from(unescaped(place)));
        mounts.extend(place.filter(|place| !mounts.contains(place)));
    }
    mounts
}

/// The kernel writes white space and the backslash as `\NNN`.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = (bytes[at] == b'\\').then(|| text.get(at + 1..at + 4)).flatten();
        let (byte, taken) = match octal.and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(byte) => (byte, 4),
            None => (bytes[at], 1),
        };
        out.push(byte);
        at += taken;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_their_kind() {
        let text = "\
22 1 0:21 / /proc rw - proc proc rw
30 24 0:27 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700
31 24 0:27 / /sys/fs/bpf rw - bpf bpf rw
40 24 0:30 / /run/a\\040b rw - bpf none rw
41 24 0:30 / /run/bpf rw - tmpfs bpf rw
broken
";
        assert_eq!(mounts(text), [Path::new("/sys/fs/bpf"), Path::new("/run/a b")]);
    }
}
