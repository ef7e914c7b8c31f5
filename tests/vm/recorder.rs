//! Runs `skbtrail record` over a piece of traffic, and reads recordings as a user does who may do nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::guest::wait_within;

/// Single kprobes on 6.1 take about 16 s to attach, and many times that where the host is busy.
const READY_WITHIN: Duration = Duration::from_mins(5);
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// What is still on its way in the kernel when the sender has ended.
const SETTLE: Duration = Duration::from_millis(300);

const READY: &str = "/tmp/recorder.ready";
const STDERR: &str = "/tmp/recorder.err";

/// A recorder that listens; killed if a case forgets it.
pub(crate) struct Recorder(Child);

impl Recorder {
    /// Starts `skbtrail record ARGS` and waits until it listens.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        Self::writing_to(args, Stdio::inherit())
    }

    /// The same with another stdout, for `-o -`.
    pub(crate) fn writing_to(args: &[&str], stdout: impl Into<Stdio>) -> Result<Self> {
        drop(fs::remove_file(READY));
        let mut command = Command::new("skbtrail");
        command.args(["record", "--ready-file", READY]).args(args);
        let mut recorder = Self(command.stdout(stdout).stderr(File::create(STDERR)?).spawn()?);
        let started = Instant::now();
        while !fs::exists(READY)? {
            let waits = started.elapsed() < READY_WITHIN && recorder.0.try_wait()?.is_none();
            ensure!(waits, "not ready: {}", said()?);
            sleep(Duration::from_millis(20));
        }
        Ok(recorder)
    }

    /// As from Ctrl-C, a moment after the traffic; what it said.
    pub(crate) fn stop(mut self) -> Result<String> {
        sleep(SETTLE);
        self.signal(Signal::SIGINT)?;
        let status = self.wait()?;
        ensure!(status.success(), "{status}: {}", said()?);
        said()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).with_context(|| format!("failed to send {signal}"))
    }

    /// Waits for its end, whatever causes it.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = wait_within(&mut self.0, GONE_WITHIN)?;
        status.with_context(|| format!("it is still there: {}", said().unwrap_or_default()))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the last recorder has said so far.
pub(crate) fn said() -> Result<String> {
    Ok(fs::read_to_string(STDERR)?)
}

/// What skbtrail prints about recordings to a user who may do nothing; it must have nothing to complain about.
pub(crate) fn as_nobody(args: &[&str]) -> Result<String> {
    let (stdout, stderr) = as_nobody_with_warnings(args)?;
    ensure!(stderr.is_empty(), "{args:?}: {stderr}");
    Ok(stdout)
}

/// The same, with what it has to complain about.
pub(crate) fn as_nobody_with_warnings(args: &[&str]) -> Result<(String, String)> {
    for file in args.iter().filter(|arg| arg.starts_with("/tmp/")) {
        fs::set_permissions(file, Permissions::from_mode(0o644))?;
    }
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "skbtrail"];
    let run = Command::new("setpriv").args(user).args(args).output()?;
    let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
    ensure!(run.status.success(), "{args:?}: {}, {stderr}", run.status);
    Ok((String::from_utf8(run.stdout)?, stderr))
}

/// JSON lines of the same.
pub(crate) fn json(args: &[&str]) -> Result<Vec<Value>> {
    as_nobody(args)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
