//! `skbtrail calico log`: the debug log of Calico's programs, from a file, from standard input or live.

mod summary;

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    cli::{failure::Failure, say::say, signals::Stop},
    inspect::calico::log::{Direction, Line, Writer, lost, parse},
    kernel::Root,
    model::{Datum, Decoded},
    view::dump,
};
use summary::Summary;

const EXAMPLES: &str = "\
Live, lines are taken out of the kernel's trace buffer: another reader (tc exec bpf debug, bpftool prog tracelog) does not see \
them any more. The log is written if Felix is configured with bpfLogLevel: Debug, at a high price for every packet.

Examples:
  skbtrail calico log                          verdicts, as they come
  skbtrail calico log --all trace.txt          every line of a saved log
  skbtrail calico log --summary < trace.txt    how many packets each interface let through and refused, and why";

/// Longest line that is looked at; the kernel's are below 1200 bytes.
const LONGEST: u64 = 16 << 10;

/// Between two looks for a signal.
const PATIENCE: Duration = Duration::from_millis(100);

/// Arguments of `calico log`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A saved log, `-` for standard input; live without (standard input, if that is a pipe or a file)
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same
    #[arg(long = "file", value_name = "FILE", conflicts_with = "file")]
    from: Option<PathBuf>,
    /// Live, whatever standard input is
    #[arg(long, conflicts_with_all = ["file", "from"])]
    live: bool,
    /// Every line of Calico's, not only verdicts
    #[arg(long)]
    all: bool,
    /// Count verdicts by interface, direction and reason, and print that at the end
    #[arg(long, conflicts_with = "all")]
    summary: bool,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
}

/// Of IPv6 alone where that is asked for.
pub(super) fn run(args: &Args, ipv6: bool) -> Result<ExitCode, Failure> {
    let stop = Stop::install().context("failed to catch signals")?;
    let lines = reader(open(args)?);
    let mut out = io::stdout().lock();
    let mut counts = Counts::default();
    let mut summary = Summary::default();
    while !stop.requested() {
        let line = match lines.recv_timeout(PATIENCE) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        // A message that ends with a line break of its own leaves an empty line behind.
        if line.as_deref() == Some("") {
            continue;
        }
        if let Some(lost) = line.as_deref().and_then(lost) {
            counts.gaps += 1;
            counts.lost += lost;
            continue;
        }
        let Some(line) = line.and_then(|line| parse(&line)) else {
            counts.foreign += 1;
            continue;
        };
        counts.lines += 1;
        if ipv6 && !line.is_ipv6 {
            continue;
        }
        if args.summary {
            summary.add(&line);
        } else if args.all || line.verdict().is_some() {
            let text = shown(&line, args.json);
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("failed to write to stdout")?;
        }
    }
    if args.summary {
        out.write_all(summary.text(args.json).as_bytes()).context("failed to write to stdout")?;
    }
    say(format_args!("{} lines of Calico's programs, {} of others", counts.lines, counts.foreign));
    if counts.gaps > 0 {
        say(format_args!(
            "{} more lines were lost, in {} gaps, since the kernel's trace buffer was full: packets are missing above \
             (`/sys/kernel/tracing/buffer_size_kb` makes it larger)",
            counts.lost, counts.gaps
        ));
    }
    Ok(stop.exit_code())
}

/// What was read: a line, or nothing for one that is too long to be anybody's.
type Reading = anyhow::Result<Option<String>>;

/// Reads lines on a thread of their own: the kernel's trace makes its reader wait for as long as it is silent, and a signal does
/// not end that.
fn reader(mut source: BufReader<Box<dyn Read + Send>>) -> Receiver<Reading> {
    const AHEAD: usize = 1024;
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        while let Some(line) = next(&mut source, &mut bytes).transpose() {
            let line = line.map(|is_whole| is_whole.then(|| String::from_utf8_lossy(&bytes).into_owned()));
            let is_last = line.is_err();
            if sender.send(line).is_err() || is_last {
                break;
            }
        }
    });
    receiver
}

#[derive(Default)]
struct Counts {
    lines: u64,
    foreign: u64,
    /// Lines that the kernel lost, as far as it counted them, and how often it did.
    lost: u64,
    gaps: u64,
}

