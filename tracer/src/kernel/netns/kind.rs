//! Whether a file is a network namespace.
#![expect(unsafe_code, reason = "the type of a namespace is told by an ioctl alone")]

use std::{fs::File, os::fd::AsRawFd as _};

use nix::sys::statfs::{self, NSFS_MAGIC};

/// `NS_GET_NSTYPE` of `include/uapi/linux/nsfs.h`.
const GET_TYPE: libc::c_ulong = 0xb703;

/// A file of the kernel's namespace file system, and of its namespaces a network one.
pub(super) fn is_network_namespace(file: &File) -> bool {
    statfs::fstatfs(file).is_ok_and(|info| info.filesystem_type() == NSFS_MAGIC) && kind(file) == libc::CLONE_NEWNET
}

/// The `CLONE_NEW…` flag of a namespace; negative for other files.
fn kind(file: &File) -> libc::c_int {
    // SAFETY: the request takes no argument and touches no memory; the descriptor is open as long as `file` is.
    unsafe { libc::ioctl(file.as_raw_fd(), GET_TYPE as _) }
}
