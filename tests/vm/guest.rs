//! The guest's side: init, the runner of the cases, and what a case knows of the machine it runs in.
//!
//! Each case runs in a process of its own with a deadline, so that one that hangs or panics costs itself alone.
//! Nothing here may count a case as passed that did not run to its end.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;

use crate::cases::{CASES, Case};
use crate::net::sh;
use crate::qemu::{REPORT, VERDICT};

/// A tracer that lets go of single kprobes on 6.1 needs about a minute.
const PATIENCE: Duration = Duration::from_millis(20);

/// The machine a case runs in.
pub(crate) struct Guest {
    /// Such as 6.1.0-56-cloud-amd64.
    pub(crate) release: String,
    /// Its first two numbers.
    pub(crate) version: (u32, u32),
}

impl Guest {
    fn look() -> Result<Self> {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
        let version = version(&release).with_context(|| format!("`{release}` is no kernel release"))?;
        Ok(Self { release, version })
    }

    pub(crate) fn at_least(&self, version: (u32, u32)) -> bool {
        self.version >= version
    }

    /// True if this kernel attaches many functions with one call; Debian's 6.1 is built without FPROBE.
    pub(crate) fn has_kprobe_multi(&self) -> bool {
        self.at_least((6, 12))
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Pid 1: mounts, starts this binary in the role that the command line names, reaps, powers off.
pub(crate) fn init(args: &[String]) -> ExitCode {
    if let Err(error) = prepare().and_then(|()| reap(args)) {
        println!("init: {error:#}");
    }
    let _ = Command::new("poweroff").arg("-f").status();
    // If that failed, init's end is a kernel panic, which the host notices.
    ExitCode::FAILURE
}

fn prepare() -> Result<()> {
    for (kind, target) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/tmp"),
        ("tmpfs", "/run"),
        ("tracefs", "/sys/kernel/tracing"),
        ("debugfs", "/sys/kernel/debug"),
        ("bpf", "/sys/fs/bpf"),
        ("cgroup2", "/sys/fs/cgroup"),
    ] {
        mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
            .with_context(|| format!("failed to mount `{target}`"))?;
    }
    sh("mkdir -p /dev/pts /run/lock; mount -t devpts devpts /dev/pts; ip link set lo up; ln -s /proc/self/fd /dev/fd")
        .map(drop)
}

/// Runs the role and collects every orphan, which are init's to collect, until the role ends.
fn reap(args: &[String]) -> Result<()> {
    let mut role = Command::new("/proc/self/exe");
    role.args(args).env("PATH", "/bin").env("HOME", "/root").env("RUST_BACKTRACE", "0");
    let role = Pid::from_raw(i32::try_from(role.spawn().context("failed to start the role")?.id())?);
    loop {
        match wait()? {
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _) if pid == role => {
                return Ok(());
            }
            _ => {}
        }
    }
}

/// Runs the named cases, all without a name, and gives the verdict.
pub(crate) fn run_all(args: &[String]) -> bool {
    let names: Vec<&str> = args.iter().flat_map(|list| list.split(',')).filter(|name| !name.is_empty()).collect();
    let guest = match Guest::look() {
        Ok(guest) => guest,
        Err(error) => {
            println!("{REPORT}failed to look at the machine: {error:#}");
            return false;
        }
    };
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in CASES.iter().filter(|case| names.is_empty() || names.contains(&case.name)) {
        if !guest.at_least(case.min_kernel) {
            skipped += 1;
            let (major, minor) = case.min_kernel;
            println!("{REPORT}case {} skipped (needs Linux {major}.{minor})", case.name);
            continue;
        }
        let start = Instant::now();
        let result = supervise(case);
        let took = start.elapsed().as_secs_f64();
        if let Err(error) = result {
            failed += 1;
            println!("{REPORT}case {} FAILED ({took:.1} s: {error:#})", case.name);
        } else {
            passed += 1;
            println!("{REPORT}case {} ok ({took:.1} s)", case.name);
        }
        tidy();
    }
    println!("{VERDICT} {passed} passed, {failed} failed, {skipped} skipped");
    failed == 0
}

/// A case's own process, ended with all it started when its time is over.
fn supervise(case: &Case) -> Result<()> {
    let mut command = Command::new("/proc/self/exe");
    let mut child = command.args(["guest-case", case.name]).process_group(0).spawn()?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let status = wait_within(&mut child, Duration::from_secs(case.seconds));
    let _ = killpg(group, Signal::SIGKILL);
    match status? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("{status}"),
        None => {
            let _ = child.wait();
            bail!("not done after {} s", case.seconds)
        }
    }
}

/// Waits for a process; None when the time is over first.
pub(crate) fn wait_within(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("failed to wait")? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            return Ok(None);
        }
        sleep(PATIENCE);
    }
}

/// What a case left behind would mislead the next.
fn tidy() {
    let _ = sh("ip -all netns delete; rm -rf /tmp/*");
}

/// The process of one case.
pub(crate) fn run_one(args: &[String]) -> Result<bool> {
    let name = args.first().context("no case named")?;
    let case = CASES.iter().find(|case| case.name == *name).context("no such case")?;
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string())));
    if let Err(error) = (case.run)(&Guest::look()?) {
        say(&format!("{error:#}"));
        return Ok(false);
    }
    Ok(true)
}

/// A text for the one who waits on the host.
pub(crate) fn say(text: &str) {
    for line in text.lines() {
        println!("{REPORT}    {line}");
    }
}

/// The text of a file, or nothing if there is none yet.
pub(crate) fn read_if_there(path: &Path) -> Result<String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    }
}