/// Where lines come from.
fn open(args: &Args) -> Result<BufReader<Box<dyn Read + Send>>, Failure> {
    let source: Box<dyn Read + Send> = match args.file.as_ref().or(args.from.as_ref()) {
        Some(file) if file != Path::new("-") => {
            let opened = File::open(file).with_context(|| format!("failed to open `{}`", file.display()));
            Box::new(opened.map_err(Failure::Usage)?)
        }
        None if args.live || !is_fed() => Box::new(live()?),
        _ => Box::new(io::stdin()),
    };
    Ok(BufReader::new(source))
}

/// Somebody has put a pipe or a file at standard input; a terminal or `/dev/null` is neither.
fn is_fed() -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = std::fs::metadata("/proc/self/fd/0").map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_file() || kind.is_socket())
}

/// The kernel's trace buffer, in its own file system or where older kernels have it.
fn live() -> anyhow::Result<File> {
    let root = Root::system();
    let places = ["/sys/kernel/tracing/trace_pipe", "/sys/kernel/debug/tracing/trace_pipe"];
    let first = match root.open(places[0]) {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    if let Ok(file) = root.open(places[1]) {
        return Ok(file);
    }
    Err(first).with_context(|| {
        format!("failed to open `{}` (it needs root and tracefs: mount -t tracefs none /sys/kernel/tracing)", places[0])
    })
}

/// Reads a line; false for one that is cut because nobody writes such long ones, `None` at the end.
fn next(source: &mut BufReader<Box<dyn Read + Send>>, line: &mut Vec<u8>) -> anyhow::Result<Option<bool>> {
    line.clear();
    match source.take(LONGEST).read_until(b'\n', line) {
        Ok(0) => Ok(None),
        Ok(_) => {
            let is_whole = line.last() == Some(&b'\n') || (line.len() as u64) < LONGEST;
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            Ok(Some(is_whole))
        }
        Err(error) => Err(error).context("failed to read the log"),
    }
}

/// A line of ours for a line of the log.
fn shown(line: &Line, json: bool) -> String {
    let (interface, direction) = match &line.writer {
        Writer::Interface { name, direction } => (name.as_str(), word(*direction)),
        Writer::ConnectTime => ("(connect-time)", "-"),
        Writer::Cleaner => ("(cleaner)", "-"),
    };
    let verdict = line.verdict();
    let (seconds, micros) = (line.time / 1_000_000_000, line.time / 1000 % 1_000_000);
    let what = match &verdict {
        None => line.message.clone(),
        Some(verdict) => {
            let word = if verdict.allowed { "ALLOW" } else { "DENY " };
            let reason = verdict.reason().map_or_else(|| format!("code {}", verdict.code), str::to_owned);
            let took = verdict.took.map(|took| format!(", ran {took} ns")).unwrap_or_default();
            format!("{word} {reason}{took}")
        }
    };
    let family = if line.is_ipv6 { "6" } else { "4" };
    let cell = format!("{seconds:>6}.{micros:06} {interface:<15} {direction:<7} {family} {what}");
    let row = Decoded::new([cell])
        .with("time_ns", line.time)
        .with("cpu", line.cpu)
        .with("task", line.task.clone())
        .with("pid", line.pid)
        .with("interface", matches!(line.writer, Writer::Interface { .. }).then(|| interface.to_owned()))
        .with("direction", matches!(line.writer, Writer::Interface { .. }).then_some(direction))
        .with("ip_version", u8::from(line.is_ipv6) * 2 + 4)
        .with("verdict", verdict.map(|verdict| if verdict.allowed { "allow" } else { "deny" }))
        .with("code", verdict.map_or(Datum::Nothing, |verdict| Datum::Signed(verdict.code)))
        .with("reason", verdict.and_then(|verdict| verdict.reason()))
        .with("took_ns", verdict.and_then(|verdict| verdict.took))
        .with("message", line.message.clone());
    let mut out = String::new();
    if json {
        dump::json(&row, &mut out);
    } else {
        dump::line(&row, &mut out);
    }
    out
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
        Direction::Xdp => "xdp",
    }
}
