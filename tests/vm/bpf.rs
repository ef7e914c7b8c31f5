//! Small BPF programs of our own, for the cases to attach: a few instructions each, with type information or without.
//!
//! They are loaded here rather than from object files, so that the host needs no compiler for them.

#![expect(unsafe_code, reason = "raw system calls")]

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use aya_obj::generated::{bpf_attr, bpf_attr__bindgen_ty_14, bpf_cmd, bpf_func_info, bpf_insn, bpf_prog_type};
use nix::sched::{CloneFlags, setns};

use crate::net::sh;
use crate::types;

/// Where programs are pinned: `ip netns exec` hides what is mounted below /sys.
const PINS: &str = "/run/bpf";
/// Of `enum bpf_attach_type`.
pub(crate) const SK_MSG_VERDICT: u32 = 7;
const CONNECT4: u32 = 10;
const GETSOCKOPT: u32 = 21;
pub(crate) const SK_SKB_VERDICT: u32 = 38;
const LSM_CGROUP: u32 = 43;
const NETFILTER: u32 = 45;
pub(crate) const TCX_INGRESS: u32 = 46;
pub(crate) const TCX_EGRESS: u32 = 47;
pub(crate) const NETKIT_PRIMARY: u32 = 54;
pub(crate) const NETKIT_PEER: u32 = 55;
/// `BPF_F_BEFORE`: before all others.
const BEFORE: u32 = 1 << 3;
const REDIRECT: i32 = 23;
const TRACE_PRINTK: i32 = 6;

/// What a program is for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Tc,
    /// For the action of a filter.
    Action,
    Xdp,
    /// At `connect` of IPv4 sockets in a control group.
    Connect4,
    /// Needs Linux 6.4.
    Netfilter,
    SkMsg,
    SkSkb,
    FlowDissector,
    /// In a control group, at the security hook whose function has this number in the kernel's types. Needs Linux 6.0.
    Lsm(u32),
    /// At this hook (`bpf_attach_type`) of sockets' addresses in a control group.
    SockAddr(u32),
    SockOps,
    GetSockOpt,
}

impl Kind {
    /// Its `bpf_prog_type`, its context, and the `bpf_attach_type` that it is loaded for.
    fn facts(self) -> (bpf_prog_type, &'static str, u32) {
        match self {
            Self::Tc => (bpf_prog_type::BPF_PROG_TYPE_SCHED_CLS, "__sk_buff", 0),
            Self::Action => (bpf_prog_type::BPF_PROG_TYPE_SCHED_ACT, "__sk_buff", 0),
            Self::Xdp => (bpf_prog_type::BPF_PROG_TYPE_XDP, "xdp_md", 0),
            Self::Connect4 => (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "bpf_sock_addr", CONNECT4),
            Self::Netfilter => (bpf_prog_type::BPF_PROG_TYPE_NETFILTER, "bpf_nf_ctx", NETFILTER),
            Self::SkMsg => (bpf_prog_type::BPF_PROG_TYPE_SK_MSG, "sk_msg_md", 0),
            Self::SkSkb => (bpf_prog_type::BPF_PROG_TYPE_SK_SKB, "__sk_buff", SK_SKB_VERDICT),
            Self::Lsm(_) => (bpf_prog_type::BPF_PROG_TYPE_LSM, "bpf_sock", LSM_CGROUP),
            Self::FlowDissector => (bpf_prog_type::BPF_PROG_TYPE_FLOW_DISSECTOR, "__sk_buff", 0),
            Self::SockAddr(hook) => (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "bpf_sock_addr", hook),
            Self::SockOps => (bpf_prog_type::BPF_PROG_TYPE_SOCK_OPS, "bpf_sock_ops", 0),
            Self::GetSockOpt => (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCKOPT, "bpf_sockopt", GETSOCKOPT),
        }
    }
}

/// What a program does.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Returns this.
    Return(i32),
    /// `bpf_redirect` to the device with this index.
    Redirect(i32),
    /// Of XDP: writes another last byte to the source address of an IPv4 packet, and passes it.
    Rewrite(u8),
    /// Writes this to the kernel's trace, and returns -1.
    Log(&'static str),
}

/// A loaded and pinned program; gone from the pins on drop.
pub(crate) struct Loaded {
    handle: OwnedFd,
    /// The `bpf_attach_type` that it was loaded for.
    hook: u32,
    pub(crate) pin: String,
}

impl Loaded {
    /// With type information, in which the program's function has this name.
    pub(crate) fn new(kind: Kind, name: &str, body: Body) -> Result<Self> {
        Self::load(kind, name, &code(body), true).with_context(|| format!("failed to load `{name}`"))
    }

