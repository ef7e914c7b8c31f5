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
    thread,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::collect::{
    privileges,
    sys::{self, Entry},
};

/// Name of the hidden command that runs [`run`].
pub const COMMAND: &str = "hold-kprobes";
/// Nothing more is to be attached. What remains, holding, needs no privileges.
pub const END: &str = "end\n";
/// What the kernel calls the number of the kprobe PMU.
const PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
/// Each probe takes a descriptor.
const DESCRIPTORS: u64 = 65_536;
/// More of them make it no faster (measured on 6.1: half the time of one).
const THREADS: usize = 16;

/// Attaches what the input asks for, then holds it until the input ends. `programs` are the inherited descriptors.
///
/// What keeps it from beginning is the last line of its answers.
pub fn run(programs: &[i32]) -> io::Result<()> {
    close_foreign(programs);
    hold().inspect_err(|error| {
        let _ = writeln!(io::stdout(), "{error}");
    })
}

fn hold() -> io::Result<()> {
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
    let_go(held);
    Ok(())
}

/// Closing a probe waits for grace periods of the kernel, which several that are closed at once share.
fn let_go(mut held: Vec<OwnedFd>) {
    let share = held.len().div_ceil(THREADS);
    thread::scope(|scope| {
        while !held.is_empty() {
            let part = held.split_off(held.len().saturating_sub(share));
            scope.spawn(move || drop(part));
        }
    });
}

#[expect(unsafe_code, reason = "the descriptor number comes from the parent, which left it open for us")]
fn attach(line: &str, pmu: u32) -> io::Result<OwnedFd> {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().ok_or(io::Error::from(io::ErrorKind::InvalidInput));
    let descriptor: i32 = word()?.parse().map_err(io::Error::other)?;
    let address: u64 = word()?.parse().map_err(io::Error::other)?;
    let function = CString::new(word()?)?;
    // A name may be that of several functions, so it only serves where no address is known.
    let entry = if address == 0 { Entry::Name(&function) } else { Entry::Address(address) };
    // SAFETY: inherited, and never closed in this process.
    let program = unsafe { BorrowedFd::borrow_raw(descriptor) };
    sys::attach_kprobe(program, pmu, entry)
}

/// Closes what the tracer's own caller had left open: held on to for a minute, it would keep others waiting.
fn close_foreign(programs: &[i32]) {
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2 && !programs.contains(descriptor)) {
        let _ = nix::unistd::close(descriptor);
    }
}

fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = DESCRIPTORS.max(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}
