//! What the kernel lacks, one question each.

use std::io;

use caps::Capability;

use super::{Release, Support, process::Process};
use crate::kernel::{
    Root,
    btf::{Btf, Kind},
    functions, memory,
};

/// `bpf_loop`, in which filters run, and drop reasons in `skb:kfree_skb` (commits e6f2dd0f8067 and c504e5c2f964).
const MINIMUM: Release = Release::of(5, 17);

/// What the kernel's own types say about it.
#[derive(Clone, Copy)]
pub(super) struct Known {
    tracepoints: bool,
    kprobes: bool,
    fprobe: bool,
    following: bool,
    direct_loads: bool,
}

impl Known {
    pub(super) fn find(btf: &Btf) -> Self {
        let found = btf.find_each(&[
            (Kind::Typedef, "btf_trace_kfree_skb"),
            (Kind::Function, "register_kprobe"),
            (Kind::Function, "register_fprobe_ips"),
            (Kind::Function, "bpf_rdonly_cast"),
            (Kind::Function, "register_ftrace_direct"),
            (Kind::Function, "update_ftrace_direct_add"),
        ]);
        let found = |index: usize| found.get(index).is_some_and(Option::is_some);
        Self {
            tracepoints: found(0),
            kprobes: found(1),
            fprobe: found(2),
            direct_loads: found(3),
            following: found(4) || found(5),
        }
    }
}

pub(super) fn new_enough(release: &Release) -> Support {
    if release.is_unknown() {
        return Support::Unknown("/proc/sys/kernel/osrelease cannot be read".to_owned());
    }
    Support::when(
        *release >= MINIMUM,
        "this kernel is older than 5.17",
        "nothing can be traced",
        "boot a kernel of 5.17 or later",
    )
}

pub(super) fn types(btf: Option<&Btf>) -> Support {
    Support::when(
        btf.is_some(),
        "`/sys/kernel/btf/vmlinux` cannot be read",
        "nothing can be traced: functions and field offsets are not known",
        "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y",
    )
}

pub(super) fn tracepoints(known: Option<Known>) -> Support {
    let Some(known) = known else { return without_types() };
    Support::when(
        known.tracepoints,
        "this kernel's BTF has no tracepoints (5.5, CONFIG_BPF_EVENTS)",
        "nothing can be traced",
        "boot a kernel built with CONFIG_BPF_EVENTS=y",
    )
}

pub(super) fn kprobes(root: &Root, known: Option<Known>) -> Support {
    const INSTEAD: &str = "only tracepoints are traced, not functions";
    const REMEDY: &str = "boot a kernel built with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y";
    if root.text("/sys/kernel/debug/kprobes/enabled").is_ok_and(|text| text == "0") {
        let remedy = "echo 1 > /sys/kernel/debug/kprobes/enabled";
        return Support::no("kprobes are switched off", INSTEAD, remedy);
    }
    if root.path("/sys/bus/event_source/devices/kprobe/type").exists() {
        return Support::Yes;
    }
    // Without /sys, or with the perf device hidden, the types decide.
    match known {
        Some(Known { kprobes: true, .. }) => {
            Support::no("the kernel shows no perf device for kprobes", INSTEAD, REMEDY)
        }
        _ => Support::no("this kernel is built without kprobes", INSTEAD, REMEDY),
    }
}

pub(super) fn fprobe(root: &Root, known: Option<Known>) -> Support {
    const INSTEAD: &str = "functions are attached one by one with kprobes, or tracepoints are used";
    let Some(known) = known else { return without_types() };
    if known.fprobe && root.text("/proc/sys/kernel/ftrace_enabled").is_ok_and(|text| text == "0") {
        return Support::no("function tracing is switched off", INSTEAD, "sysctl kernel.ftrace_enabled=1");
    }
    Support::when(
        known.fprobe,
        "this kernel is built without FPROBE (5.18)",
        INSTEAD,
        "boot a kernel built with CONFIG_FPROBE=y",
    )
}

