//! What tracing costs: flood pings through a veth pair, untraced and under each tracer, side by side from one boot.
//!
//! Meant for a machine that counts instructions (`Machine::counting`): guest time is then instructions, and figures
//! repeat. A row that cannot be measured says why and shows no figure.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::guest::{read_if_there, wait_within};
use crate::net::Pair;
use crate::qemu::{REPORT, VERDICT};
use crate::tracer::Counts;

const PINGS: u32 = 2000;
const ROUNDS: usize = 3;
const READY_WITHIN: Duration = Duration::from_mins(5);
/// Seconds.
const IDLE_WITHIN: u32 = 120;
const GONE_WITHIN: Duration = Duration::from_mins(5);

/// Matches no packet of the bench.
const NOTHING: &str = "host 1.2.3.4 and tcp port 80";
/// Ten terms with nets and ports that match none either: what can be told at once fits all the packets, so that it takes many
/// tests to turn one away.
const TEN_TERMS: &str = "net 10.77.0.0/16 and not net 172.16.0.0/12 and not net 192.168.0.0/16 and not host 10.77.0.9 and \
                         (tcp or udp or sctp) and (port 80 or port 443 or portrange 8000-8999)";
/// Matches every one.
const ALL: &str = "icmp";

/// One tracer as the bench runs it.
struct Subject {
    /// By which it is asked for.
    short: &'static str,
    name: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    ready: Ready,
    /// The row without a tracer that it is compared to.
    base: &'static str,
}

const UNTRACED: &str = "untraced";
/// For the raw socket that ping opens otherwise the kernel makes a copy of each answer, and drops the answer.
const WITHOUT_DROPS: &str = "untraced, nothing drops";

impl Subject {
    /// What is worth showing of its own words; pwru's are a progress bar.
    fn last_word(&self, stdout: &str, stderr: &str) -> String {
        let line = match self.ready {
            Ready::File => stderr.lines().next_back(),
            Ready::Stdout(_) => stdout.lines().next(),
            Ready::Stderr(_) => None,
        };
        line.unwrap_or_default().to_owned()
    }
}

/// How a tracer says that it listens.
enum Ready {
    File,
    Stdout(&'static str),
    Stderr(&'static str),
}

const SUBJECTS: &[Subject] = &[
    FLOOR,
    ours("nothing", "skbtrail, nothing matches", &["trace", NOTHING]),
    ours("untracked", "skbtrail, nothing matches, --no-track", &["trace", "--no-track", NOTHING]),
    ours("ten", "skbtrail, ten terms, nothing matches", &["trace", TEN_TERMS]),
    ours("all", "skbtrail, all match", &["trace", ALL]),
    pwru("pwru-nothing", "pwru, nothing matches", &[PWRU[0], PWRU[1], NOTHING]),
    pwru("pwru-all", "pwru, all match", &[PWRU[0], PWRU[1], ALL]),
];
/// The least that a program at every function costs.
const FLOOR: Subject = Subject {
    short: "floor",
    name: "floor",
    program: "floor",
    args: &[],
    ready: Ready::Stdout("attached "),
    base: UNTRACED,
};
const DROPS: Subject = Subject {
    short: "drops",
    name: "skbtrail drops, nothing drops",
    program: "skbtrail",
    args: &["drops"],
    ready: Ready::File,
    base: WITHOUT_DROPS,
};
const PWRU: [&str; 2] = ["--output-meta", "--output-tuple"];

const fn ours(short: &'static str, name: &'static str, args: &'static [&'static str]) -> Subject {
    Subject { short, name, program: "skbtrail", args, ready: Ready::File, base: UNTRACED }
}

const fn pwru(short: &'static str, name: &'static str, args: &'static [&'static str]) -> Subject {
    Subject { short, name, program: "pwru", args, ready: Ready::Stderr("Listening for events"), base: UNTRACED }
}

fn is_wanted(subject: &Subject, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|word| word == subject.short)
}

/// What was measured of one tracer.
#[derive(Default)]
struct Figures {
    /// Milliseconds of `PINGS` pings, each round, sorted.
    rounds: Vec<f64>,
    ready: Option<Duration>,
    /// Kilobytes, as the kernel says.
    memory: Option<u64>,
    lines: Option<usize>,
    counts: Option<Counts>,
    /// The tracer's own account.
    said: String,
}

struct Row {
    name: &'static str,
    /// See [`Subject::base`]; its own name for a row without a tracer.
    base: &'static str,
    result: Result<Figures>,
}

