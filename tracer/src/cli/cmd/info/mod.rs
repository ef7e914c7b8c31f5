//! `skbtrail info`: what is in a recording, and what is missing from it.

mod json;
mod summary;
mod text;

use std::{io::Write, path::PathBuf, process::ExitCode};

use self::summary::Summary;
use crate::cli::Failure;

const EXAMPLES: &str = "\
Examples:
  skbtrail info web.pcapng
  skbtrail info --json web.pcapng | jq .drops";

/// Arguments of `info`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recordings
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print JSON, an object for each file
    #[arg(long)]
    json: bool,
    /// Name all functions and interfaces, not only the most frequent
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode, Failure> {
    for (number, path) in args.files.iter().enumerate() {
        let summary = Summary::read(path)?;
        if args.json {
            writeln!(out, "{}", json::json(&summary))?;
        } else {
            if number > 0 {
                writeln!(out)?;
            }
            out.write_all(text::text(&summary, args.all).as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
