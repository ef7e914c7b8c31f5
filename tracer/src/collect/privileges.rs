//! Gives up every privilege that reading events and swapping filters does not need.

#![expect(unsafe_code, reason = "system calls that glibc makes for all threads at once")]

use std::{collections::HashSet, io};

use caps::{CapSet, Capability};
use nix::unistd::{Gid, Uid};

use super::error::Error;

/// What stays: loading a new filter program's map needs `CAP_BPF`, attaching to functions that appear later
/// `CAP_PERFMON`, looking at interfaces `CAP_NET_ADMIN`.
const KEPT: [Capability; 3] = [Capability::CAP_BPF, Capability::CAP_PERFMON, Capability::CAP_NET_ADMIN];

/// What tracing cannot begin without; `CAP_SYS_ADMIN` stands for both.
const NEEDED: [Capability; 2] = [Capability::CAP_BPF, Capability::CAP_PERFMON];

/// Checks, before anything is loaded, that this process may trace.
pub fn require() -> Result<(), Error> {
    let held = caps::read(None, CapSet::Effective).map_err(Error::Privileges)?;
    let missing: Vec<String> = NEEDED.iter().filter(|needed| !held.contains(needed)).map(ToString::to_string).collect();
    if missing.is_empty() || held.contains(&Capability::CAP_SYS_ADMIN) {
        Ok(())
    } else {
        Err(Error::NotPermitted { missing: missing.join(" and ") })
    }
}

/// Keeps `CAP_BPF`, `CAP_PERFMON` and `CAP_NET_ADMIN` and drops the rest, for good: not even a new program gets them back.
///
/// Like the two below, it holds for the calling thread and those that it starts from then on.
pub fn drop_all_but_needed() -> Result<(), Error> {
    keep(&KEPT, &KEPT)
}

/// For the process that opens kprobes: kernels of Debian and Ubuntu insist on `CAP_SYS_ADMIN` for that where
/// `kernel.perf_event_paranoid` is above 2.
pub fn drop_all_but_attaching() -> Result<(), Error> {
    keep(&[Capability::CAP_BPF, Capability::CAP_PERFMON, Capability::CAP_SYS_ADMIN], &[])
}

/// For whoever looks at what is attached in all network namespaces.
pub fn drop_all_but_inspecting() -> Result<(), Error> {
    keep(&[Capability::CAP_SYS_ADMIN, Capability::CAP_SYS_PTRACE, Capability::CAP_NET_ADMIN, Capability::CAP_BPF], &[])
}

/// For whoever reads maps that are open already.
pub fn drop_all_but_reading_maps() -> Result<(), Error> {
    keep(&[Capability::CAP_BPF], &[])
}

/// For whoever looks into other network namespaces: entering them takes `CAP_SYS_ADMIN`, and finding those of other users'
/// processes `CAP_SYS_PTRACE`.
pub fn drop_all_but_entering() -> Result<(), Error> {
    keep(&[Capability::CAP_SYS_ADMIN, Capability::CAP_SYS_PTRACE], &[])
}

/// For whoever only talks to somebody.
pub fn drop_all() -> Result<(), Error> {
    keep(&[], &[])
}

/// Makes these the real user and group of the calling thread, and of those that it starts from then on; the effective ones
/// become, or stay, root.
///
/// glibc's own functions do that for all threads of the process, and end it where one of them may not any more because it has
/// dropped its privileges.
pub fn set_real_user(user: Uid, group: Gid) -> io::Result<()> {
    // SAFETY: system calls that take numbers alone.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setresgid, group.as_raw(), 0, 0),
            libc::syscall(libc::SYS_setresuid, user.as_raw(), 0, 0),
        ]
    };
    if results == [0; 2] { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `bounding` is what a program that is executed could get back.
fn keep(kept: &[Capability], bounding: &[Capability]) -> Result<(), Error> {
    let permitted = caps::read(None, CapSet::Permitted).map_err(Error::Privileges)?;
    let kept: HashSet<Capability> = kept.iter().copied().filter(|capability| permitted.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient).map_err(Error::Privileges)?;
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::all() {
            let held = caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false);
            if held && !bounding.contains(&capability) {
                caps::drop(None, CapSet::Bounding, capability).map_err(Error::Privileges)?;
            }
        }
    }
    caps::clear(None, CapSet::Inheritable).map_err(Error::Privileges)?;
    caps::set(None, CapSet::Effective, &kept).map_err(Error::Privileges)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(Error::Privileges)
}
