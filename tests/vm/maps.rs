//! BPF maps for the cases: made, pinned and written to with plain system calls.

#![expect(unsafe_code, reason = "raw system calls")]

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, OwnedFd};

use anyhow::{Context, Result, ensure};
use aya_obj::generated::{bpf_attr, bpf_cmd};

use crate::bpf::{call, descriptor};
use crate::fixture;

/// `BPF_F_NO_PREALLOC`, without which there is no trie.
const NO_PREALLOC: u32 = 1;
const LPM_TRIE: u32 = 11;

/// A map.
pub(crate) struct Map {
    handle: OwnedFd,
    key: u32,
    value: u32,
}

impl Map {
    /// Makes a map of this type; of its name the kernel keeps what it has room for.
    pub(crate) fn new(name: &str, kind: u32, key: u32, value: u32, most: u32) -> Result<Self> {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: MAP_CREATE uses this member.
        let map = unsafe { &mut attr.__bindgen_anon_1 };
        map.map_type = kind;
        map.key_size = key;
        map.value_size = value;
        map.max_entries = most;
        map.map_flags = if kind == LPM_TRIE { NO_PREALLOC } else { 0 };
        for (slot, byte) in map.map_name.iter_mut().take(15).zip(name.bytes()) {
            *slot = byte.cast_signed();
        }
        let handle =
            descriptor(bpf_cmd::BPF_MAP_CREATE, &mut attr).with_context(|| format!("failed to make `{name}`"))?;
        Ok(Self { handle, key, value })
    }

    pub(crate) fn pin(&self, path: &str) -> Result<()> {
        let text = CString::new(path)?;
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        attr.__bindgen_anon_4.pathname = text.as_ptr() as u64;
        attr.__bindgen_anon_4.bpf_fd = self.handle.as_raw_fd() as u32;
        call(bpf_cmd::BPF_OBJ_PIN, &mut attr).with_context(|| format!("failed to pin `{path}`"))?;
        Ok(())
    }

    /// Sets a value; of a map that is per CPU the values of all, each filled up to a multiple of 8 bytes.
    pub(crate) fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        ensure!(key.len() == self.key as usize && value.len() >= self.value as usize, "an entry of the wrong size");
        self.element(bpf_cmd::BPF_MAP_UPDATE_ELEM, key, Some(value)).context("failed to write to a map")
    }

    /// Sets the values of an entry of a map that is per CPU.
    pub(crate) fn set_all(&self, entry: &fixture::Entry) -> Result<()> {
        self.set(&entry.key, &spread(&entry.values, possible_cpus()?))
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove(&self, key: &[u8]) -> Result<()> {
        match self.element(bpf_cmd::BPF_MAP_DELETE_ELEM, key, None) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.context("failed to remove from a map"),
        }
    }

    fn element(&self, command: bpf_cmd, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: these commands use this member.
        let element = unsafe { &mut attr.__bindgen_anon_2 };
        element.map_fd = self.handle.as_raw_fd() as u32;
        element.key = key.as_ptr() as u64;
        // The kernel wants zeros in what a command does not use.
        element.__bindgen_anon_1.value = value.map_or(0, |value| value.as_ptr() as u64);
        call(command, &mut attr).map(drop)
    }
}

/// Makes the maps of a fixture, fills them and pins them in the folder.
pub(crate) fn lay_out(fixture: &fixture::Fixture, folder: &str) -> Result<Vec<Map>> {
    fixture.maps.iter().map(|spec| filled(spec, folder)).collect()
}

fn filled(spec: &fixture::Map, folder: &str) -> Result<Map> {
    let map = Map::new(&spec.name, spec.kind, spec.key, spec.value, spec.most)?;
    for entry in &spec.entries {
        if spec.is_per_cpu() {
            map.set_all(entry)?;
        } else {
            map.set(&entry.key, &entry.values.concat())?;
        }
    }
    map.pin(&format!("{folder}/{}", spec.name))?;
    Ok(map)
}

/// Counters of some CPUs as those of this machine's: where it has fewer, one holds the sum of several.
fn spread(values: &[Vec<u8>], cpus: usize) -> Vec<u8> {
    let words = values[0].len() / 8;
    let mut all = vec![0_u64; words * cpus];
    for (place, value) in values.iter().enumerate() {
        for (word, bytes) in value.as_chunks().0.iter().enumerate() {
            all[place % cpus * words + word] += u64::from_ne_bytes(*bytes);
        }
    }
    all.into_iter().flat_map(u64::to_ne_bytes).collect()
}

/// As `0-3` says.
pub(crate) fn possible_cpus() -> Result<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = text.trim().rsplit(['-', ',']).next().unwrap_or("0");
    Ok(last.parse::<usize>()? + 1)
}