    /// One of which the kernel knows its name and nothing more.
    pub(crate) fn without_types(kind: Kind, name: &str, body: Body) -> Result<Self> {
        Self::load(kind, name, &code(body), false).with_context(|| format!("failed to load `{name}`"))
    }

    /// One that returns this, and names the maps that are pinned there.
    pub(crate) fn using(kind: Kind, name: &str, maps: &[&str], verdict: i32) -> Result<Self> {
        let opened = maps.iter().map(|pin| pinned(pin)).collect::<Result<Vec<_>>>()?;
        let named = opened.iter().flat_map(|map| load_map(map.as_raw_fd()));
        let code: Vec<bpf_insn> = named.chain(code(Body::Return(verdict))).collect();
        Self::load(kind, name, &code, false).with_context(|| format!("failed to load `{name}`"))
    }

    fn load(kind: Kind, name: &str, code: &[bpf_insn], with_btf: bool) -> Result<Self> {
        let types = if with_btf { Some(types::load(&types::of_program(kind.facts().1, name))?) } else { None };
        let main = bpf_func_info { insn_off: 0, type_id: types::FUNCTION };
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: PROG_LOAD uses this member.
        let program = unsafe { &mut attr.__bindgen_anon_3 };
        let (number, _, attach_type) = kind.facts();
        program.prog_type = number as u32;
        program.expected_attach_type = attach_type;
        if let Kind::Lsm(function) = kind {
            program.attach_btf_id = function;
        }
        program.insns = code.as_ptr() as u64;
        program.insn_cnt = code.len() as u32;
        program.license = c"GPL".as_ptr() as u64;
        for (slot, byte) in program.prog_name.iter_mut().take(15).zip(name.bytes()) {
            *slot = byte.cast_signed();
        }
        if let Some(types) = &types {
            program.prog_btf_fd = types.as_raw_fd() as u32;
            program.func_info = &raw const main as u64;
            program.func_info_rec_size = size_of::<bpf_func_info>() as u32;
            program.func_info_cnt = 1;
        }
        let handle = descriptor(bpf_cmd::BPF_PROG_LOAD, &mut attr)?;
        let pin = pin(&handle, name)?;
        Ok(Self { handle, hook: attach_type, pin })
    }

    /// Has a link call it at a device's hook, after those that are there.
    pub(crate) fn at_device(&self, namespace: &str, ifindex: u32, hook: u32) -> Result<OwnedFd> {
        self.link(Some(namespace), hook, |link| link.__bindgen_anon_2.target_ifindex = ifindex)
    }

    /// Attaches it at a device's hook without a link, before those that are there. It stays until the device goes.
    pub(crate) fn first_at_device(&self, namespace: &str, ifindex: u32, hook: u32) -> Result<()> {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: PROG_ATTACH uses this member.
        let attach = unsafe { &mut attr.__bindgen_anon_5 };
        attach.__bindgen_anon_1.target_ifindex = ifindex;
        attach.attach_bpf_fd = self.handle.as_raw_fd() as u32;
        attach.attach_type = hook;
        attach.attach_flags = BEFORE;
        within(Some(namespace), || call(bpf_cmd::BPF_PROG_ATTACH, &mut attr)).map(drop)
    }

    /// Has the namespace call it for incoming IPv4 packets (`NF_INET_PRE_ROUTING`).
    pub(crate) fn at_prerouting(&self, namespace: &str, priority: i32) -> Result<OwnedFd> {
        self.link(Some(namespace), NETFILTER, |link| {
            // SAFETY: a link of this kind uses this member.
            let netfilter = unsafe { &mut link.__bindgen_anon_3.netfilter };
            (netfilter.pf, netfilter.hooknum, netfilter.priority) = (2, 0, priority);
        })
    }

    /// Has a control group call it, at the hook that it was loaded for.
    pub(crate) fn at_cgroup(&self, path: &str) -> Result<OwnedFd> {
        let group = File::open(path)?;
        self.link(None, self.hook, |link| link.__bindgen_anon_2.target_fd = group.as_raw_fd() as u32)
    }

    /// Has a link call it for the sockets of a map. Needs Linux 6.10.
    pub(crate) fn at_map(&self, map: &Map, hook: u32) -> Result<OwnedFd> {
        self.link(None, hook, |link| link.__bindgen_anon_2.target_fd = map.handle.as_raw_fd() as u32)
    }

    /// Makes it an entry of a map of programs.
    pub(crate) fn put(&self, map: &Map, key: u32) -> Result<()> {
        map.set(&key.to_ne_bytes(), &self.handle.as_raw_fd().to_ne_bytes())
    }

