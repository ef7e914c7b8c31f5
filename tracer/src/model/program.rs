//! A BPF program, as the kernel describes it.

use std::path::PathBuf;

use super::{Name, Process, map::Offload};

/// A `bpf_prog_type`, known to us or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramKind(pub u32);

/// By number; the names are bpftool's.
const NAMES: [&str; 33] = [
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

impl ProgramKind {
    /// As bpftool calls it; `None` for a kind that is newer than this program.
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(self.0 as usize).copied()
    }
}

/// What the kernel says of a program (`struct bpf_prog_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInfo {
    /// `bpf_prog_info.id`
    pub id: u32,
    /// `bpf_prog_info.type`
    pub kind: ProgramKind,
    /// `bpf_prog_info.name`: the first 15 bytes of the name.
    pub name: Name,
    /// The whole name, from the program's own types.
    pub function: Option<String>,
    /// `bpf_prog_info.tag`
    pub tag: [u8; 8],
    /// `bpf_prog_info.gpl_compatible`
    pub gpl: bool,
    /// `bpf_prog_info.load_time`, nanoseconds since boot.
    pub loaded_at: u64,
    /// `bpf_prog_info.created_by_uid`
    pub uid: u32,
    /// `bpf_prog_info.xlated_prog_len`
    pub translated_bytes: u32,
    /// `bpf_prog_info.jited_prog_len`; 0 where it is interpreted, or hidden from this process.
    pub native_bytes: u32,
    /// `bpf_prog_info.map_ids`
    pub maps: Vec<u32>,
    /// `bpf_prog_info.btf_id`, if it has types.
    pub btf: Option<u32>,
    /// `bpf_prog_info.run_time_ns`
    pub run_time: u64,
    /// `bpf_prog_info.run_cnt`
    pub runs: u64,
    /// `bpf_prog_info.recursion_misses`
    pub misses: u64,
    /// `bpf_prog_info.verified_insns`
    pub verified: u32,
    /// `bpf_prog_info.attach_btf_obj_id`: the types in which the function that it is attached to is found; 0 without any.
    pub target_btf: u32,
    /// `bpf_prog_info.attach_btf_id`: that function.
    pub target: u32,
    /// The device that it was loaded for, if it is offloaded.
    pub offload: Option<Offload>,
    /// That device is gone: the kernel knows nothing more of the program.
    pub orphaned: bool,
}

impl ProgramInfo {
    /// The whole name where that is known; foreign bytes.
    pub fn full_name(&self) -> &[u8] {
        self.function.as_ref().map_or_else(|| self.name.bytes(), |name| name.as_bytes())
    }
}

/// A program with what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramRow {
    /// What the kernel says of it.
    pub info: ProgramInfo,
    /// Memory that it takes, bytes, if the kernel says so.
    pub memory: Option<u64>,
    /// Runs are counted at present (`kernel.bpf_stats_enabled`).
    pub counted: bool,
    /// Files that it is pinned to.
    pub pins: Vec<PathBuf>,
    /// Processes that hold it, or a link that has it, open.
    pub owners: Vec<Process>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_bpftools_names() {
        let names = [3, 6, 18, 26, 32].map(|number| ProgramKind(number).name().unwrap());
        assert_eq!(names, ["sched_cls", "xdp", "cgroup_sock_addr", "tracing", "netfilter"]);
        assert_eq!(ProgramKind(99).name(), None);
    }
}
