//! What is wrong with the machine, the user or the output is said in one sentence, with exit code 1, and nothing stays
//! attached. What is wrong with the arguments is in `tests/cli.rs`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::{Background, Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "bad_input",
    about: "no root, no BTF, a backend that is not there, a closed stdout, a full disk",
    min_kernel: (5, 8),
    seconds: 200,
    run,
};

/// A run that cannot work.
struct Fault {
    name: &'static str,
    /// A shell line that exits as skbtrail did.
    line: &'static str,
    code: i32,
    /// What the last line on stderr must hold: what is missing, and what to do.
    says: &'static [&'static str],
    /// Lines on stderr, of which one may say that it listens and one the counts.
    lines: usize,
}

const FEW: &str = "--filter-func 'ip_rcv|icmp_rcv|kfree_skb'";

const FAULTS: &[Fault] = &[
    Fault {
        name: "no root",
        line: "setpriv --reuid=65534 --regid=65534 --clear-groups skbtrail trace icmp",
        code: 1,
        says: &["CAP_BPF and CAP_PERFMON", "root"],
        lines: 1,
    },
    Fault {
        name: "root of a user namespace",
        line: "unshare -U -r skbtrail trace icmp",
        code: 1,
        says: &["user namespace", "run outside"],
        lines: 1,
    },
    Fault {
        name: "no BTF",
        line: "mkdir /tmp/empty && unshare -m sh -c 'mount -o bind /tmp/empty /sys/kernel/btf && skbtrail trace icmp'",
        code: 1,
        says: &["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF=y"],
        lines: 1,
    },
    Fault {
        name: "kprobes switched off",
        line: "echo 0 > /sys/kernel/debug/kprobes/enabled; skbtrail trace --backend kprobe icmp; code=$?;
               echo 1 > /sys/kernel/debug/kprobes/enabled; exit $code",
        code: 1,
        says: &["`kprobe`", "switched off", "echo 1 > /sys/kernel/debug/kprobes/enabled", "--backend "],
        lines: 1,
    },
    Fault {
        name: "nowhere to write",
        line: "skbtrail trace --output-file /no/such/folder/out icmp",
        code: 1,
        says: &["/no/such/folder/out", "No such file"],
        lines: 1,
    },
    Fault {
        name: "a member that does not exist",
        line: "skbtrail trace --output-skb-metadata 'skb->dev->ifindx' icmp",
        code: 2,
        says: &["skb->dev->ifindx", "`ifindex`"],
        lines: 1,
    },
    Fault {
        name: "no such function",
        line: "skbtrail trace --filter-func 'ip_rcw' icmp",
        code: 2,
        says: &["no traceable function", "skbtrail functions"],
        lines: 1,
    },
];

/// The kernels that have FPROBE do without it while function tracing is off.
const NO_FPROBE: Fault = Fault {
    name: "no FPROBE",
    line: "skbtrail trace --backend kprobe-multi icmp",
    code: 1,
    says: &["`kprobe-multi`", "FPROBE (5.18)", "CONFIG_FPROBE=y", "`--backend kprobe`"],
    lines: 1,
};
const FPROBE_OFF: Fault = Fault {
    name: "FPROBE switched off",
    line: "sysctl -qw kernel.ftrace_enabled=0; skbtrail trace --backend kprobe-multi icmp; code=$?;
           sysctl -qw kernel.ftrace_enabled=1; exit $code",
    code: 1,
    says: &["`kprobe-multi`", "switched off", "sysctl kernel.ftrace_enabled=1", "`--backend kprobe`"],
    lines: 1,
};

fn run(guest: &Guest) -> Result<()> {
    let before = Holdings::at_rest()?;
    let multi = if guest.has_kprobe_multi() { &FPROBE_OFF } else { &NO_FPROBE };
    for fault in FAULTS.iter().chain([multi]) {
        check(fault).with_context(|| fault.name)?;
        before.restored().with_context(|| fault.name)?;
    }
    let pair = Pair::new()?;
    let _traffic = Background::start(&pair.a.inside("exec ping -q -i 0.05 10.77.0.2"))?;
    full_disk().context("full disk")?;
    before.restored().context("full disk")?;
    closed_stdout().context("closed stdout")?;
    before.restored().context("closed stdout")
}

fn check(fault: &Fault) -> Result<()> {
    let run = Command::new("bash").args(["-c", fault.line]).output()?;
    let stderr = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.code() == Some(fault.code), "{}: {stderr}", run.status);
    ensure!(run.stdout.is_empty(), "on stdout: {}", String::from_utf8_lossy(&run.stdout));
    ensure!(stderr.lines().count() == fault.lines, "not one sentence: {stderr}");
    let last = stderr.lines().next_back().unwrap_or_default();
    ensure!(last.starts_with("skbtrail: "), "{last}");
    for part in fault.says {
        ensure!(last.contains(part), "does not say {part}: {last}");
    }
    Ok(())
}

/// The counts are said, then what went wrong.
fn full_disk() -> Result<()> {
    sh("mkdir /tmp/small && mount -t tmpfs -o size=16k small /tmp/small")?;
    let line = format!("timeout 60 skbtrail trace --output-json --output-file /tmp/small/out {FEW} icmp");
    let run = Command::new("bash").args(["-c", &line]).output()?;
    sh("umount /tmp/small")?;
    let stderr = String::from_utf8_lossy(&run.stderr);
    let last = stderr.lines().next_back().unwrap_or_default();
    ensure!(run.status.code() == Some(1), "{}: {stderr}", run.status);
    ensure!(last.contains("/tmp/small/out") && last.contains("No space left on device"), "{stderr}");
    ensure!(stderr.lines().filter(|line| line.contains("seen ")).count() == 1, "no counts: {stderr}");
    Ok(())
}

/// A reader that has seen enough is no failure, and nothing is to be said of it but the counts.
fn closed_stdout() -> Result<()> {
    let line = format!("timeout 60 skbtrail trace {FEW} icmp | head -1; exit ${{PIPESTATUS[0]}}");
    let run = Command::new("bash").args(["-c", &line]).output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    ensure!(run.status.code() == Some(0), "{}: {stderr}", run.status);
    ensure!(stdout.lines().count() == 1 && stdout.contains("FUNC"), "{stdout}");
    ensure!(!stderr.contains("pipe") && stderr.contains("seen "), "{stderr}");
    Ok(())
}
