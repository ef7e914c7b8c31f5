//! BPF programs of others that are loaded in this kernel: found by their ids, with what is needed to attach to them, and the
//! links that attach them to devices.
//!
//! All of it needs `CAP_SYS_ADMIN`: ids of programs are no secret, but what a descriptor allows is.
#![expect(unsafe_code, reason = "raw system calls")]

use std::{
    io, mem,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{
    bpf_attach_type::{BPF_NETKIT_PEER, BPF_TCX_EGRESS},
    bpf_attr, bpf_btf_info, bpf_cmd, bpf_func_info, bpf_link_info,
    bpf_link_type::{BPF_LINK_TYPE_NETKIT, BPF_LINK_TYPE_TCX},
    bpf_prog_info,
};

use super::{
    attach::programs::hook::Attachment,
    sys::{bpf, descriptor, read_info},
};
use crate::kernel::btf::Btf;

/// The kernel takes no larger type information (`BTF_MAX_SIZE` of include/uapi/linux/btf.h was 16 MiB, is less than this).
const MOST_BTF_BYTES: u32 = 64 << 20;

/// A loaded program, as the kernel describes it.
pub(super) struct Description {
    /// A `bpf_prog_type`.
    pub(super) kind: u32,
    /// Name that it was loaded with, cut to 15 bytes.
    pub(super) name: String,
    /// Its type information, if it has any.
    pub(super) types: Option<u32>,
    /// The function that it begins with, in that.
    pub(super) function: Option<u32>,
}

/// Id of the first program after `id`.
pub(super) fn next_program(id: u32) -> io::Result<u32> {
    next(bpf_cmd::BPF_PROG_GET_NEXT_ID, id)
}

/// Id of the first link after `id`.
pub(super) fn next_link(id: u32) -> io::Result<u32> {
    next(bpf_cmd::BPF_LINK_GET_NEXT_ID, id)
}

fn next(command: bpf_cmd, id: u32) -> io::Result<u32> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = id;
    bpf(command, &mut attr)?;
    // SAFETY: the kernel has just set this member.
    Ok(unsafe { attr.__bindgen_anon_6 }.next_id)
}

/// The program with this id.
pub(super) fn program(id: u32) -> io::Result<OwnedFd> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.prog_id = id;
    descriptor(bpf(bpf_cmd::BPF_PROG_GET_FD_BY_ID, &mut attr)?)
}

/// The program of the link with this id and where that attaches it; `None` where that is none of the places asked for, or the
/// link is gone.
pub(super) fn link(id: u32) -> Option<(u32, Attachment)> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.link_id = id;
    let link = descriptor(bpf(bpf_cmd::BPF_LINK_GET_FD_BY_ID, &mut attr).ok()?).ok()?;
    // SAFETY: plain numbers.
    let mut info: bpf_link_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    unsafe { read_info(link.as_fd(), &mut info).ok()? };
    let to = match info.type_ {
        kind if kind == BPF_LINK_TYPE_TCX as u32 => {
            // SAFETY: the kernel fills this member for that type.
            let tcx = unsafe { info.__bindgen_anon_1.tcx };
            Attachment::Tcx { ifindex: tcx.ifindex, egress: tcx.attach_type == BPF_TCX_EGRESS as u32 }
        }
        kind if kind == BPF_LINK_TYPE_NETKIT as u32 => {
            // SAFETY: as above.
            let netkit = unsafe { info.__bindgen_anon_1.netkit };
            Attachment::Netkit { peer: netkit.attach_type == BPF_NETKIT_PEER as u32 }
        }
        _ => return None,
    };
    Some((info.prog_id, to))
}

/// What the kernel says of a program.
pub(super) fn describe(program: BorrowedFd<'_>) -> io::Result<Description> {
    // SAFETY: plain numbers.
    let mut function: bpf_func_info = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    info.nr_func_info = 1;
    info.func_info_rec_size = size_of::<bpf_func_info>() as u32;
    info.func_info = &raw mut function as u64;
    // SAFETY: there is room for the one record asked for.
    unsafe { read_info(program, &mut info)? };
    let name: Vec<u8> = info.name.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    Ok(Description {
        kind: info.type_,
        name: String::from_utf8_lossy(&name).into_owned(),
        types: (info.btf_id != 0).then_some(info.btf_id),
        function: (info.nr_func_info > 0 && function.type_id != 0).then_some(function.type_id),
    })
}

/// The type information with this id.
pub(crate) fn types(id: u32) -> io::Result<Btf> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.btf_id = id;
    let handle = descriptor(bpf(bpf_cmd::BPF_BTF_GET_FD_BY_ID, &mut attr)?)?;
    // SAFETY: plain numbers.
    let mut info: bpf_btf_info = unsafe { mem::zeroed() };
    // SAFETY: it asks for nothing beyond itself.
    unsafe { read_info(handle.as_fd(), &mut info)? };
    if info.btf_size > MOST_BTF_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0u8; info.btf_size as usize];
    // SAFETY: plain numbers.
    let mut info: bpf_btf_info = unsafe { mem::zeroed() };
    info.btf = bytes.as_mut_ptr() as u64;
    info.btf_size = bytes.len() as u32;
    // SAFETY: there are as many bytes as it says.
    unsafe { read_info(handle.as_fd(), &mut info)? };
    Btf::parse(bytes, None).map_err(io::Error::other)
}

fn nothing() -> bpf_attr {
    // SAFETY: all members of the union are plain numbers.
    unsafe { mem::zeroed() }
}
