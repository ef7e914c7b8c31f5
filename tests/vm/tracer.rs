//! Runs `skbtrail trace` over a piece of traffic and reads back what it said: the hops, the counts, the exit status.
//!
//! The lines are kept as JSON values behind named questions, so that the schema can grow without a change here. What
//! the tracer says is for the case to judge; here only a tracer that does not start, stop or speak JSON is an error.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::guest::{read_if_there, wait_within};

/// Single kprobes on 6.1 take about 16 s to attach.
const READY_WITHIN: Duration = Duration::from_secs(90);
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// What is still on its way in the kernel when the sender has ended; the tracer itself must lose nothing of it.
const SETTLE: Duration = Duration::from_millis(300);

/// Runs `skbtrail trace ARGS` around `traffic`.
pub(crate) fn trace(args: &[&str], traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let mut running = Tracer::new(args).start()?;
    traffic()?;
    running.stop()
}

/// A tracer to be started.
pub(crate) struct Tracer {
    command: Command,
    folder: PathBuf,
    json: bool,
    stdout: Option<OwnedFd>,
    commanded: bool,
}

impl Tracer {
    /// Flags first, the filter last.
    pub(crate) fn new(args: &[&str]) -> Self {
        Self::with("trace", args, true)
    }

    /// One that prints text; its rows are counted, not read.
    pub(crate) fn text(args: &[&str]) -> Self {
        Self::with("trace", args, false)
    }

    /// `skbtrail paths`, whose text is the case's to read.
    pub(crate) fn paths(args: &[&str]) -> Self {
        Self::with("paths", args, false)
    }

    fn with(name: &str, args: &[&str], json: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(format!("/tmp/tracer-{}-{count}", std::process::id()));
        let mut command = Command::new("skbtrail");
        command.args([name, "--ready-file"]).arg(folder.join("ready"));
        command.args(json.then_some("--output-json")).args(args);
        Self { command, folder, json, stdout: None, commanded: false }
    }

    /// Writes there instead of to a file; what it writes is then the case's to read.
    pub(crate) fn writing_to(mut self, stdout: impl Into<OwnedFd>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// As sudo would start it for this user, who is the group of the same number too.
    pub(crate) fn for_user(mut self, user: u32) -> Self {
        self.command.env("SUDO_UID", user.to_string()).env("SUDO_GID", user.to_string());
        self
    }

    /// One whose standard input is a pipe, the child's to take.
    pub(crate) fn commanded(mut self) -> Self {
        self.commanded = true;
        self
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self) -> Result<Running> {
        let mut running = self.launch()?;
        running.wait_until_ready()?;
        Ok(running)
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(mut self) -> Result<Running> {
        std::fs::create_dir_all(&self.folder)?;
        let (stdout, stderr) = (File::create(self.folder.join("stdout"))?, File::create(self.folder.join("stderr"))?);
        let stdout = self.stdout.take().unwrap_or_else(|| stdout.into());
        let stdin = if self.commanded { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(stdout).stderr(stderr);
        let started = Instant::now();
        let child = self.command.spawn().context("failed to start skbtrail")?;
        Ok(Running { child, folder: self.folder, json: self.json, started, ready_after: Duration::ZERO })
    }
}

/// A tracer that listens; killed if a case forgets it.
pub(crate) struct Running {
    pub(crate) child: Child,
    folder: PathBuf,
    json: bool,
    started: Instant,
    /// From the start to the ready file.
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Waits until everything is attached.
    pub(crate) fn wait_until_ready(&mut self) -> Result<()> {
        while !self.folder.join("ready").exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("skbtrail ended before it was ready, {status}: {}", self.stderr()?);
            }
            ensure!(
                self.started.elapsed() < READY_WITHIN,
                "skbtrail not ready after {READY_WITHIN:?}: {}",
                self.stderr()?
            );
            sleep(Duration::from_millis(5));
        }
        self.ready_after = self.started.elapsed();
        Ok(())
    }

    /// As from Ctrl-C, a moment after the traffic; then all it wrote.
    pub(crate) fn stop(&mut self) -> Result<Trace> {
        sleep(SETTLE);
        self.signal(Signal::SIGINT)?;
        self.wait()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).with_context(|| format!("failed to send {signal}"))
    }

