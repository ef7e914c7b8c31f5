//! The bpf(2) and perf_event_open(2) calls that aya does not offer: loading with an attach type of our choice, kprobe-multi
//! links, probes by function name. Thin: one function a call, no policy. [`crate::inspect`] builds its calls on [`bpf`] too.
#![expect(unsafe_code, reason = "raw system calls")]

use std::{
    ffi::{CStr, c_int, c_long},
    io, mem,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use aya_obj::generated::{
    bpf_attach_type, bpf_attach_type::BPF_TRACE_KPROBE_MULTI, bpf_attr, bpf_cmd, bpf_insn, bpf_prog_info,
    bpf_prog_type, bpf_stats_type,
};

/// Bytes of the verifier's log that a failed load keeps.
const LOG_BYTES: usize = 1 << 20;
/// `PERF_EVENT_IOC_SET_BPF`: `_IOW('$', 8, __u32)`.
const PERF_EVENT_IOC_SET_BPF: libc::c_ulong = 0x4004_2408;
/// `PERF_EVENT_IOC_ENABLE`: `_IO('$', 0)`.
const PERF_EVENT_IOC_ENABLE: libc::c_ulong = 0x2400;
/// `PERF_FLAG_FD_CLOEXEC`.
const PERF_FLAG_FD_CLOEXEC: c_long = 8;

/// A program about to be loaded.
pub(super) struct Load<'a> {
    /// Name shown by `bpftool prog`, at most 15 bytes.
    pub name: &'a str,
    /// `BPF_PROG_TYPE_KPROBE`, `BPF_PROG_TYPE_RAW_TRACEPOINT` or `BPF_PROG_TYPE_TRACING`.
    pub kind: bpf_prog_type,
    /// How it is attached, where its kind does not say.
    pub attach_type: Option<bpf_attach_type>,
    /// For `BPF_PROG_TYPE_TRACING`: the function's id in the kernel's BTF, or in that of `attach_program`; 0 otherwise.
    pub attach_function: u32,
    /// The BPF program that has the function, if it is none of the kernel's.
    pub attach_program: Option<BorrowedFd<'a>>,
    /// Relocated instructions.
    pub instructions: &'a [bpf_insn],
    /// Licence string.
    pub license: &'a CStr,
    /// Type information of the object, loaded before: without it the kernel takes no callback (`bpf_loop`).
    pub btf: BorrowedFd<'a>,
    /// Which type describes which function, in records of 8 bytes.
    pub functions: &'a [u8],
}

/// Bytes of a `struct bpf_func_info`.
pub(super) const FUNCTION_RECORD: usize = 8;

/// A map about to be made.
#[derive(Clone, Copy)]
pub(super) struct NewMap<'a> {
    /// Name shown by `bpftool map`, at most 15 bytes.
    pub name: &'a str,
    /// A `bpf_map_type`.
    pub kind: u32,
    /// Bytes of a key.
    pub key_bytes: u32,
    /// Bytes of a value.
    pub value_bytes: u32,
    /// Most entries; bytes of a ring.
    pub entries: u32,
    /// `BPF_F_…`
    pub flags: u32,
}

/// Makes a map.
pub(super) fn create_map(new: &NewMap<'_>) -> io::Result<OwnedFd> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: MAP_CREATE uses this member.
    let map = unsafe { &mut attr.__bindgen_anon_1 };
    map.map_type = new.kind;
    map.key_size = new.key_bytes;
    map.value_size = new.value_bytes;
    map.max_entries = new.entries;
    map.map_flags = new.flags;
    set_name(&mut map.map_name, new.name);
    descriptor(bpf(bpf_cmd::BPF_MAP_CREATE, &mut attr)?)
}

/// Sets the value at `key` of a map with 32-bit keys. `value` is as large as the map's values are.
pub(super) fn set_value(map: BorrowedFd<'_>, key: u32, value: &[u8]) -> io::Result<()> {
    set_value_at(map, &key.to_ne_bytes(), value)
}

/// Sets the value at `key`. Both are as large as the map's are.
pub(super) fn set_value_at(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: MAP_UPDATE_ELEM uses this member.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = map.as_raw_fd() as u32;
    element.key = key.as_ptr() as u64;
    element.__bindgen_anon_1.value = value.as_ptr() as u64;
    bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr)?;
    Ok(())
}

