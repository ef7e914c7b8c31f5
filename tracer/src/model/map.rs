//! A BPF map, as the kernel describes it.

use std::path::PathBuf;

use super::{Name, Process, ProgramKind};

/// A `bpf_map_type`, known to us or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapKind(pub u32);

/// By number; the names are bpftool's.
const NAMES: [&str; 35] = [
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
];

impl MapKind {
    /// `BPF_MAP_TYPE_HASH`.
    pub const HASH: Self = Self(1);
    /// `BPF_MAP_TYPE_ARRAY`.
    pub const ARRAY: Self = Self(2);
    /// `BPF_MAP_TYPE_PROG_ARRAY`.
    pub const PROG_ARRAY: Self = Self(3);
    /// `BPF_MAP_TYPE_PERCPU_HASH`.
    pub const PERCPU_HASH: Self = Self(5);
    /// `BPF_MAP_TYPE_PERCPU_ARRAY`.
    pub const PERCPU_ARRAY: Self = Self(6);
    /// `BPF_MAP_TYPE_LRU_HASH`.
    pub const LRU_HASH: Self = Self(9);
    /// `BPF_MAP_TYPE_LRU_PERCPU_HASH`.
    pub const LRU_PERCPU_HASH: Self = Self(10);
    /// `BPF_MAP_TYPE_LPM_TRIE`.
    pub const LPM_TRIE: Self = Self(11);
    /// `BPF_MAP_TYPE_ARRAY_OF_MAPS`.
    pub const ARRAY_OF_MAPS: Self = Self(12);
    /// `BPF_MAP_TYPE_HASH_OF_MAPS`.
    pub const HASH_OF_MAPS: Self = Self(13);
    /// `BPF_MAP_TYPE_SOCKMAP`.
    pub const SOCKMAP: Self = Self(15);
    /// `BPF_MAP_TYPE_SOCKHASH`.
    pub const SOCKHASH: Self = Self(18);

    /// As bpftool calls it; `None` for a kind that is newer than this program.
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(self.0 as usize).copied()
    }

    /// A value for each possible CPU under every key.
    pub fn is_per_cpu(self) -> bool {
        matches!(self.0, 5 | 6 | 10 | 21)
    }

    /// Its values stand for something else in the kernel (a program, an event, a control group, a map), by a number of 32 bits.
    pub fn holds_references(self) -> bool {
        matches!(self.0, 3 | 4 | 8 | 12 | 13)
    }

    /// Keys are the numbers from 0 to the most entries, all of them there.
    pub fn is_array(self) -> bool {
        matches!(self.0, 2 | 6)
    }
}

/// Where a map's keys and values are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapTypes {
    /// Id of the type information (BTF).
    pub btf: u32,
    /// Type of a key in it; 0 is none.
    pub key: u32,
    /// Type of a value in it; 0 is none.
    pub value: u32,
}

/// The device that a map or program was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offload {
    /// `ifindex`: its number.
    pub index: u32,
    /// `netns_dev`: where its namespace's file is.
    pub netns_device: u64,
    /// `netns_ino`: the number of its namespace.
    pub netns: u64,
}

impl Offload {
    /// From the three members that the kernel fills in; device 0 is none.
    pub fn of(index: u32, netns_device: u64, netns: u64) -> Option<Self> {
        (index != 0).then_some(Self { index, netns_device, netns })
    }
}

/// The programs that a map of programs takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// `owner_prog_type`
    pub kind: ProgramKind,
    /// `owner_jited`: in the machine's own language.
    pub native: bool,
}

/// What the kernel says of a map (`struct bpf_map_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// `bpf_map_info.id`
    pub id: u32,
    /// `bpf_map_info.type`
    pub kind: MapKind,
    /// `bpf_map_info.name`: the first 15 bytes of the name.
    pub name: Name,
    /// `bpf_map_info.key_size`
    pub key_bytes: u32,
    /// `bpf_map_info.value_size`
    pub value_bytes: u32,
    /// `bpf_map_info.max_entries`
    pub most_entries: u32,
    /// `bpf_map_info.map_flags`
    pub flags: u32,
    /// The device that holds it, if it is offloaded.
    pub offload: Option<Offload>,
    /// `bpf_map_info.map_extra`
    pub extra: u64,
    /// `bpf_map_info.btf_id` and its companions, if the map has any.
    pub types: Option<MapTypes>,
}

/// How many entries a map has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// So many.
    Counted(u64),
    /// More than were counted.
    MoreThan(u64),
    /// Its kind has none that can be listed.
    Unlistable,
    /// They could not be read.
    Unread,
}

/// A map with what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRow {
    /// What the kernel says of it.
    pub info: MapInfo,
    /// Memory that it takes, bytes, if the kernel says so.
    pub memory: Option<u64>,
    /// User space can no longer write to it.
    pub frozen: bool,
    /// What it takes, if it is one of programs that has been in use.
    pub takes: Option<Takes>,
    /// How many entries it has.
    pub entries: Entries,
    /// Files that it is pinned to.
    pub pins: Vec<PathBuf>,
    /// Processes that hold it open.
    pub owners: Vec<Process>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_bpftools_names() {
        let names = [0, 1, 11, 18, 26, 33].map(|number| MapKind(number).name().unwrap());
        assert_eq!(names, ["unspec", "hash", "lpm_trie", "sockhash", "struct_ops", "arena"]);
        assert_eq!(MapKind(99).name(), None);
    }
}
