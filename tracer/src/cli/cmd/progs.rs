//! `skbtrail progs`: the programs of this kernel.

use std::process::ExitCode;

use nix::time::{ClockId, clock_gettime};

use crate::{
    cli::{
        failure::Failure,
        show::{Show, show},
    },
    inspect::{owners::Owners, pins::Pins, programs},
    kernel::Root,
    view::{Table, lists},
};

const EXAMPLES: &str = "\
Runs and their time are counted by the kernel while kernel.bpf_stats_enabled is 1 (sysctl -w kernel.bpf_stats_enabled=1; \
it costs each run some tens of nanoseconds). Processes hold a program by itself or by a link that has it.

Examples:
  skbtrail progs
  skbtrail progs --watch
  skbtrail progs --json | jq -r 'select(.type == \"sched_cls\") | [.id, .name] | @tsv'";

/// Arguments of `progs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    show: Show,
}

/// Lists the programs.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let root = Root::system();
    show(&args.show, |_| Ok(vec![list(&root)?]))
}

fn list(root: &Root) -> Result<Table, Failure> {
    let rows = programs::rows(root, &Pins::read(root), &Owners::read(root))?;
    Ok(lists::programs(&rows, boot()))
}

/// When the machine began, nanoseconds of the epoch.
fn boot() -> u64 {
    let now = |clock| clock_gettime(clock).map_or(0, |now| now.tv_sec() * 1_000_000_000 + now.tv_nsec());
    u64::try_from(now(ClockId::CLOCK_REALTIME) - now(ClockId::CLOCK_BOOTTIME)).unwrap_or_default()
}