/// Writes the key after `key`, or the first one, to `next`, which is as large as the map's keys; false at the end.
pub(crate) fn next_key(map: BorrowedFd<'_>, key: Option<&[u8]>, next: &mut [u8]) -> io::Result<bool> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: MAP_GET_NEXT_KEY uses this member.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = map.as_raw_fd() as u32;
    element.key = key.map_or(0, |key| key.as_ptr() as u64);
    element.__bindgen_anon_1.next_key = next.as_mut_ptr() as u64;
    match bpf(bpf_cmd::BPF_MAP_GET_NEXT_KEY, &mut attr) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a map constant for user space, so that the verifier may take its values for granted.
pub(super) fn freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.__bindgen_anon_2.map_fd = map.as_raw_fd() as u32;
    bpf(bpf_cmd::BPF_MAP_FREEZE, &mut attr)?;
    Ok(())
}

fn set_name(place: &mut [std::ffi::c_char; 16], name: &str) {
    for (slot, byte) in place.iter_mut().take(15).zip(name.bytes()) {
        *slot = byte as _;
    }
}

/// Loads type information.
pub(super) fn load_btf(bytes: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: BTF_LOAD uses this member.
    let btf = unsafe { &mut attr.__bindgen_anon_7 };
    btf.btf = bytes.as_ptr() as u64;
    btf.btf_size = bytes.len() as u32;
    descriptor(bpf(bpf_cmd::BPF_BTF_LOAD, &mut attr)?)
}

/// Loads a program; an error carries the verifier's log.
pub(super) fn load_program(load: &Load<'_>) -> Result<OwnedFd, (io::Error, String)> {
    if let Ok(program) = try_load(load, None) {
        return Ok(program);
    }
    let mut log = vec![0u8; LOG_BYTES];
    try_load(load, Some(&mut log)).map_err(|error| {
        let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
        (error, String::from_utf8_lossy(&log[..end]).into_owned())
    })
}

fn try_load(load: &Load<'_>, log: Option<&mut [u8]>) -> io::Result<OwnedFd> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: PROG_LOAD uses this member.
    let program = unsafe { &mut attr.__bindgen_anon_3 };
    program.prog_type = load.kind as u32;
    program.insns = load.instructions.as_ptr() as u64;
    program.insn_cnt = load.instructions.len() as u32;
    program.license = load.license.as_ptr() as u64;
    set_name(&mut program.prog_name, load.name);
    program.prog_btf_fd = load.btf.as_raw_fd() as u32;
    program.func_info = load.functions.as_ptr() as u64;
    program.func_info_rec_size = FUNCTION_RECORD as u32;
    program.func_info_cnt = (load.functions.len() / FUNCTION_RECORD) as u32;
    program.expected_attach_type = load.attach_type.map_or(0, |kind| kind as u32);
    program.attach_btf_id = load.attach_function;
    program.__bindgen_anon_1.attach_prog_fd = load.attach_program.map_or(0, |target| target.as_raw_fd() as u32);
    if let Some(log) = log {
        program.log_level = 1;
        program.log_buf = log.as_mut_ptr() as u64;
        program.log_size = log.len() as u32;
    }
    descriptor(bpf(bpf_cmd::BPF_PROG_LOAD, &mut attr)?)
}

/// Attaches a program to all functions at `addresses` with one link.
pub(super) fn attach_multi(program: BorrowedFd<'_>, addresses: &[u64]) -> io::Result<OwnedFd> {
    // SAFETY: as in `try_load`.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: LINK_CREATE uses this member; all of it is plain numbers.
    let link = unsafe { &mut attr.link_create };
    link.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    link.attach_type = BPF_TRACE_KPROBE_MULTI as u32;
    // SAFETY: as above.
    let multi = unsafe { &mut link.__bindgen_anon_3.kprobe_multi };
    multi.cnt = addresses.len() as u32;
    multi.addrs = addresses.as_ptr() as u64;
    descriptor(bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr)?)
}

/// Attaches a program to the raw tracepoint `name`; with a cookie other than 0, it can ask for that (6.10).
pub(super) fn attach_raw_tracepoint(program: BorrowedFd<'_>, name: &CStr, cookie: u64) -> io::Result<OwnedFd> {
    // SAFETY: as in `try_load`.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.raw_tracepoint.name = name.as_ptr() as u64;
    attr.raw_tracepoint.prog_fd = program.as_raw_fd() as u32;
    attr.raw_tracepoint.cookie = cookie;
    descriptor(bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attr)?)
}