    /// Waits for its end, whatever causes it.
    pub(crate) fn wait(&mut self) -> Result<Trace> {
        let asked = Instant::now();
        let status = wait_within(&mut self.child, GONE_WITHIN)?;
        let status = status.with_context(|| format!("skbtrail still there after {GONE_WITHIN:?}"))?;
        let gone_after = asked.elapsed();
        let (stdout, stderr) = (self.stdout()?, self.stderr()?);
        // Text has one line more, the header.
        let rows = if self.json { stdout.lines().count() } else { stdout.lines().count().saturating_sub(1) };
        let hops = if self.json { stdout.lines().map(Hop::parse).collect::<Result<_>>()? } else { Vec::new() };
        Ok(Trace { hops, rows, counts: Counts::find(&stderr), stderr, status, gone_after })
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> Result<String> {
        read_if_there(&self.folder.join("stdout"))
    }

    pub(crate) fn stderr(&self) -> Result<String> {
        read_if_there(&self.stderr_path())
    }

    /// Where it writes what [`Self::stderr`] reads.
    pub(crate) fn stderr_path(&self) -> PathBuf {
        self.folder.join("stderr")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one run said.
pub(crate) struct Trace {
    /// Empty if it printed text.
    pub(crate) hops: Vec<Hop>,
    pub(crate) rows: usize,
    pub(crate) counts: Option<Counts>,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
    /// From the signal to the prompt.
    pub(crate) gone_after: Duration,
}

impl Trace {
    /// Ended well, with counts that add up.
    pub(crate) fn check(&self) -> Result<Counts> {
        ensure!(self.status.success(), "skbtrail: {}: {}", self.status, self.stderr);
        let counts = self.counts.with_context(|| format!("no counts on stderr: {}", self.stderr))?;
        ensure!(counts.seen == counts.shown + counts.lost, "the counts do not add up: {counts:?}");
        ensure!(counts.shown == self.rows as u64, "{counts:?}, but {} rows", self.rows);
        Ok(counts)
    }

    pub(crate) fn functions(&self) -> Vec<&str> {
        self.hops.iter().map(Hop::func).collect()
    }

    pub(crate) fn drops(&self) -> impl Iterator<Item = &Hop> {
        self.hops.iter().filter(|hop| hop.kind() == "drop")
    }

    /// Hops of each packet, by address, in order of their first appearance.
    pub(crate) fn packets(&self) -> Vec<(&str, Vec<&Hop>)> {
        let mut packets: Vec<(&str, Vec<&Hop>)> = Vec::new();
        for hop in &self.hops {
            match packets.iter_mut().find(|(skb, _)| *skb == hop.skb()) {
                Some((_, hops)) => hops.push(hop),
                None => packets.push((hop.skb(), vec![hop])),
            }
        }
        packets
    }

    /// All of `functions` in this order, others between them allowed, in one packet.
    pub(crate) fn packet_passes(&self, functions: &[&str]) -> Result<()> {
        let passes = |hops: &[&Hop]| {
            let mut hops = hops.iter();
            functions.iter().all(|wanted| hops.any(|hop| hop.func() == *wanted))
        };
        ensure!(
            self.packets().iter().any(|(_, hops)| passes(hops)),
            "no packet passes {functions:?} in this order; seen: {:?}",
            self.functions()
        );
        Ok(())
    }
}

/// `seen N, shown N, lost N (cause N, …)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) seen: u64,
    pub(crate) shown: u64,
    pub(crate) lost: u64,
}

impl Counts {
    pub(crate) fn find(stderr: &str) -> Option<Self> {
        let line = stderr.lines().rev().find(|line| line.contains("seen ") && line.contains("lost "))?;
        let number = |name: &str| {
            let rest = &line[line.find(name)? + name.len()..];
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        Some(Self { seen: number("seen ")?, shown: number("shown ")?, lost: number("lost ")? })
    }
}

/// One line of output.
pub(crate) struct Hop(pub(crate) Value);

impl Hop {
    fn parse(line: &str) -> Result<Self> {
        Ok(Self(serde_json::from_str(line).with_context(|| format!("not a JSON line: {line}"))?))
    }

    /// A field by its path, as `/tuple/saddr`; empty when absent.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.0.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.0.pointer(path).and_then(Value::as_u64)
    }

    /// `call`, `drop` or `tracepoint`.
    pub(crate) fn kind(&self) -> &str {
        self.text("/type")
    }

    pub(crate) fn func(&self) -> &str {
        self.text("/func")
    }

    pub(crate) fn skb(&self) -> &str {
        self.text("/skb")
    }

    pub(crate) fn ifname(&self) -> &str {
        self.text("/ifname")
    }

    pub(crate) fn netns(&self) -> Option<u64> {
        self.number("/netns")
    }

    pub(crate) fn time(&self) -> Option<u64> {
        self.number("/time_ns")
    }

    /// It is the hit that its journey begins with.
    pub(crate) fn is_first(&self) -> bool {
        self.0["first"] == true
    }

    /// What it says of the packet's flow: `tcp 10.0.0.1:4000 > 10.0.0.2:80`, without ports where there are none.
    pub(crate) fn flow(&self) -> Option<String> {
        let tuple = self.0.get("tuple")?;
        let end = |address: &str, port: &str| {
            let port = tuple[port].as_u64().map_or_else(String::new, |port| format!(":{port}"));
            format!("{}{port}", tuple[address].as_str().unwrap_or_default())
        };
        Some(format!("{} {} > {}", self.text("/tuple/proto"), end("saddr", "sport"), end("daddr", "dport")))
    }

    pub(crate) fn drop_reason(&self) -> &str {
        self.text("/drop/reason")
    }

    pub(crate) fn drop_place(&self) -> &str {
        self.text("/drop/place")
    }
}
