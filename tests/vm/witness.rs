//! Runs Debian's pwru 1.0.5 as an independent witness of the same traffic.
//!
//! That version knows neither `--output-json` nor `--ready-file`: it is ready when it says so on stderr, and its
//! table is split at blanks. It drops what it cannot deliver without a word, so what it does not show proves nothing.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::guest::{read_if_there, wait_within};

/// Attaching 1353 functions one by one on 6.1 takes 67 s, letting go 56 s.
const READY_WITHIN: Duration = Duration::from_mins(3);
const GONE_WITHIN: Duration = Duration::from_mins(3);
/// What pwru says when every probe is in place.
const READY: &str = "Listening for events";

/// What the witness saw.
pub(crate) struct Sight {
    pub(crate) skb: String,
    pub(crate) func: String,
    /// The whole row.
    pub(crate) line: String,
}

/// Runs `pwru --output-meta --output-tuple ARGS` around `traffic`.
pub(crate) fn watch(args: &[&str], traffic: impl FnOnce() -> Result<()>) -> Result<Vec<Sight>> {
    let mut pwru = Pwru::start(&[&["--output-meta", "--output-tuple"], args].concat())?;
    traffic()?;
    sleep(Duration::from_secs(1));
    pwru.stop()
}

/// A pwru that listens; killed if forgotten.
pub(crate) struct Pwru {
    pub(crate) child: Child,
    folder: PathBuf,
    /// From the start to its word that it listens.
    pub(crate) ready_after: Duration,
}

impl Pwru {
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        let folder = PathBuf::from(format!("/tmp/pwru-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let (stdout, stderr) = (File::create(folder.join("stdout"))?, File::create(folder.join("stderr"))?);
        let mut command = Command::new("pwru");
        command.args(args).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let started = Instant::now();
        let child = command.spawn().context("failed to start pwru")?;
        let mut pwru = Self { child, folder, ready_after: Duration::ZERO };
        pwru.wait_until_ready(started)?;
        Ok(pwru)
    }

    fn wait_until_ready(&mut self, started: Instant) -> Result<()> {
        loop {
            let said = self.said()?;
            if said.contains(READY) {
                break;
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("pwru ended before it was ready, {status}: {said}");
            }
            ensure!(started.elapsed() < READY_WITHIN, "pwru not ready after {READY_WITHIN:?}: {said}");
            sleep(Duration::from_millis(20));
        }
        self.ready_after = started.elapsed();
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Result<Vec<Sight>> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGINT)?;
        let status = wait_within(&mut self.child, GONE_WITHIN)?;
        let status = status.with_context(|| format!("pwru still there after {GONE_WITHIN:?}"))?;
        ensure!(status.success(), "pwru: {status}: {}", self.said()?);
        Ok(read_if_there(&self.folder.join("stdout"))?.lines().filter_map(Sight::parse).collect())
    }

    fn said(&self) -> Result<String> {
        read_if_there(&self.folder.join("stderr"))
    }
}

impl Drop for Pwru {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sight {
    /// `0xffff… 0 [ping] ip_rcv …`: the function is the word after the process in brackets.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let skb = words.first().filter(|word| word.starts_with("0x"))?;
        let process = words.iter().position(|word| word.ends_with(']'))?;
        let func = words.get(process + 1)?;
        Some(Self { skb: (*skb).to_owned(), func: (*func).to_owned(), line: line.to_owned() })
    }
}
