//! The process that holds single kprobes.
//!
//! The kernel takes some 40 to 90 ms to let go of one kprobe (facts of 6.1 under emulation; it waits for a grace period
//! each time), so a tracer with 1500 of them would keep its user waiting for a minute after Ctrl-C. Therefore another
//! process, started from the same binary, opens and holds them: when the tracer ends, by itself or by a kill, the
//! holder's input ends, it exits, and the kernel lets go while the user already has the prompt.
//!
//! Input: one line `DESCRIPTOR FUNCTION` a probe, the descriptor being that of an inherited program; then [`END`].
//! Output: one byte-sized answer a line, `0` or the kernel's error number, in the order asked.

use std::{
    ffi::CString,
    fs,
    io::{self, BufRead as _, Write as _},
    os::fd::{BorrowedFd, OwnedFd},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::collect::{privileges, sys};

/// Name of the hidden command that runs [`run`].
pub const COMMAND: &str = "hold-kprobes";
/// Nothing more is to be attached. What remains, holding, needs no privileges.
pub const END: &str = "end\n";
/// What the kernel calls the number of the kprobe PMU.
const PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
/// Each probe takes two descriptors.
const DESCRIPTORS: u64 = 65_536;

/// Attaches what the input asks for, then holds it until the input ends.
pub fn run() -> io::Result<()> {
    // Of its own session, so that neither Ctrl-C nor the terminal's end reaches it before it has let go.
    let _ = nix::unistd::setsid();
    let _ = std::env::set_current_dir("/");
    raise_descriptor_limit();
    privileges::drop_all_but_attaching().map_err(io::Error::other)?;
    let pmu: u32 = fs::read_to_string(PMU)?.trim().parse().map_err(io::Error::other)?;
    let mut held: Vec<OwnedFd> = Vec::new();
    let mut output = io::stdout();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == END.trim_end() {
            privileges::drop_all().map_err(io::Error::other)?;
            continue;
        }
        let answer = match attach(&line, pmu) {
            Ok(event) => {
                held.push(event);
                0
            }
            Err(error) => error.raw_os_error().unwrap_or(libc::EINVAL),
        };
        if writeln!(output, "{answer}").and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "the descriptor number comes from the parent, which left it open for us")]
fn attach(line: &str, pmu: u32) -> io::Result<OwnedFd> {
    let (descriptor, function) = line.split_once(' ').ok_or(io::ErrorKind::InvalidInput)?;
    let descriptor: i32 = descriptor.parse().map_err(io::Error::other)?;
    let function = CString::new(function)?;
    // SAFETY: inherited, and never closed in this process.
    let program = unsafe { BorrowedFd::borrow_raw(descriptor) };
    sys::attach_kprobe(program, pmu, &function)
}

fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = DESCRIPTORS.max(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}
