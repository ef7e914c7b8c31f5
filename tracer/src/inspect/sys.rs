//! The bpf(2) calls with which a kernel is looked at. Thin: one function a call, no policy.
#![expect(unsafe_code, reason = "raw system calls")]

use std::{
    ffi::CStr,
    io, mem,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{bpf_attr, bpf_cmd, bpf_func_info, bpf_map_info, bpf_prog_info};

use crate::collect::sys::{bpf, descriptor, read_info};

/// `BPF_F_RDONLY`: we only ever read.
const READ_ONLY: u32 = 1 << 3;

/// What has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Object {
    /// A map.
    Map,
    /// A program.
    Program,
    /// What attaches a program.
    Link,
}

impl Object {
    fn next(self) -> bpf_cmd {
        match self {
            Self::Map => bpf_cmd::BPF_MAP_GET_NEXT_ID,
            Self::Program => bpf_cmd::BPF_PROG_GET_NEXT_ID,
            Self::Link => bpf_cmd::BPF_LINK_GET_NEXT_ID,
        }
    }

    fn open(self) -> bpf_cmd {
        match self {
            Self::Map => bpf_cmd::BPF_MAP_GET_FD_BY_ID,
            Self::Program => bpf_cmd::BPF_PROG_GET_FD_BY_ID,
            Self::Link => bpf_cmd::BPF_LINK_GET_FD_BY_ID,
        }
    }
}

/// The lowest id above `after`.
pub(super) fn next_id(object: Object, after: u32) -> io::Result<Option<u32>> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = after;
    match bpf(object.next(), &mut attr) {
        // SAFETY: the kernel has just set this member.
        Ok(_) => Ok(Some(unsafe { attr.__bindgen_anon_6 }.next_id)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens what has this id, for reading.
pub(super) fn by_id(object: Object, id: u32) -> io::Result<OwnedFd> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.map_id = id;
    if object == Object::Map {
        attr.__bindgen_anon_6.open_flags = READ_ONLY;
    }
    descriptor(bpf(object.open(), &mut attr)?)
}

/// Opens what is pinned there, for reading.
pub(super) fn pinned(path: &CStr) -> io::Result<OwnedFd> {
    open_pin(path, READ_ONLY)
}

/// The same for a link, which cannot be opened for reading alone.
pub(super) fn pinned_link(path: &CStr) -> io::Result<OwnedFd> {
    open_pin(path, 0)
}

fn open_pin(path: &CStr, flags: u32) -> io::Result<OwnedFd> {
    let mut attr = nothing();
    attr.__bindgen_anon_4.pathname = path.as_ptr() as u64;
    attr.__bindgen_anon_4.file_flags = flags;
    descriptor(bpf(bpf_cmd::BPF_OBJ_GET, &mut attr)?)
}

/// What the kernel says of a map.
pub(super) fn map_info(map: BorrowedFd<'_>) -> io::Result<bpf_map_info> {
    // It must be all zero before: the kernel leaves `btf_id` as it was for a map without type information (seen on 6.18).
    // SAFETY: plain numbers.
    let mut info: bpf_map_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    unsafe { read_info(map, &mut info)? };
    Ok(info)
}

/// What the kernel says of a program, with the lists that belong to it.
pub(super) struct Program {
    pub(super) info: bpf_prog_info,
    pub(super) maps: Vec<u32>,
    /// The type of the function that it begins with; 0 is none.
    pub(super) function: u32,
    /// The device that it was loaded for is gone, and nothing else is told.
    pub(super) orphaned: bool,
}

/// Most maps of a program whose ids are read (`MAX_USED_MAPS` is 64).
const MOST_MAPS: u32 = 4096;

/// Asks about a program.
pub(super) fn program_info(program: BorrowedFd<'_>) -> io::Result<Program> {
    // SAFETY: plain numbers.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    match unsafe { read_info(program, &mut info) } {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
            return Ok(Program { info, maps: Vec::new(), function: 0, orphaned: true });
        }
        result => result?,
    }
    let mut maps = vec![0_u32; info.nr_map_ids.min(MOST_MAPS) as usize];
    // SAFETY: plain numbers.
    let mut function: bpf_func_info = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    info.nr_map_ids = maps.len() as u32;
    info.map_ids = maps.as_mut_ptr() as u64;
    info.nr_func_info = 1;
    info.func_info_rec_size = size_of::<bpf_func_info>() as u32;
    info.func_info = &raw mut function as u64;
    // SAFETY: there is as much room as it says.
    unsafe { read_info(program, &mut info)? };
    maps.truncate(info.nr_map_ids as usize);
    let function = if info.nr_func_info > 0 { function.type_id } else { 0 };
    Ok(Program { info, maps, function, orphaned: false })
}

/// Writes the value at `key` to `value`; both are as large as the map's are, the value for all CPUs.
pub(super) fn lookup(map: BorrowedFd<'_>, key: &[u8], value: &mut [u8]) -> io::Result<()> {
    let mut attr = nothing();
    // SAFETY: MAP_LOOKUP_ELEM uses this member.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = map.as_raw_fd() as u32;
    element.key = key.as_ptr() as u64;
    element.__bindgen_anon_1.value = value.as_mut_ptr() as u64;
    bpf(bpf_cmd::BPF_MAP_LOOKUP_ELEM, &mut attr)?;
    Ok(())
}

/// Room for many entries at once.
pub(super) struct Batch<'a> {
    /// Where the last batch ended, as the kernel said it; nothing for the first.
    pub(super) from: Option<&'a [u8]>,
    /// Where this one ends. As large as a key, and 4 bytes at least.
    pub(super) to: &'a mut [u8],
    /// `count` keys.
    pub(super) keys: &'a mut [u8],
    /// `count` values, for all CPUs.
    pub(super) values: &'a mut [u8],
    /// Entries that there is room for.
    pub(super) count: u32,
}

