//! BPF programs of others that are loaded in this kernel: found by their ids, with what is needed to attach to them.
//!
//! All of it needs `CAP_SYS_ADMIN`: ids of programs are no secret, but what a descriptor allows is.
#![expect(unsafe_code, reason = "raw system calls")]

use std::{
    io, mem,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{bpf_attr, bpf_btf_info, bpf_cmd, bpf_func_info, bpf_prog_info};

use super::sys::{bpf, descriptor, read_info};
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
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = id;
    bpf(bpf_cmd::BPF_PROG_GET_NEXT_ID, &mut attr)?;
    // SAFETY: the kernel has just set this member.
    Ok(unsafe { attr.__bindgen_anon_6 }.next_id)
}

/// The program with this id.
pub(super) fn program(id: u32) -> io::Result<OwnedFd> {
    let mut attr = nothing();
    attr.__bindgen_anon_6.__bindgen_anon_1.prog_id = id;
    descriptor(bpf(bpf_cmd::BPF_PROG_GET_FD_BY_ID, &mut attr)?)
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