/// The guest's role: measures the subjects whose short names are wanted (all of them where none is), prints both tables, gives a
/// verdict.
pub(crate) fn run(wanted: &[String]) -> Result<bool> {
    let pair = Pair::new()?;
    // Neighbours resolved, modules loaded, caches warm.
    pair.ping(1)?;
    flood(&pair)?;
    let mut rows = Vec::new();
    if wanted.iter().any(|word| word != DROPS.short) || wanted.is_empty() {
        rows.push(untraced(UNTRACED, &pair));
        let wanted = SUBJECTS.iter().filter(|subject| is_wanted(subject, wanted));
        rows.extend(wanted.map(|subject| measured(subject, &pair)));
    }
    if is_wanted(&DROPS, wanted) {
        pair.a.sh("sysctl -qw net.ipv4.ping_group_range='0 0'")?;
        rows.extend([untraced(WITHOUT_DROPS, &pair), measured(&DROPS, &pair)]);
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    println!("{REPORT}\n{REPORT}Linux {}, {PINGS} flood pings, median of {ROUNDS}", release.trim());
    for line in tables(&rows) {
        println!("{REPORT}{line}");
    }
    let failed = rows.iter().filter(|row| row.result.is_err()).count();
    println!("{VERDICT} {} passed, {failed} failed, 0 skipped", rows.len() - failed);
    Ok(failed == 0)
}

fn untraced(name: &'static str, pair: &Pair) -> Row {
    let result = wait_until_idle().and_then(|()| Ok(Figures { rounds: rounds(pair)?, ..Figures::default() }));
    Row { name, base: name, result }
}

fn measured(subject: &Subject, pair: &Pair) -> Row {
    let result = measure(subject, pair);
    println!("{REPORT}{}: {}", subject.name, if result.is_ok() { "measured" } else { "failed" });
    Row { name: subject.name, base: subject.base, result }
}

fn measure(subject: &Subject, pair: &Pair) -> Result<Figures> {
    wait_until_idle()?;
    let mut running = Running::start(subject)?;
    let ready = running.wait_until_ready(&subject.ready)?;
    let rounds = rounds(pair)?;
    // What is under way still has to arrive.
    sleep(Duration::from_secs(2));
    let memory = Some(running.peak_memory()?);
    running.stop()?;
    let printed = read_if_there(&running.folder.join("stdout"))?;
    let lines = printed.lines().count();
    let stderr = read_if_there(&running.folder.join("stderr"))?;
    let said = subject.last_word(&printed, &stderr);
    std::fs::remove_dir_all(&running.folder)?;
    Ok(Figures { rounds, ready: Some(ready), memory, lines: Some(lines), counts: Counts::find(&stderr), said })
}

impl Figures {
    fn pings(&self) -> f64 {
        self.rounds[ROUNDS / 2]
    }
}

fn rounds(pair: &Pair) -> Result<Vec<f64>> {
    let mut times = (0..ROUNDS).map(|_| flood(pair)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Waits until nothing but this runs. For seconds after a boot the kernel's own work takes half the CPU, and doubles
/// what is measured; letting go of probes goes on for a while too.
fn wait_until_idle() -> Result<()> {
    for _ in 0..IDLE_WITHIN {
        let before = idle_seconds()?;
        sleep(Duration::from_secs(1));
        if idle_seconds()? - before > 0.95 {
            return Ok(());
        }
    }
    bail!("the machine is not idle after {IDLE_WITHIN} s")
}

fn idle_seconds() -> Result<f64> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let idle = uptime.split_whitespace().nth(1).and_then(|idle| idle.parse().ok());
    idle.context("no idle time in /proc/uptime")
}

/// Milliseconds by ping's own account.
fn flood(pair: &Pair) -> Result<f64> {
    let said = pair.a.sh(&format!("ping -n -q -f -c {PINGS} {}", Pair::B4))?;
    ensure!(said.contains(&format!(" {PINGS} received")), "flood ping: {said}");
    let time = said.split("time ").nth(1).and_then(|rest| rest.split("ms").next());
    time.and_then(|time| time.trim().parse().ok()).with_context(|| format!("no time in: {said}"))
}

struct Running {
    child: Child,
    folder: PathBuf,
    started: Instant,
}

impl Running {
    fn start(subject: &Subject) -> Result<Self> {
        let folder = PathBuf::from("/tmp/bench");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new(subject.program);
        command.args(subject.args).stdin(Stdio::null());
        if matches!(subject.ready, Ready::File) {
            command.arg("--ready-file").arg(folder.join("ready"));
        }
        command.stdout(File::create(folder.join("stdout"))?).stderr(File::create(folder.join("stderr"))?);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("failed to start {}", subject.program))?;
        Ok(Self { child, folder, started })
    }

    fn wait_until_ready(&mut self, ready: &Ready) -> Result<Duration> {
        while !is_ready(&self.folder, ready)? {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended before it was ready, {status}: {}", self.complaint());
            }
            ensure!(self.started.elapsed() < READY_WITHIN, "not ready after {READY_WITHIN:?}");
            sleep(Duration::from_millis(10));
        }
        Ok(self.started.elapsed())
    }

    fn complaint(&self) -> String {
        let said = read_if_there(&self.folder.join("stderr")).unwrap_or_default();
        said.trim().lines().last().unwrap_or_default().to_owned()
    }

    fn peak_memory(&self) -> Result<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).context("it ended under way")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("it ended under way")?;
        line.split_whitespace().next().and_then(|kb| kb.parse().ok()).context("no peak memory")
    }

    fn stop(&mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGINT)?;
        let status = wait_within(&mut self.child, GONE_WITHIN)?.context("does not end")?;
        ensure!(status.success(), "{status}: {}", self.complaint());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(folder: &Path, ready: &Ready) -> Result<bool> {
    Ok(match ready {
        Ready::File => folder.join("ready").exists(),
        Ready::Stdout(word) => read_if_there(&folder.join("stdout"))?.contains(word),
        Ready::Stderr(word) => read_if_there(&folder.join("stderr"))?.contains(word),
    })
}