/// Reads many entries. Also where an error is the answer, some may have been read: `ENOENT` is the map's end.
pub(super) fn lookup_batch(map: BorrowedFd<'_>, batch: &mut Batch<'_>) -> (u32, io::Result<()>) {
    let mut attr = nothing();
    attr.batch.map_fd = map.as_raw_fd() as u32;
    attr.batch.in_batch = batch.from.map_or(0, |from| from.as_ptr() as u64);
    attr.batch.out_batch = batch.to.as_mut_ptr() as u64;
    attr.batch.keys = batch.keys.as_mut_ptr() as u64;
    attr.batch.values = batch.values.as_mut_ptr() as u64;
    attr.batch.count = batch.count;
    let result = bpf(bpf_cmd::BPF_MAP_LOOKUP_BATCH, &mut attr).map(drop);
    // Other errors come before the kernel has counted anything.
    let counted = match &result {
        Ok(()) => true,
        Err(error) => matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOSPC | libc::EINTR)),
    };
    // SAFETY: MAP_LOOKUP_BATCH uses this member.
    let count = unsafe { attr.batch }.count;
    (if counted { count.min(batch.count) } else { 0 }, result)
}

/// Where programs may be attached.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// A device of this thread's network namespace.
    Device(u32),
    /// A control group, a network namespace or a map.
    File(BorrowedFd<'a>),
}

/// What is attached somewhere, in order of execution.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attached {
    /// Programs' ids.
    pub(super) programs: Vec<u32>,
    /// Links' ids, 0 for a program that was attached without one; empty where the kernel does not tell.
    pub(super) links: Vec<u32>,
    /// How (`BPF_F_ALLOW_OVERRIDE`, `BPF_F_ALLOW_MULTI`).
    pub(super) flags: u32,
    /// The same program by program; empty where the kernel does not tell them apart.
    pub(super) each: Vec<u32>,
}

/// `BPF_LSM_CGROUP`: many hooks under one number, of which each may be attached to in another way. The kernel (6.0) does not answer
/// who has no room for that (`__cgroup_bpf_query`).
const LSM_CGROUP: u32 = 43;
/// `BPF_F_QUERY_EFFECTIVE`, with which it wants no such room.
pub(super) const EFFECTIVE: u32 = 1;

/// Programs at one place that there is room for at first, and at most.
const FEW: u32 = 64;
const MANY: u32 = 1 << 14;

/// What is attached; `with_links` for hooks that tell links (tcx, netkit). A hook that this kernel does not know has nothing.
pub(super) fn query(target: Target<'_>, hook: u32, flags: u32, with_links: bool) -> io::Result<Attached> {
    let mut room = FEW;
    loop {
        match query_into(room, target, hook, flags, with_links) {
            Ok(attached) => return Ok(attached),
            Err((error, count)) => match error.raw_os_error() {
                Some(libc::ENOSPC) if room < MANY => room = (room * 2).max(count),
                Some(libc::EINVAL) => return Ok(Attached::default()),
                _ => return Err(error),
            },
        }
    }
}

/// The same where there is room for so many programs; with an error, how many there are.
fn query_into(
    room: u32,
    target: Target<'_>,
    hook: u32,
    flags: u32,
    with_links: bool,
) -> Result<Attached, (io::Error, u32)> {
    let with_flags = hook == LSM_CGROUP && flags & EFFECTIVE == 0;
    let list = |wanted: bool| vec![0_u32; if wanted { room as usize } else { 0 }];
    let (mut programs, mut links, mut each) = (list(true), list(with_links), list(with_flags));
    let mut attr = nothing();
    // SAFETY: PROG_QUERY uses this member; all of it is plain numbers.
    let query = unsafe { &mut attr.query };
    match target {
        Target::Device(index) => query.__bindgen_anon_1.target_ifindex = index,
        Target::File(file) => query.__bindgen_anon_1.target_fd = file.as_raw_fd() as u32,
    }
    query.attach_type = hook;
    query.query_flags = flags;
    query.prog_ids = programs.as_mut_ptr() as u64;
    query.__bindgen_anon_2.count = room;
    if with_links {
        query.link_ids = links.as_mut_ptr() as u64;
    }
    if with_flags {
        query.prog_attach_flags = each.as_mut_ptr() as u64;
    }
    let result = bpf(bpf_cmd::BPF_PROG_QUERY, &mut attr);
    // SAFETY: as above.
    let (count, flags) = unsafe { (attr.query.__bindgen_anon_2.count, attr.query.attach_flags) };
    result.map_err(|error| (error, count))?;
    for list in [&mut programs, &mut links, &mut each] {
        list.truncate(count as usize);
    }
    Ok(Attached { programs, links, flags, each })
}

/// `struct bpf_link_info`, the part that depends on the kind as words.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct LinkInfo {
    /// A `bpf_link_type`.
    pub(super) kind: u32,
    pub(super) id: u32,
    pub(super) program: u32,
    /// The compiler's: what follows may hold numbers of 64 bits.
    _gap: u32,
    /// What the kind has to say.
    pub(super) words: [u32; 16],
}

/// What the kernel says of a link.
pub(super) fn link_info(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let mut info = LinkInfo::default();
    // SAFETY: it begins as the kernel's structure, which may be longer, and names no memory to fill.
    unsafe { read_info(link, &mut info)? };
    Ok(info)
}

fn nothing() -> bpf_attr {
    // SAFETY: all members of the union are plain numbers.
    unsafe { mem::zeroed() }
}
