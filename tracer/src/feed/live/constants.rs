//! What the programs in the kernel are told before they are loaded.

use std::os::unix::fs::MetadataExt as _;

use tracer_common::{
    config::{ABSENT, Settings},
    event::{METADATA_VALUES, PACKET_BYTES},
};

use super::{Error, Options};
use crate::{
    collect::object::Constants,
    kernel::{
        Root,
        btf::{Btf, Chain},
        memory, offsets,
    },
};

/// Inode of the PID namespace that the kernel starts with (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;
/// No process has this id.
const NOBODY: u32 = u32::MAX;

/// Resolves the member chains that a run wants.
pub(super) fn chains(btf: &Btf, expressions: &[String]) -> Result<Vec<Chain>, Error> {
    if expressions.len() > METADATA_VALUES {
        return Err(Error::TooManyChains);
    }
    let chain = |expression: &String| {
        btf.chain(expression).map_err(|source| Error::Chain { expression: expression.clone(), source })
    };
    expressions.iter().map(chain).collect()
}

/// Offsets and settings; a member that this kernel does not have is noted.
pub(super) fn constants(
    root: &Root,
    btf: &Btf,
    options: &Options,
    chains: usize,
    notes: &mut Vec<String>,
) -> Result<Constants, Error> {
    let found = offsets::read(btf);
    notes.extend(found.missing.iter().map(|missing| format!("not shown: {missing}")));
    let offsets = found.offsets;
    let needed = [("head", offsets.skb_head), ("len", offsets.skb_len), ("network_header", offsets.skb_network_header)];
    if let Some((name, _)) = needed.iter().find(|(_, offset)| *offset == ABSENT) {
        return Err(Error::Member((*name).to_owned()));
    }
    let direct = offsets::direct_loads(btf);
    let layout = memory::layout(root).filter(|_| offsets.fragment_page != ABSENT && offsets.skb_end != ABSENT);
    let extra = options.stack || options.packet_bytes > 0 || chains > 0;
    Ok(Constants {
        offsets,
        rdonly_cast: direct.as_ref().map_or(0, |direct| direct.kfunc),
        settings: Settings {
            memory: layout.map_or(0, |layout| layout.memory),
            pages: layout.map_or(0, |layout| layout.pages),
            window: direct.as_ref().map_or(0, |direct| direct.window),
            own_pid: own_pid(options, notes),
            want_caller: options.caller.into(),
            want_extra: extra.into(),
            want_stack: options.stack.into(),
            packet_bytes: options.packet_bytes.min(PACKET_BYTES as u32),
            metadata: chains as u32,
            follow: options.follow.into(),
            layers: (options.swaps || options.filter.program.turns_inside()).into(),
            sample: options.sample,
            most_packets: options.most_packets,
            stacks: options.watches_stacks().into(),
            follow_stacks: options.follow_stacks.into(),
            xdp: options.programs.xdp.into(),
        },
    })
}

/// The process whose buffers are hidden, as the kernel numbers it. In a PID namespace of its own this process does not know
/// that number.
fn own_pid(options: &Options, notes: &mut Vec<String>) -> u32 {
    if !options.hide_own {
        return NOBODY;
    }
    let initial = std::fs::metadata("/proc/self/ns/pid").map_or(true, |ns| ns.ino() == INITIAL_PID_NAMESPACE);
    if initial {
        return std::process::id();
    }
    notes.push(
        "in a PID namespace of its own skbtrail cannot hide its own buffers; start it with the host's (hostPID)"
            .to_owned(),
    );
    NOBODY
}
