//! `skbtrail filter EXPRESSION`: what a filter compiles to, so that a user sees what is looked at, and how much of it; or
//! which packets of a capture match.

use std::{io::Write, process::ExitCode};

use crate::{
    cli::{Failure, capture},
    feed::System,
    filter,
    kernel::Root,
};

const EXAMPLES: &str = "\
Examples:
  skbtrail filter host 10.0.0.7 and tcp port 443
  skbtrail filter 'ifname eth0 and inner(tcp port 443)'
  skbtrail filter 'skb->dev->ifindex == 2 and not drop NETFILTER_DROP'
  skbtrail filter tcp port 443 --pcap trace.pcapng            how many packets match
  skbtrail filter icmp --pcap trace.pcap --print --limit 10   the first ten that do
  zstd -dc trace.pcap.zst | skbtrail filter arp --pcap - --print --output-json";

/// Arguments of `filter`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Expression, in the language of pcap-filter(7) with keys (`skbtrail trace --help` lists them); with --pcap, none
    /// matches every packet
    #[arg(value_name = "EXPRESSION", required_unless_present = "pcap", allow_negative_numbers = true)]
    expression: Vec<String>,
    /// A capture to apply it to
    #[command(flatten)]
    capture: capture::Capture,
}

/// Prints the program, a test a line, or what it says of a capture.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let expression = args.expression.join(" ");
    let root = Root::system();
    let environment = System::new(&root);
    let request = filter::Request { expression: &expression, environment: &environment, ..filter::Request::default() };
    let compiled = filter::compile(&request).map_err(|error| match error.problem {
        filter::Problem::Unanswered { denied: true, .. } => Failure::Run(error.into()),
        _ => Failure::usage(error),
    })?;
    if let Some(file) = &args.capture.pcap {
        return capture::run(&compiled, file, &args.capture, out);
    }
    out.write_all(filter::explain(&compiled).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