pub(super) fn tracefs(root: &Root) -> Support {
    const INSTEAD: &str = "which functions can be traced is guessed from the symbols";
    let Err(error) = functions::open(root) else { return Support::Yes };
    let why = format!("failed to read `{}`: {}", error.path.display(), error.source);
    match error.source.kind() {
        io::ErrorKind::NotFound => {
            Support::no(why, INSTEAD, "mount -t tracefs nodev /sys/kernel/tracing (CONFIG_FUNCTION_TRACER=y)")
        }
        _ => Support::no(why, INSTEAD, "run as root, with lockdown off"),
    }
}

pub(super) fn following(known: Option<Known>) -> Support {
    let Some(known) = known else { return without_types() };
    Support::when(
        known.following,
        "this kernel has no trampolines for BPF programs (5.5, CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)",
        "packets are not followed: each hit is judged by itself",
        "boot a kernel built with CONFIG_FUNCTION_TRACER=y",
    )
}

pub(super) fn direct_loads(known: Option<Known>) -> Support {
    let Some(known) = known else { return without_types() };
    Support::when(
        known.direct_loads,
        "this kernel has no bpf_rdonly_cast (6.2)",
        "fields are read by bpf_probe_read_kernel, at about twice the cost",
        "none is needed",
    )
}

pub(super) fn symbols(root: &Root, process: &Process) -> Support {
    const INSTEAD: &str = "callers, stacks and places of drops are shown as numbers";
    match root.text("/proc/sys/kernel/kptr_restrict").as_deref() {
        Ok("0" | "1") if process.has(Capability::CAP_SYSLOG) => Support::Yes,
        // With 0, perf_event_paranoid ≤ 1 also shows them to anybody.
        Ok("0") if perf_is_open(root) => Support::Yes,
        Ok("2") => Support::no("kernel.kptr_restrict is 2", INSTEAD, "sysctl kernel.kptr_restrict=1"),
        Ok(_) => Support::no("CAP_SYSLOG is missing", INSTEAD, "run as root, or grant CAP_SYSLOG"),
        Err(error) => Support::Unknown(format!("/proc/sys/kernel/kptr_restrict cannot be read: {error}")),
    }
}

/// What lies beyond the linear part of a packet is known by pages; where these are seen, only `/proc/kcore` tells.
pub(super) fn fragments(root: &Root) -> Support {
    const INSTEAD: &str =
        "headers beyond a packet's linear part are not read: such hits cannot be judged, and have no tuple";
    match root.open("/proc/kcore") {
        Ok(_) if memory::layout(root).is_some() => Support::Yes,
        Ok(_) => Support::Unknown("/proc/kcore does not tell where memory is seen".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Support::no("the kernel has no /proc/kcore", INSTEAD, "boot a kernel built with CONFIG_PROC_KCORE=y")
        }
        Err(error) => Support::no(
            format!("/proc/kcore cannot be opened: {error}"),
            INSTEAD,
            "run as root, with CAP_SYS_RAWIO and without lockdown",
        ),
    }
}

fn perf_is_open(root: &Root) -> bool {
    let level = root.text("/proc/sys/kernel/perf_event_paranoid").ok();
    level.and_then(|level| level.parse::<i32>().ok()).is_some_and(|level| level <= 1)
}

pub(super) fn lockdown(root: &Root) -> Support {
    match root.text("/sys/kernel/security/lockdown") {
        Ok(text) => Support::when(
            !text.contains("[confidentiality]"),
            "kernel lockdown is at `confidentiality`",
            "nothing can be traced: BPF may not read kernel memory",
            "boot with lockdown=integrity or without lockdown",
        ),
        Err(_) => {
            Support::Unknown("/sys/kernel/security/lockdown is not there: no lockdown, or not mounted".to_owned())
        }
    }
}

fn without_types() -> Support {
    Support::Unknown("only BTF would tell".to_owned())
}