    fn link(
        &self,
        namespace: Option<&str>,
        hook: u32,
        set: impl FnOnce(&mut bpf_attr__bindgen_ty_14),
    ) -> Result<OwnedFd> {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: LINK_CREATE uses this member.
        let link = unsafe { &mut attr.link_create };
        link.__bindgen_anon_1.prog_fd = self.handle.as_raw_fd() as u32;
        link.attach_type = hook;
        set(link);
        within(namespace, || descriptor(bpf_cmd::BPF_LINK_CREATE, &mut attr))
    }
}

/// Does something in a namespace, on a thread of its own, so that this one stays where it is.
pub(crate) fn within<T: Send>(namespace: Option<&str>, work: impl FnOnce() -> io::Result<T> + Send) -> Result<T> {
    let namespace = namespace.map(|name| File::open(Path::new("/run/netns").join(name))).transpose()?;
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            if let Some(namespace) = namespace {
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
            }
            work()
        });
        let answer = done.join().ok().context("the thread panicked")?;
        answer.context("the kernel refused")
    })
}

impl Drop for Loaded {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.pin);
    }
}

/// A map of our own, pinned; gone from the pins on drop.
pub(crate) struct Map {
    handle: OwnedFd,
    pub(crate) pin: String,
    /// Bytes of a key, and of a value of all CPUs.
    sizes: (usize, usize),
}

impl Map {
    /// `kind` is a `bpf_map_type`; `sizes` are bytes of a key and of a value.
    pub(crate) fn new(name: &str, kind: u32, sizes: (u32, u32), entries: u32, flags: u32) -> Result<Self> {
        Self::make(name, kind, sizes, entries, flags, None)
    }

    /// Keys and values are those of [`types::of_map`].
    pub(crate) fn typed(name: &str, kind: u32, entries: u32) -> Result<Self> {
        let types = types::load(&types::of_map()).context("failed to load types")?;
        Self::make(name, kind, (types::KEY.1, types::VALUE.1), entries, 0, Some(&types))
    }

    fn make(
        name: &str,
        kind: u32,
        sizes: (u32, u32),
        entries: u32,
        flags: u32,
        types: Option<&OwnedFd>,
    ) -> Result<Self> {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: MAP_CREATE uses this member.
        let map = unsafe { &mut attr.__bindgen_anon_1 };
        (map.map_type, map.key_size, map.value_size, map.max_entries, map.map_flags) =
            (kind, sizes.0, sizes.1, entries, flags);
        if let Some(types) = types {
            (map.btf_fd, map.btf_key_type_id, map.btf_value_type_id) =
                (types.as_raw_fd() as u32, types::KEY.0, types::VALUE.0);
        }
        for (slot, byte) in map.map_name.iter_mut().take(15).zip(name.bytes()) {
            *slot = byte.cast_signed();
        }
        let handle =
            descriptor(bpf_cmd::BPF_MAP_CREATE, &mut attr).with_context(|| format!("failed to make `{name}`"))?;
        let per_cpu = matches!(kind, 5 | 6 | 10);
        let cpus = if per_cpu { possible_cpus()? } else { 1 };
        let value = if per_cpu { sizes.1.next_multiple_of(8) } else { sizes.1 } as usize * cpus;
        let pin = pin(&handle, name)?;
        Ok(Self { handle, pin, sizes: (sizes.0 as usize, value) })
    }

    /// Bytes of a value, of all CPUs.
    pub(crate) fn value_bytes(&self) -> usize {
        self.sizes.1
    }

    pub(crate) fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        ensure!((key.len(), value.len()) == self.sizes, "an entry of {} and {} bytes", key.len(), value.len());
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: MAP_UPDATE_ELEM uses this member.
        let element = unsafe { &mut attr.__bindgen_anon_2 };
        element.map_fd = self.handle.as_raw_fd() as u32;
        element.key = key.as_ptr() as u64;
        element.__bindgen_anon_1.value = value.as_ptr() as u64;
        call(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr).context("failed to set an entry").map(drop)
    }

    pub(crate) fn remove(&self, key: &[u8]) {
        // SAFETY: all members of the union are plain numbers.
        let mut attr: bpf_attr = unsafe { mem::zeroed() };
        // SAFETY: MAP_DELETE_ELEM uses this member.
        let element = unsafe { &mut attr.__bindgen_anon_2 };
        element.map_fd = self.handle.as_raw_fd() as u32;
        element.key = key.as_ptr() as u64;
        // One that is not there is as good as removed.
        let _ = call(bpf_cmd::BPF_MAP_DELETE_ELEM, &mut attr);
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.pin);
    }
}

fn possible_cpus() -> Result<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = text.trim().rsplit('-').next().unwrap_or_default();
    Ok(last.parse::<usize>().context("no number of CPUs")? + 1)
}

