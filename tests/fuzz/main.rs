//! Feeds mutated recordings and captures to everything that reads files, for a bounded time: `cargo test --test fuzz -- [SECONDS]`.
//!
//! The work is done in a child process that may use so much memory and so much time for a file, so that neither a panic, nor a
//! hang, nor memory that grows with what a file claims goes unnoticed. The parent watches it and keeps the file that killed it.
//! What is done is a function of the seed: `fuzz repeat FILE` does it again with one file.
//!
//! ```text
//! fuzz [SECONDS [SEED]]    run; without a seed, the one that every run begins with
//! fuzz repeat FILE…        read these files, with the same limits
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test runner's report goes to the terminal")]

mod corpus;
mod mutate;
mod random;
mod read;

use std::{
    collections::HashSet,
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{Resource, setrlimit};

use self::{corpus::Corpus, random::Random};

const SECONDS: u64 = 20;
const SEED: u64 = 1;
/// Address space of the child. Files of some kilobytes are read, so what a reader may hold by its constants (tables, index, a
/// million hops) is far from used up.
const MEMORY: u64 = 512 << 20;
/// Longest that one file may take, in seconds. All that is read ends within some milliseconds.
const PATIENCE: u32 = 20;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        Some("work") => work(&args[1..]),
        Some("repeat") => repeat(&args[1..]),
        _ => watch(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fuzz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn number(args: &[String], place: usize, default: u64) -> Result<u64> {
    args.get(place).map_or(Ok(default), |text| text.parse().with_context(|| format!("`{text}` is no number")))
}

/// The parent: starts the child and says how it ended.
fn watch(args: &[String]) -> Result<()> {
    let (seconds, seed) = (number(args, 0, SECONDS)?, number(args, 1, SEED)?);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mutated");
    let mut child = Command::new(env::current_exe()?);
    child.arg("work").arg(&file).args([seconds.to_string(), seed.to_string()]);
    let status = child.env("RUST_BACKTRACE", "1").status().context("failed to start")?;
    if status.success() {
        return Ok(());
    }
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{seed}"));
    fs::copy(&file, &kept).with_context(|| format!("{status}, and the file is lost"))?;
    let how = match status.signal() {
        Some(14) => "a file takes too long",
        Some(6) => "memory is exhausted, or it was aborted",
        _ => "a file cannot be read without harm",
    };
    bail!("{how} ({status}); it is kept: fuzz repeat {}", kept.display())
}

fn limit() -> Result<()> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).context("failed to limit memory")?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).context("failed to limit core dumps")
}

fn repeat(files: &[String]) -> Result<()> {
    limit()?;
    for file in files {
        nix::unistd::alarm::set(PATIENCE);
        println!("{file}: {}", read::all(Path::new(file), &mut Random::new(SEED)));
    }
    Ok(())
}

/// The child.
fn work(args: &[String]) -> Result<()> {
    let [file, rest @ ..] = args else { bail!("no file") };
    let (file, seed) = (Path::new(file), number(rest, 1, SEED)?);
    let deadline = Instant::now() + Duration::from_secs(number(rest, 0, SECONDS)?);
    limit()?;
    let (mut random, mut corpus) = (Random::new(seed), Corpus::load()?);
    let mut answers = HashSet::new();
    let (mut files, mut longest) = (0_u64, Duration::ZERO);
    while Instant::now() < deadline {
        let bytes = mutate::some(corpus.pick(&mut random), &corpus, &mut random);
        fs::write(file, &bytes)?;
        nix::unistd::alarm::set(PATIENCE);
        let begun = Instant::now();
        let outcome = read::all(file, &mut Random::new(files));
        longest = longest.max(begun.elapsed());
        files += 1;
        // Files that are answered in a way of their own are worth mutating further.
        if answers.insert(outcome) {
            corpus.keep(bytes);
        }
    }
    nix::unistd::alarm::cancel();
    println!(
        "{files} files from seed {seed}, {} different answers, the longest after {} ms; peak memory {}",
        answers.len(),
        longest.as_millis(),
        peak_memory()
    );
    // A run that finds next to nothing has not read anything.
    anyhow::ensure!(answers.len() > 20, "too few different answers");
    Ok(())
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("not known").trim().to_owned()
}