const HEADER: [&str; 10] =
    ["run", "pings", "above untraced", "× floor", "ready", "peak memory", "lines", "seen", "shown", "lost"];

/// The aligned table, then the same for a README, then what each row was made of or why it failed.
fn tables(rows: &[Row]) -> Vec<String> {
    let cells: Vec<[String; 10]> = rows.iter().map(|row| cells(row, rows)).collect();
    let header = HEADER.map(str::to_owned);
    let width = |column: usize| {
        let all = cells.iter().chain([&header]);
        all.map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let mut lines: Vec<String> = [&header].into_iter().chain(&cells).map(|row| aligned(row, &widths)).collect();
    lines.push(String::new());
    lines.push(format!("| {} |", header.join(" | ")));
    lines.push(format!("|---{}|", "|---:".repeat(HEADER.len() - 1)));
    lines.extend(cells.iter().map(|row| format!("| {} |", row.join(" | "))));
    for row in rows {
        lines.push(match &row.result {
            Err(error) => format!("{} failed: {error:#}", row.name),
            Ok(figures) => format!("{}: rounds {:?}; {}", row.name, figures.rounds, figures.said),
        });
    }
    lines
}

fn aligned(row: &[String; 10], widths: &[usize]) -> String {
    let first = format!("{:<1$}", row[0], widths[0]);
    let rest = row.iter().zip(widths).skip(1).map(|(cell, width)| format!("{cell:>width$}"));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("  ")
}

fn cells(row: &Row, rows: &[Row]) -> [String; 10] {
    let Ok(figures) = &row.result else {
        let mut cells = [const { String::new() }; 10];
        (cells[0], cells[1]) = (row.name.to_owned(), "failed".to_owned());
        return cells;
    };
    let pings = |name: &str| {
        let row = rows.iter().find(|row| row.name == name)?;
        row.result.as_ref().ok().map(Figures::pings)
    };
    let above = pings(row.base).map(|base| figures.pings() - base).filter(|_| row.name != row.base);
    let floor = pings(FLOOR.name).zip(pings(UNTRACED)).map(|(floor, base)| floor - base);
    let ratio = above.zip(floor).map(|(above, floor)| above / floor);
    let count = |pick: fn(&Counts) -> u64| show(figures.counts.as_ref().map(pick), |n| n.to_string());
    [
        row.name.to_owned(),
        format!("{:.0} ms", figures.pings()),
        show(above, |ms| format!("{ms:+.0} ms")),
        show(ratio, |ratio| format!("{ratio:.2}")),
        show(figures.ready, |ready| format!("{:.2} s", ready.as_secs_f64())),
        show(figures.memory, |kb| format!("{:.1} MB", kb as f64 / 1024.0)),
        show(figures.lines, |n| n.to_string()),
        count(|counts| counts.seen),
        count(|counts| counts.shown),
        count(|counts| counts.lost),
    ]
}

fn show<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(String::new, text)
}
