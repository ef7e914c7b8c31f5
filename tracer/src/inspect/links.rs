//! BPF links: what holds a program at a hook.

use std::{collections::HashMap, os::fd::AsFd as _};

use super::{
    Error,
    sys::{self, LinkInfo, Object},
};

/// `BPF_LINK_TYPE_XDP`, `BPF_LINK_TYPE_NETFILTER`.
const XDP: u32 = 6;
const NETFILTER: u32 = 10;
/// `BPF_LINK_TYPE_CGROUP`, `BPF_LINK_TYPE_SOCKMAP`.
const CGROUP: u32 = 3;
const SOCKMAP: u32 = 14;

/// A link of XDP: the kernel tells the device's number, but not its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct XdpLink {
    pub(super) id: u32,
    pub(super) program: u32,
    pub(super) device: u32,
}

/// A link of netfilter: the kernel does not tell its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetfilterLink {
    pub(super) id: u32,
    pub(super) program: u32,
    /// `NFPROTO_IPV4` and its like.
    pub(super) family: u32,
    /// `NF_INET_PRE_ROUTING` and its like.
    pub(super) hook: u32,
    pub(super) priority: i32,
    pub(super) flags: u32,
}

/// The links of a kernel that belong to the network.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) xdp: Vec<XdpLink>,
    pub(super) netfilter: Vec<NetfilterLink>,
    /// By control group, hook and program.
    cgroups: HashMap<(u64, u32, u32), u32>,
    /// By map, hook and program.
    maps: HashMap<(u32, u32, u32), u32>,
}

impl Links {
    /// Looks at every link. One that goes meanwhile, or that the kernel says nothing of, is passed over.
    pub(super) fn read() -> Result<Self, Error> {
        let mut links = Self::default();
        let mut last = 0;
        let refused = |error| Error::asking("listing links", "CAP_SYS_ADMIN", error);
        while let Some(id) = sys::next_id(Object::Link, last).map_err(refused)? {
            last = id;
            let info = sys::by_id(Object::Link, id).and_then(|link| sys::link_info(link.as_fd()));
            if let Ok(info) = info {
                links.note(&info);
            }
        }
        links.netfilter.sort_by_key(|link| (link.family, link.hook, link.priority, link.id));
        Ok(links)
    }

    /// The link that attaches a program to a control group.
    pub(super) fn of_cgroup(&self, group: u64, hook: u32, program: u32) -> Option<u32> {
        self.cgroups.get(&(group, hook, program)).copied()
    }

    /// The link that attaches a program to a map of sockets.
    pub(super) fn of_map(&self, map: u32, hook: u32, program: u32) -> Option<u32> {
        self.maps.get(&(map, hook, program)).copied()
    }

    fn note(&mut self, info: &LinkInfo) {
        let (id, program) = (info.id, info.program);
        let [first, second, third, fourth, ..] = info.words;
        match info.kind {
            XDP => self.xdp.push(XdpLink { id, program, device: first }),
            NETFILTER => self.netfilter.push(NetfilterLink {
                id,
                program,
                family: first,
                hook: second,
                priority: third.cast_signed(),
                flags: fourth,
            }),
            CGROUP => {
                let group = u64::from(second) << 32 | u64::from(first);
                self.cgroups.insert((group, third, program), id);
            }
            SOCKMAP => drop(self.maps.insert((first, second, program), id)),
            _ => {}
        }
    }
}