/// Attaches a program of the kind `BPF_PROG_TYPE_TRACING` to the function that it was loaded for.
pub(super) fn attach_traced(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: as in `try_load`.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // Without a name, the program knows where it belongs.
    attr.raw_tracepoint.prog_fd = program.as_raw_fd() as u32;
    descriptor(bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attr)?)
}

/// The head of Linux's `struct perf_event_attr` (`PERF_ATTR_SIZE_VER1`), with the members a kprobe needs.
#[repr(C)]
#[derive(Default)]
struct PerfEventAttr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    function: u64,
    offset: u64,
}

/// Where a kprobe goes.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// The entry of the function at this address.
    Address(u64),
    /// The entry of the first function of this name.
    Name(&'a CStr),
}

/// Puts a kprobe on the entry of a function and attaches a program; closing the descriptor takes both away.
///
/// `pmu` is the number in `/sys/bus/event_source/devices/kprobe/type`.
pub(super) fn attach_kprobe(program: BorrowedFd<'_>, pmu: u32, entry: Entry<'_>) -> io::Result<OwnedFd> {
    // `config1` is a name or nothing, `config2` an address or the offset behind the name.
    let (function, offset) = match entry {
        Entry::Address(address) => (0, address),
        Entry::Name(name) => (name.as_ptr() as u64, 0),
    };
    let attr = PerfEventAttr {
        kind: pmu,
        size: size_of::<PerfEventAttr>() as u32,
        function,
        offset,
        ..PerfEventAttr::default()
    };
    // SAFETY: the structure outlives the call; every CPU is watched through CPU 0's event, as for any kprobe.
    let event = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attr,
            -1 as c_int,
            0 as c_int,
            -1 as c_int,
            PERF_FLAG_FD_CLOEXEC,
        )
    };
    let event = descriptor(checked(event)?)?;
    // SAFETY: plain numbers.
    checked(c_long::from(unsafe { libc::ioctl(event.as_raw_fd(), PERF_EVENT_IOC_SET_BPF, program.as_raw_fd()) }))?;
    // SAFETY: as above.
    checked(c_long::from(unsafe { libc::ioctl(event.as_raw_fd(), PERF_EVENT_IOC_ENABLE, 0) }))?;
    Ok(event)
}

/// Hits that the kernel did not hand to the program, because another one ran on that CPU (5.12).
pub(super) fn recursion_misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: as in `try_load`.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    unsafe { read_info(program, &mut info)? };
    Ok(info.recursion_misses)
}

/// Nanoseconds that the program has run, as far as the kernel counts them (see [`count_run_time`]).
pub(super) fn run_time(program: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: as in `try_load`.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    unsafe { read_info(program, &mut info)? };
    Ok(info.run_time_ns)
}

/// Has the kernel count how long programs run, for as long as the descriptor lives (5.8).
pub(super) fn count_run_time() -> io::Result<OwnedFd> {
    // SAFETY: as in `try_load`.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.enable_stats.type_ = bpf_stats_type::BPF_STATS_RUN_TIME as u32;
    descriptor(bpf(bpf_cmd::BPF_ENABLE_STATS, &mut attr)?)
}

/// Asks the kernel about what the descriptor stands for.
///
/// # Safety
///
/// `I` is the kernel's info structure for that kind of object, plain numbers; where it names memory to fill, there is as
/// much as it says.
pub(crate) unsafe fn read_info<I>(object: BorrowedFd<'_>, info: &mut I) -> io::Result<()> {
    // SAFETY: as in `try_load`.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.info.bpf_fd = object.as_raw_fd() as u32;
    attr.info.info_len = size_of::<I>() as u32;
    attr.info.info = std::ptr::from_mut(info) as u64;
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr)?;
    Ok(())
}

/// One call of bpf(2). Pointers in `attr` must be good for what `command` does with them.
pub(crate) fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<c_long> {
    // SAFETY: the attribute is as large as the kernel is told; pointers in it outlive the call.
    checked(unsafe { libc::syscall(libc::SYS_bpf, command as c_int, &raw mut *attr, size_of::<bpf_attr>()) })
}

fn checked(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes what the kernel answered for a descriptor.
pub(crate) fn descriptor(number: c_long) -> io::Result<OwnedFd> {
    let number = c_int::try_from(number).map_err(io::Error::other)?;
    // SAFETY: the kernel has just handed out this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
