//! `skbtrail replay`: prints recordings as `trace` would have printed the run.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    cli::{
        Failure, args::Output, caller::Caller, cmd::trace, output::is_closed, progress::Progress, rows::Rows, say::say,
    },
    feed::{Poll, Replay, Source as _},
    model::Record,
    record::reader::Wanted,
};

/// Records taken before their rows are written.
const BATCH: usize = 4096;
const SECOND: f64 = 1e9;

const EXAMPLES: &str = "\
Examples:
  skbtrail replay web.pcapng
  skbtrail replay --output-json web.pcapng | jq -r .func | sort | uniq -c
  skbtrail replay --from 12.5 --to 13 --timestamp absolute web.pcapng
  skbtrail replay --packet 7 --output-stack web.pcapng
  skbtrail replay node1.pcapng node2.pcapng                  both, by time
  skbtrail replay tcpdump.pcap                               a foreign capture: each packet is one hop

It needs no privileges and no particular machine. What is damaged or missing in a file is said at the end.";

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recordings, of one machine or several, or captures of other programs; their hits are merged by time
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Hits from here on, seconds from the beginning
    #[arg(long, value_name = "SECONDS")]
    from: Option<f64>,
    /// Hits before this, seconds from the beginning
    #[arg(long, value_name = "SECONDS")]
    to: Option<f64>,
    /// One packet alone: its number, which Wireshark shows as packet id
    #[arg(long, value_name = "N")]
    packet: Option<u64>,
    /// How to print it
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut look = trace::look(&args.output)?;
    let mut replay = Replay::open(&args.files)?;
    // Without a choice of its own, a replay shows the member chains that were recorded.
    look.metadata = replay.start().map(|start| start.metadata.clone()).unwrap_or_default();
    let begins = replay.begins();
    let time = |seconds: f64| begins.saturating_add((seconds * SECOND) as u64);
    replay.seek(Wanted { from: args.from.map(time), to: args.to.map(time), journey: args.packet })?;
    let output = trace::output(Caller::default(), &args.output)?;
    let names = std::mem::replace(&mut replay.names, crate::feed::Names::empty());
    let mut rows = Rows::new(&names, &look, replay.clock_offset(), replay.probes(), output);
    let outcome = print(&mut replay, &mut rows, trace::limit(&args.output));
    for warning in replay.finish()? {
        say(warning);
    }
    match outcome {
        // A reader that has seen enough is no failure.
        Err(error) if !is_closed(&error) => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn print(replay: &mut Replay, rows: &mut Rows<'_>, limit: Option<u64>) -> anyhow::Result<()> {
    let progress = Progress::waiting();
    let mut left = limit.unwrap_or(u64::MAX);
    while left > 0 {
        let most = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        // A filter over recorded events joins here: whatever it does not match is not added.
        let polled = replay.poll(most, &mut |record, probes| {
            if let Record::Hit(event) = record {
                rows.add(&event, probes);
                left -= 1;
            }
        });
        if polled == Poll::End {
            break;
        }
        if rows.is_full() {
            rows.write(&progress)?;
        }
    }
    rows.write(&progress)
}
