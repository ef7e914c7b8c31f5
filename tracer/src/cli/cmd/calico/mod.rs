//! `skbtrail calico`: what Calico's eBPF dataplane holds, says and does on this node.

mod conntrack;
mod counters;
mod log;
mod nat;
mod network;
mod status;

use std::process::ExitCode;

use crate::{
    cli::{
        dataplane::{Where, newest, print},
        failure::Failure,
        show::show_long,
    },
    inspect::maps::decode::{
        calico::{counters as maps, interfaces, nat as services, node},
        versions::Versions,
    },
};

const EXAMPLES: &str = "\
Text is that of `calico-node -bpf … dump` (whose word `dump` may be written here too); --json prints an object a line.

Examples:
  skbtrail calico status                      is the eBPF dataplane really at work, and what tells
  skbtrail calico conntrack                   connections; --raw as they are stored
  skbtrail calico nat                         services with their backends; also nat aff, nat maglev
  skbtrail calico counters --watch            what each interface's programs count, and how fast
  skbtrail calico -6 routes                   maps of IPv6
  skbtrail calico log                         verdicts from the debug log, live (bpfLogLevel: Debug)
  skbtrail calico log trace.txt --summary     the same from a file, counted";

/// Arguments of `calico`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The maps of IPv6 instead of those of IPv4; of the log, lines of IPv6 alone
    #[arg(long, short = '6', global = true)]
    ipv6: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say whether the eBPF dataplane is really at work, and what tells
    Status(status::Args),
    /// Connections
    Conntrack(conntrack::Args),
    /// Services: what clients send to and what stands behind
    Nat(nat::Args),
    /// Where prefixes lead
    Routes(List),
    /// IP sets of policies
    Ipsets(List),
    /// Link-layer addresses of neighbours
    Arp(List),
    /// What the programs of each interface count
    Counters(counters::Args),
    /// What Calico thinks of each interface
    Ifstate(List),
    /// Ports that no policy can close
    Failsafes(List),
    /// How often each rule of a policy matched
    Rules(List),
    /// Packet rate limits
    Qos(List),
    /// Time spent in programs (`bpfProfiling`)
    Profiling(List),
    /// Sockets whose answers are translated back
    Sockets(List),
    /// The debug log of the programs, line by line or counted
    Log(log::Args),
}

/// Arguments of a list.
#[derive(Clone, Debug, clap::Args)]
struct List {
    #[arg(hide = true, value_parser = ["dump"])]
    dump: Option<String>,
    #[command(flatten)]
    at: Where,
}

/// Prints what was asked for.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let ipv6 = args.ipv6;
    match &args.what {
        What::Status(args) => status::run(args),
        What::Conntrack(args) => conntrack::run(args, ipv6),
        What::Nat(args) => nat::run(args, ipv6),
        What::Routes(args) => network::routes(&args.at, ipv6),
        What::Ipsets(args) => network::ip_sets(&args.at, ipv6),
        What::Arp(args) => list(&node::NEIGHBOURS, &args.at, Some(ipv6)),
        What::Counters(args) => counters::run(args),
        What::Ifstate(args) => list(&interfaces::STATES, &args.at, None),
        What::Failsafes(args) => list(&node::FAILSAFES, &args.at, Some(ipv6)),
        What::Rules(args) => list(&maps::RULES, &args.at, None),
        What::Qos(args) => list(&interfaces::RATES, &args.at, None),
        What::Profiling(args) => list(&maps::PROFILES, &args.at, None),
        What::Sockets(args) => list(&services::REVERSALS, &args.at, Some(ipv6)),
        What::Log(args) => log::run(args, ipv6),
    }
}

/// A map, entry by entry. `family` where there is one map for IPv4 and one for IPv6.
fn list(versions: &'static Versions, at: &Where, family: Option<bool>) -> Result<ExitCode, Failure> {
    show_long(&at.show, |_, paper| print(versions, &newest(versions, at, family)?, &at.show, paper))
}
