//! `skbtrail export`: hits of recordings as rows for databases, or as a plain capture.

mod capture;
mod frames;
mod rows;

use std::{path::PathBuf, process::ExitCode};

use anyhow::anyhow;
use clap::ValueEnum;

use self::frames::Choice;
use crate::{
    cli::{Failure, caller::Caller, output::Output, output::is_closed, say::say},
    feed::{Replay, Source as _},
};

const EXAMPLES: &str = "\
Examples:
  skbtrail export --format csv web.pcapng > hits.csv
  skbtrail export --format jsonl -o hits.jsonl node1.pcapng node2.pcapng
  skbtrail export --one-hop first -o sent.pcapng web.pcapng        one frame a packet: TCP analysis works
  skbtrail export --one-hop __netif_receive_skb_core -o in.pcapng web.pcapng
  skbtrail export --all-hops -o hops.pcapng web.pcapng             one frame a hit, its comment names the function

The fields of rows are documented in assets/export.md.";

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recordings, of one machine or several; their hits are merged by time
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One row a hit
    #[arg(long, value_name = "FORMAT", required_unless_present_any = ["one_hop", "all_hops"])]
    format: Option<Format>,
    /// A plain capture of one frame a packet: at its first or last hop, or at a function
    #[arg(long, value_name = "FUNC|first|last", conflicts_with_all = ["format", "all_hops"])]
    one_hop: Option<String>,
    /// A plain capture of one frame a hit
    #[arg(long, conflicts_with = "format")]
    all_hops: bool,
    /// File to write, of this user alone, instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Formats of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values, names in the first line.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Parquet, where it is built in.
    Parquet,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let choice = choice(args);
    if choice.is_none() && args.format == Some(Format::Parquet) && !cfg!(feature = "parquet") {
        return Err(Failure::Usage(anyhow!(
            "this skbtrail is built without Parquet; build it with `--features parquet`, or export csv or jsonl"
        )));
    }
    let replay = Replay::open(&args.files)?;
    if let Some(Choice::At(function)) = &choice
        && !replay.probes().iter().any(|probe| probe.name == *function)
    {
        let message = format!("`{function}` is no function of the recording; `skbtrail info --all` lists those in it");
        return Err(Failure::Usage(anyhow!(message)));
    }
    // What is written to is none of what is read.
    if let Some(output) = &args.output
        && args.files.iter().any(|file| same_file(file, output))
    {
        return Err(Failure::Usage(anyhow!("`{}` cannot be written to while it is read", output.display())));
    }
    let mut output = Output::open(Caller::default(), args.output.as_deref(), 0, 0)?;
    let outcome = match (choice, args.format) {
        (Some(choice), _) => capture::write(replay, choice, &mut output),
        (None, Some(format)) => rows::write(&args.files, format, &mut output),
        (None, None) => Ok(Vec::new()),
    };
    match outcome {
        // A reader that has seen enough is no failure.
        Err(error) if !is_closed(&error) => Err(error.into()),
        outcome => {
            outcome.unwrap_or_default().into_iter().for_each(say);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn choice(args: &Args) -> Option<Choice> {
    if args.all_hops {
        return Some(Choice::All);
    }
    args.one_hop.as_deref().map(|hop| match hop {
        "first" => Choice::First,
        "last" => Choice::Last,
        function => Choice::At(function.to_owned()),
    })
}

fn same_file(a: &std::path::Path, b: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &std::path::Path| path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()));
    id(a).is_some_and(|a| Some(a) == id(b))
}