fn pin(program: &OwnedFd, name: &str) -> Result<String> {
    if !Path::new(PINS).exists() {
        sh(&format!("mkdir {PINS} && mount -t bpf bpf {PINS}"))?;
    }
    let path = format!("{PINS}/{name}");
    let text = std::ffi::CString::new(path.as_str())?;
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.__bindgen_anon_4.pathname = text.as_ptr() as u64;
    attr.__bindgen_anon_4.bpf_fd = program.as_raw_fd() as u32;
    call(bpf_cmd::BPF_OBJ_PIN, &mut attr).with_context(|| format!("failed to pin `{path}`"))?;
    Ok(path)
}

fn pinned(path: &str) -> Result<OwnedFd> {
    let text = std::ffi::CString::new(path)?;
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.__bindgen_anon_4.pathname = text.as_ptr() as u64;
    descriptor(bpf_cmd::BPF_OBJ_GET, &mut attr).with_context(|| format!("failed to open `{path}`"))
}

/// `lddw r1, MAP` (`BPF_PSEUDO_MAP_FD`), which takes the room of two.
fn load_map(number: i32) -> [bpf_insn; 2] {
    [instruction(0x18, 1, 1, 0, number), instruction(0, 0, 0, 0, 0)]
}

/// `bpf_trace_printk` of a text that is put on the stack, four bytes at a time.
fn log(text: &str) -> Vec<bpf_insn> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    let size = bytes.len() as i32;
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let room = bytes.len() as i16;
    let words = bytes.as_chunks().0.iter().zip(0_i16..);
    // stw [r10 + OFF], IMM
    let mut code: Vec<bpf_insn> =
        words.map(|(word, number)| instruction(0x62, 10, 0, number * 4 - room, i32::from_ne_bytes(*word))).collect();
    code.extend([
        instruction(0xbf, 1, 10, 0, 0),
        instruction(0x07, 1, 0, 0, -i32::from(room)),
        instruction(0xb7, 2, 0, 0, size),
        instruction(0x85, 0, 0, 0, TRACE_PRINTK),
    ]);
    code
}

fn instruction(code: u8, to: u8, from: u8, off: i16, imm: i32) -> bpf_insn {
    bpf_insn { code, _bitfield_align_1: [], _bitfield_1: bpf_insn::new_bitfield_1(to, from), off, imm }
}

/// Instructions: `mov` 0xb7, `call` 0x85, `exit` 0x95, `ldxw` 0x61, `mov rX, rY` 0xbf, `add` 0x07, `jgt` 0x2d, `ldxh` 0x69,
/// `jne` 0x55, `stb` 0x72.
fn code(body: Body) -> Vec<bpf_insn> {
    let end = instruction(0x95, 0, 0, 0, 0);
    match body {
        Body::Return(verdict) => vec![instruction(0xb7, 0, 0, 0, verdict), end],
        Body::Log(text) => [log(text), code(Body::Return(-1))].concat(),
        Body::Redirect(ifindex) => vec![
            instruction(0xb7, 1, 0, 0, ifindex),
            instruction(0xb7, 2, 0, 0, 0),
            instruction(0x85, 0, 0, 0, REDIRECT),
            end,
        ],
        Body::Rewrite(byte) => vec![
            instruction(0x61, 2, 1, 0, 0),
            instruction(0x61, 3, 1, 4, 0),
            instruction(0xbf, 4, 2, 0, 0),
            instruction(0x07, 4, 0, 0, 34),
            instruction(0x2d, 4, 3, 3, 0),
            instruction(0x69, 5, 2, 12, 0),
            // ETH_P_IP as it lies in the packet, read on a little-endian machine.
            instruction(0x55, 5, 0, 1, 0x0008),
            instruction(0x72, 2, 0, 29, i32::from(byte)),
            instruction(0xb7, 0, 0, 0, 2),
            end,
        ],
    }
}

pub(crate) fn descriptor(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    let number = call(command, attr)?;
    // SAFETY: the kernel has just handed out this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

pub(crate) fn call(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<i32> {
    // SAFETY: the attribute is as large as the kernel is told; pointers in it outlive the call.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command as libc::c_int, &raw mut *attr, size_of::<bpf_attr>()) };
    i32::try_from(answer).ok().filter(|number| *number >= 0).ok_or_else(io::Error::last_os_error)
}

/// Index of a device.
pub(crate) fn ifindex(namespace: &crate::net::Namespace, device: &str) -> Result<u32> {
    let text = namespace.sh(&format!("cat /sys/class/net/{device}/ifindex"))?;
    let index = text.trim().parse()?;
    ensure!(index > 0, "{device} has no index");
    Ok(index)
}
