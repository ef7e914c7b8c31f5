//! Boots a kernel in QEMU's software emulation and listens to its serial line until the guest gives its verdict.
//!
//! Only that verdict counts: a machine that powers off without one has failed, whatever its exit code. A kernel that
//! panics, or says nothing final before the deadline, is killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::image::{self, Store};

/// What the guest's last line starts with.
pub(crate) const VERDICT: &str = "skbtrail-guest:";
/// The guest's lines that are meant for whoever waits, and not just for the log.
pub(crate) const REPORT: &str = "| ";

/// Kernel messages after which nothing more is to be hoped for.
const FATAL: &[&str] = &["Kernel panic", "BUG: ", "Oops: ", "Oops:", "general protection fault"];
/// Log lines shown when a boot fails.
const TAIL: usize = 60;

pub(crate) struct Machine {
    pub(crate) version: String,
    pub(crate) smp: u32,
    /// Guest time counts guest instructions, so that figures repeat whatever else this host does.
    pub(crate) icount: bool,
    pub(crate) deadline: Duration,
}

impl Machine {
    pub(crate) fn new(version: &str) -> Self {
        Self { version: version.to_owned(), smp: 2, icount: false, deadline: Duration::from_mins(40) }
    }

    pub(crate) fn counting(version: &str) -> Self {
        let deadline = Duration::from_hours(1);
        Self { smp: 1, icount: true, deadline, ..Self::new(version) }
    }
}

/// Boots, with `role` as arguments of the guest's init; true if every case passed.
pub(crate) fn boot(machine: &Machine, role: &[String]) -> Result<bool> {
    let store = Store::open()?;
    let image = image::build(&store, &machine.version)?;
    let kind = if machine.icount { "-icount" } else { "" };
    let log = store.folder("logs")?.join(format!("{}{kind}.log", machine.version));
    let child = command(machine, &image, role).spawn().context("failed to start qemu-system-x86_64")?;
    let mut listener = Listener { guest: Guest(child), log: File::create(&log)?, lines: Vec::new() };
    let end = listener.listen(machine.deadline)?;
    if !matches!(end, End::Verdict { .. }) {
        let tail = &listener.lines[listener.lines.len().saturating_sub(TAIL)..];
        println!("{}", tail.join("\n"));
    }
    println!("vm {}: {end} (log: {})", machine.version, log.display());
    Ok(end.good())
}

fn command(machine: &Machine, image: &image::Image, role: &[String]) -> Command {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"]);
    qemu.args(["-m", "4G", "-cpu", "max", "-smp", &machine.smp.to_string()]);
    if machine.icount {
        qemu.args(["-icount", "shift=1,sleep=off,align=off"]);
    }
    // What an `sk_buff` and its head held before stays there, as on most kernels that do not come from a distribution.
    let append = format!("console=ttyS0 quiet panic=-1 init_on_alloc=0 -- {}", role.join(" "));
    qemu.arg("-kernel").arg(&image.kernel).arg("-initrd").arg(&image.initrd).args(["-append", &append]);
    qemu.stdin(Stdio::null()).stdout(Stdio::piped());
    qemu
}

/// How a boot ended.
enum End {
    Verdict { passed: usize, failed: usize, skipped: usize },
    Fatal(String),
    Silent,
    Deadline(Duration),
}

impl End {
    /// A run of no case at all is not good.
    fn good(&self) -> bool {
        matches!(self, Self::Verdict { failed: 0, passed, skipped } if passed + skipped > 0)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Verdict { passed, failed, skipped: 0 } => write!(f, "{passed} passed, {failed} failed"),
            Self::Verdict { passed, failed, skipped } => {
                write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
            }
            Self::Fatal(line) => write!(f, "failed, the kernel died: {line}"),
            Self::Silent => write!(f, "failed, the guest ended without a verdict"),
            Self::Deadline(after) => write!(f, "failed, no verdict after {} s", after.as_secs()),
        }
    }
}

/// The running machine; killed when dropped, so that no error leaves one behind.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Listener {
    guest: Guest,
    log: File,
    lines: Vec<String>,
}

impl Listener {
    fn listen(&mut self, deadline: Duration) -> Result<End> {
        let start = Instant::now();
        let lines = self.reader()?;
        loop {
            match lines.recv_timeout(deadline.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    if let Some(end) = self.line(line, start)? {
                        self.epilogue(&end, &lines, start)?;
                        return Ok(end);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(End::Deadline(deadline)),
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Silent),
            }
        }
    }

    /// What a dying kernel says after its first words is what explains them.
    fn epilogue(&mut self, end: &End, lines: &Receiver<String>, start: Instant) -> Result<()> {
        if !matches!(end, End::Fatal(_)) {
            return Ok(());
        }
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(2)) {
            self.line(line, start)?;
        }
        Ok(())
    }

    /// A thread, because a read from a pipe knows no deadline.
    fn reader(&mut self) -> Result<Receiver<String>> {
        let serial = self.guest.0.stdout.take().context("the serial line is piped")?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut serial = BufReader::new(serial);
            let mut line = Vec::new();
            while serial.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(text).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Ok(receiver)
    }

    fn line(&mut self, line: String, start: Instant) -> Result<Option<End>> {
        writeln!(self.log, "{:8.3} {line}", start.elapsed().as_secs_f64())?;
        if let Some(report) = line.strip_prefix(REPORT) {
            println!("{report}");
        }
        if let Some(text) = line.strip_prefix(VERDICT) {
            return Ok(Some(verdict(text)));
        }
        // The kernel's own lines start with their time.
        if line.starts_with('[') && FATAL.iter().any(|mark| line.contains(mark)) {
            self.lines.push(line.clone());
            return Ok(Some(End::Fatal(line)));
        }
        self.lines.push(line);
        Ok(None)
    }
}

/// `3 passed, 0 failed, 1 skipped`
fn verdict(text: &str) -> End {
    let mut numbers = text.split(',').map(|part| part.split_whitespace().next()?.parse().ok());
    let mut next = || numbers.next().flatten();
    match (next(), next(), next()) {
        (Some(passed), Some(failed), Some(skipped)) => End::Verdict { passed, failed, skipped },
        _ => End::Fatal(format!("a verdict that says nothing: {text}")),
    }
}
