//! `skbtrail calico status`: is the eBPF dataplane really at work?

use std::{process::ExitCode, time::Duration};

use crate::{
    cli::{dataplane::Where, failure::Failure, status},
    inspect::calico::status::{judge, read},
    kernel::Root,
};

const HELP: &str = "\
Felix falls back to iptables where the kernel lacks something it needs, and says so only in its log. This looks at what is there:
maps, programs at interfaces, counters that move, kube-proxy, Felix's own words. Exit code 1 where it is not at work.";

/// Arguments of `calico status`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Seconds between two looks at the counters
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=3600))]
    sample: u64,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let pause = Duration::from_secs(args.sample);
    status::run(&args.at, || Ok(judge(&read(&root, &args.at.bpffs, pause)?)))
}
