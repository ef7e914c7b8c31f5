//! Raw tracepoints with an `sk_buff`: all there is where kprobes are not built in, and the drops beside every backend.

use std::{
    collections::HashMap,
    ffi::CString,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use super::{Attached, Refused, Steps};
use crate::collect::{
    error::Error,
    object::{Instance, Object},
    sys,
};

/// Program for `skb:kfree_skb`, which carries the drop's reason and place.
pub const DROPPED: &str = "dropped";

/// A tracepoint to attach to.
#[derive(Clone, Debug)]
pub struct Tracepoint {
    /// Its name without the group: `kfree_skb`.
    pub name: String,
    /// Name of the program in the object.
    pub program: &'static str,
    /// What the program reports as its place: the index of the probe.
    pub instance: u32,
}

/// Name of the program for an `sk_buff` at `position` (from 0).
pub fn program_for(position: u8) -> Option<&'static str> {
    const NAMES: [&str; 5] =
        ["tracepoint_arg1", "tracepoint_arg2", "tracepoint_arg3", "tracepoint_arg4", "tracepoint_arg5"];
    NAMES.get(usize::from(position)).copied()
}

/// Attaches to each tracepoint; one that the kernel refuses is noted. A program that cannot be loaded is an error.
///
/// Where a link can carry a number, each program is loaded once; elsewhere once for each tracepoint.
pub fn attach(
    object: &Object,
    tracepoints: &[Tracepoint],
    attached: &mut Attached,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut shared: HashMap<&str, Option<OwnedFd>> = HashMap::new();
    for tracepoint in tracepoints {
        let program = shared
            .entry(tracepoint.program)
            .or_insert_with_key(|program| object.load_tracepoint(program, Instance::Cookie).ok());
        if let Some(program) = program {
            attach_one(program.as_fd(), tracepoint, tracepoint.instance, attached);
        } else {
            let own = object.load_tracepoint(tracepoint.program, Instance::Number(tracepoint.instance))?;
            attach_one(own.as_fd(), tracepoint, 0, attached);
            attached.programs.push(own);
        }
        steps.add(1);
    }
    attached.programs.extend(shared.into_values().flatten());
    Ok(())
}

fn attach_one(program: BorrowedFd<'_>, tracepoint: &Tracepoint, cookie: u32, attached: &mut Attached) {
    let link = CString::new(tracepoint.name.as_str())
        .map_err(io::Error::other)
        .and_then(|name| sys::attach_raw_tracepoint(program, &name, cookie.into()));
    match link {
        Ok(link) => {
            attached.links.push(link);
            attached.count += 1;
            attached.tracepoints += 1;
        }
        Err(error) => attached.refused.push(Refused { function: tracepoint.name.clone(), error }),
    }
}
