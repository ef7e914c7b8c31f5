//! `skbtrail balancing`: what Balancing translates on this node, as its `inspect` tool shows it.

mod maps;
mod trace;

use std::process::ExitCode;

use crate::{
    cli::{dataplane::Where, failure::Failure, status},
    inspect::balancing::{
        Target,
        status::{judge, read},
    },
    kernel::Root,
    model::balancing::NatType,
};

const EXAMPLES: &str = "\
The maps know numbers, not names: a service is called by its address or by its number, which for policies is the annotation \
balancing.elf.io/serviceId (kubectl get balancingpolicies,localredirectpolicies -o yaml).

Examples:
  skbtrail balancing status                    are its programs attached as they should be
  skbtrail balancing show                      all maps, as `inspect showMapData all` prints them
  skbtrail balancing show backend --json
  skbtrail balancing trace service 10.96.0.10:53
  skbtrail balancing trace redirect 10091      a LocalRedirectPolicy by its number
  skbtrail balancing trace policy all          all BalancingPolicies: addresses, backends, clients, sockets";

/// Arguments of `balancing`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say whether its programs are attached as they should be
    Status {
        #[command(flatten)]
        at: Where,
    },
    /// Print maps as they are
    #[command(name = "show", alias = "showMapData")]
    Maps {
        /// Which
        #[arg(default_value = "all")]
        map: maps::Map,
        #[command(flatten)]
        at: Where,
    },
    /// Join what belongs to an address: backends, who keeps which, sockets that went there
    #[command(alias = "traceMapData")]
    Trace {
        /// What it is an address of
        kind: Kind,
        /// `all`, ADDRESS, ADDRESS:PORT, or the number of the service or policy
        #[arg(default_value = "all")]
        target: Target,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// A service
    Service,
    /// A LocalRedirectPolicy
    #[value(alias = "localRedirect")]
    Redirect,
    /// A BalancingPolicy
    #[value(alias = "balancing")]
    Policy,
}

/// Prints what was asked for.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.what {
        What::Status { at } => {
            let root = Root::system();
            status::run(at, || Ok(judge(&read(&root, &at.bpffs)?)))
        }
        What::Maps { map, at } => maps::run(*map, at),
        What::Trace { kind, target, at } => {
            let kind = match kind {
                Kind::Service => NatType::Service,
                Kind::Redirect => NatType::LocalRedirect,
                Kind::Policy => NatType::Balancing,
            };
            trace::run(kind, *target, at)
        }
    }
}
