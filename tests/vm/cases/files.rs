//! `--output-file` writes for this user alone, begins a new file at the size asked for, keeps as many older ones as
//! asked for, and cuts no row in two.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};
use crate::tracer::{Counts, Tracer};

pub(crate) const CASE: Case = Case {
    name: "files",
    about: "--output-file: mode 0600, rotation, whole rows",
    min_kernel: (5, 8),
    seconds: 120,
    run,
};

const FOLDER: &str = "/tmp/files";
const LIMIT: u64 = 1_000_000;

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    sh(&format!("mkdir {FOLDER}"))?;
    let counts = write(&pair, &format!("{FOLDER}/kept"), 0, 1500)?;
    let (mut rows, mut files) = (0, 0);
    for entry in std::fs::read_dir(FOLDER)? {
        rows += check(&entry?.path())?;
        files += 1;
    }
    // Without a limit on backups nothing goes.
    ensure!(files >= 3, "only {files} files for {rows} rows");
    ensure!(rows == counts.shown, "{rows} rows in all files, {counts:?}");
    sh(&format!("rm {FOLDER}/*"))?;
    write(&pair, &format!("{FOLDER}/few"), 1, 1500)?;
    let names = sh(&format!("ls {FOLDER}"))?;
    ensure!(names.lines().eq(["few", "few.1"]), "{names}");
    Ok(())
}

/// Rows go to the file, and none to stdout.
fn write(pair: &Pair, path: &str, backups: u32, pings: u32) -> Result<Counts> {
    let args =
        ["--output-file", path, "--output-file-max-size", "1", "--output-file-max-backups", &backups.to_string()];
    let args = [&args[..], &["--filter-func", "ip_.*|icmp_.*", "icmp"]].concat();
    let mut running = Tracer::new(&args).start()?;
    pair.a.sh(&format!("ping -q -f -c {pings} 10.77.0.2"))?;
    let seen = running.stop()?;
    ensure!(seen.status.success() && seen.rows == 0, "{}: {} rows on stdout", seen.status, seen.rows);
    let counts = seen.counts.with_context(|| format!("no counts: {}", seen.stderr))?;
    ensure!(counts.seen == counts.shown + counts.lost, "{counts:?}");
    Ok(counts)
}

/// Number of its rows.
fn check(path: &Path) -> Result<u64> {
    let file = std::fs::metadata(path)?;
    ensure!(file.permissions().mode() & 0o7777 == 0o600, "{}: mode {:o}", path.display(), file.permissions().mode());
    ensure!(file.len() <= LIMIT, "{}: {} bytes", path.display(), file.len());
    let text = std::fs::read_to_string(path)?;
    ensure!(text.ends_with('\n'), "{} is cut", path.display());
    for line in text.lines() {
        serde_json::from_str::<Value>(line).with_context(|| format!("{}: {line}", path.display()))?;
    }
    Ok(text.lines().count() as u64)
}
