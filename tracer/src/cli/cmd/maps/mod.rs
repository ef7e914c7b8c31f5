//! `skbtrail maps`: the maps of this kernel, and what is in one.

mod dump;

use std::process::ExitCode;

use crate::{
    cli::{
        failure::Failure,
        show::{Show, show},
    },
    inspect::{
        maps::{self, Depth},
        owners::Owners,
        pins::Pins,
    },
    kernel::Root,
    view::lists,
};

/// Entries of a map that are counted where not all are asked for.
const COUNTED: u64 = 1 << 16;

const EXAMPLES: &str = "\
Examples:
  skbtrail maps                                    all maps, with pins, processes and how many entries
  skbtrail maps --json | jq -r 'select(.name | startswith(\"cilium\")) | .pinned[]'
  skbtrail maps dump 7                             what is in map 7
  skbtrail maps dump /sys/fs/bpf/tc/globals/cilium_ipcache_v2
  skbtrail maps dump --json cilium_metrics | head -3";

/// Arguments of `maps`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Count all entries of every map; without, counting ends at 65536 a map
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the entries of a map
    Dump(dump::Args),
}

/// Lists the maps, or the entries of one.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    if let Some(Command::Dump(args)) = &args.command {
        return dump::run(args);
    }
    let root = Root::system();
    let depth = if args.count { Depth::Whole } else { Depth::Bounded(COUNTED) };
    show(&args.show, |_| {
        let (pins, owners) = (Pins::read(&root), Owners::read(&root));
        Ok(vec![lists::maps(&maps::rows(&root, &pins, &owners, depth)?)])
    })
}
