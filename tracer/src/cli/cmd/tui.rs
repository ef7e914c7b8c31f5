//! `skbtrail [FILTER]`, `skbtrail tui`: packets and their paths in a view with keys. Into a pipe it acts as `trace`.

use std::process::ExitCode;

use super::trace;
use crate::cli::{Failure, args, screen};

const EXAMPLES: &str = "\
Examples:
  skbtrail                                    all packets
  skbtrail host 10.0.0.7 and tcp port 443     `/` changes the filter while it runs, `?` shows all keys
  skbtrail --filter-netns web icmp
  skbtrail udp port 53 | head                 into a pipe: lines, as `trace` prints them
  skbtrail --theme light --no-mouse

The flags are those of `trace`, whose help lists the keys of filters. Flags that ask for rows (--output-json, --group, --columns, …) \
print rows as `trace` does.";

/// Arguments of `tui`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// As for `trace`
    #[command(flatten)]
    trace: args::Trace,
    /// How the view looks
    #[command(flatten)]
    screen: screen::Flags,
}

/// Runs the command.
pub fn run(args: Args, verbose: bool) -> Result<ExitCode, Failure> {
    let Args { trace, screen } = args;
    let rows = trace.output.is_asked_for() || trace.run.filter_stdin || trace.run.ready_file.is_some();
    if rows || !screen::is_possible(&screen) { trace::run(trace, verbose) } else { screen::live(trace, &screen) }
}
