//! Programs at control groups and at maps of sockets.

use super::Container;

/// A program that is attached to a control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupRow {
    /// Path of the control group, as it is mounted; foreign bytes.
    pub path: Vec<u8>,
    /// The container or pod that the path belongs to.
    pub container: Option<Container>,
    /// As bpftool says it: `cgroup_inet4_connect`.
    pub hook: String,
    /// Which one at this hook, from 1 on, in order of execution.
    pub order: u32,
    /// `BPF_F_ALLOW_OVERRIDE`, `BPF_F_ALLOW_MULTI`
    pub flags: u32,
    /// Id of the program.
    pub program: u32,
    /// Its name; foreign bytes, empty where it is not known.
    pub name: Vec<u8>,
    /// Id of the link that attaches it, if that is one and can be told.
    pub link: Option<u32>,
    /// `attach_btf_obj_id` and `attach_btf_id` of the program: the function of an LSM hook; 0 of all others.
    pub target: (u32, u32),
    /// That function's name.
    pub function: Option<String>,
}

/// A program that is run for the sockets of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SockMapRow {
    /// Id of the map.
    pub map: u32,
    /// Its name; foreign bytes.
    pub map_name: Vec<u8>,
    /// As bpftool says it: `sk_msg_verdict`.
    pub hook: &'static str,
    /// Id of the program.
    pub program: u32,
    /// Its name; foreign bytes, empty where it is not known.
    pub name: Vec<u8>,
    /// Id of the link that attaches it, if it is one.
    pub link: Option<u32>,
}
