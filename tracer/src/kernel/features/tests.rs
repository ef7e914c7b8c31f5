use std::fs;

use super::{super::btf::testing::Builder, *};

/// A kernel with everything, after `changes`: a file with other text, or with "-" none.
fn features(functions: &[&str], changes: &[(&str, &str)]) -> Features {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::at(directory.path());
    let mut files = vec![
        ("/proc/sys/kernel/osrelease", "6.12.1-test\n"),
        ("/proc/sys/kernel/kptr_restrict", "0\n"),
        ("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n"),
        ("/proc/self/uid_map", "         0          0 4294967295\n"),
        ("/proc/self/limits", "Max locked memory         65536                65536                bytes\n"),
        ("/sys/bus/event_source/devices/kprobe/type", "6\n"),
        ("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n"),
        ("/sys/kernel/tracing/available_filter_functions", "ip_rcv\n"),
    ];
    files.extend(changes);
    for (path, text) in files {
        let path = root.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = if text == "-" { fs::remove_file(path) } else { fs::write(path, text) };
    }
    let mut builder = Builder::new();
    builder.typedef("btf_trace_kfree_skb", 0);
    for name in functions {
        builder.function(name, &[]);
    }
    Features::read(&root, Some(&builder.build()))
}

const ALL: [&str; 3] = ["register_kprobe", "register_fprobe_ips", "bpf_rdonly_cast"];

fn why(support: &Support) -> &str {
    match support {
        Support::Yes => "ok",
        Support::No(lack) => &lack.why,
        Support::Unknown(why) => why,
    }
}

#[test]
fn a_kernel_with_everything_lacks_nothing() {
    let features = features(&ALL, &[]);
    let all = [
        &features.new_enough,
        &features.btf,
        &features.tracepoints,
        &features.kprobes,
        &features.fprobe,
        &features.tracefs,
        &features.direct_loads,
        &features.symbols,
        &features.lockdown,
        &features.capabilities,
        &features.memory_lock,
    ];
    for support in all {
        assert_eq!(why(support), "ok");
    }
    assert!(features.blockers().is_empty());
    assert_eq!(features.release.to_string(), "6.12.1-test");
}

#[test]
fn each_lack_is_named() {
    let check = |path: &str, text: &str, pick: fn(&Features) -> &Support, expected: &str, blocks: bool| {
        let features = features(&ALL, &[(path, text)]);
        assert_eq!(why(pick(&features)), expected, "{path}");
        assert_eq!(!features.blockers().is_empty(), blocks, "{path}");
    };
    check("/proc/sys/kernel/osrelease", "5.4.0", |all| &all.new_enough, "this kernel is older than 5.17", true);
    check(
        "/sys/bus/event_source/devices/kprobe/type",
        "-",
        |all| &all.kprobes,
        "the kernel shows no perf device for kprobes",
        false,
    );
    check("/sys/kernel/debug/kprobes/enabled", "0\n", |all| &all.kprobes, "kprobes are switched off", false);
    check("/proc/sys/kernel/ftrace_enabled", "0\n", |all| &all.fprobe, "function tracing is switched off", false);
    check("/proc/sys/kernel/kptr_restrict", "2\n", |all| &all.symbols, "kernel.kptr_restrict is 2", false);
    check("/proc/kcore", "-", |all| &all.fragments, "the kernel has no /proc/kcore", false);
    check("/proc/kcore", "?", |all| &all.fragments, "/proc/kcore does not tell where memory is seen", false);
    check(
        "/sys/kernel/security/lockdown",
        "none integrity [confidentiality]\n",
        |all| &all.lockdown,
        "kernel lockdown is at `confidentiality`",
        true,
    );
    check(
        "/proc/self/uid_map",
        "0 1000 1\n",
        |all| &all.capabilities,
        "this process is in a user namespace, where capabilities do not reach the kernel",
        true,
    );
    check(
        "/proc/self/status",
        "CapEff:\t0000000000000000\n",
        |all| &all.capabilities,
        "CAP_BPF and CAP_PERFMON are missing",
        true,
    );
    check("/proc/self/status", "CapEff:\t0000004000000000\n", |all| &all.capabilities, "CAP_BPF is missing", true);
}

#[test]
fn types_decide_what_the_kernel_was_built_with() {
    let features = features(&[], &[("/sys/bus/event_source/devices/kprobe/type", "-")]);
    assert_eq!(why(&features.kprobes), "this kernel is built without kprobes");
    assert_eq!(why(&features.fprobe), "this kernel is built without FPROBE (5.18)");
    assert_eq!(why(&features.direct_loads), "this kernel has no bpf_rdonly_cast (6.2)");
    assert!(features.blockers().is_empty(), "tracepoints are left");
}

#[test]
fn old_kernels_count_locked_memory() {
    let old = ("/proc/sys/kernel/osrelease", "5.10.0");
    let limited = |mask: &'static str| features(&ALL, &[old, ("/proc/self/status", mask)]);
    assert!(limited("CapEff:\t000001ffffffffff\n").memory_lock.is_yes(), "CAP_SYS_RESOURCE lifts the limit");
    let lack = limited("CapEff:\t000000c000000000\n").memory_lock;
    assert!(why(&lack).starts_with("only 64 KiB of memory may be locked"), "{lack:?}");
}

#[test]
fn a_machine_that_says_nothing_is_unknown_not_a_panic() {
    let features = Features::read(&Root::at("/nonexistent-root"), None);
    assert!(features.release.is_unknown());
    assert!(matches!(features.capabilities, Support::Unknown(_)));
    assert!(matches!(features.fprobe, Support::Unknown(_)));
    assert_eq!(features.blockers().len(), 1, "no BTF");
}
