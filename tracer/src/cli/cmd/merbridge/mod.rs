//! `skbtrail merbridge`: what Merbridge (OSM Edge's too, and its interceptor) redirects on this node.

mod redirects;

use std::{net::IpAddr, process::ExitCode};

use crate::{
    cli::{
        dataplane::{Where, newest, print},
        failure::Failure,
        show::show_long,
        status,
    },
    inspect::{
        maps::decode::{
            merbridge::{
                pods::{CGROUPS, MARKS, PODS, PROCESSES, SETTINGS},
                redirects::{COOKIES, PAIRS, SOCKETS},
            },
            versions::Versions,
        },
        merbridge::status::{judge, read},
    },
    kernel::Root,
};

const EXAMPLES: &str = "\
Examples:
  skbtrail merbridge status                    are its programs attached as they should be
  skbtrail merbridge redirects                 who was led where instead of where it wanted to go
  skbtrail merbridge redirects 127.128.0.1     what the address that a client shows stands for
  skbtrail merbridge pods                      pods on this node with a sidecar, and what of their traffic goes through it
  skbtrail merbridge pairs --json              connections with where they wanted to go, as they are stored";

/// Arguments of `merbridge`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say whether its programs are attached as they should be
    Status(List),
    /// Say of each connection who was led where instead of where it wanted to go
    Redirects {
        /// Only those in which this address has a part
        address: Option<IpAddr>,
        #[command(flatten)]
        at: Where,
    },
    /// Pods on this node that have a sidecar (local_pod_ips)
    Pods(List),
    /// Processes of sidecars with their pods (process_ip)
    Processes(List),
    /// Marks that stand for pods (mark_pod_ips_map)
    Marks(List),
    /// What was found out about cgroups (cgroup_info_map)
    Cgroups(List),
    /// Where sockets wanted to go (cookie_original_dst)
    Cookies(List),
    /// Where connections wanted to go (pair_original_dst)
    Pairs(List),
    /// Connections whose data goes from socket to socket (sock_pair_map)
    Sockets(List),
    /// Settings
    Settings(List),
}

/// Arguments of a list.
#[derive(Clone, Debug, clap::Args)]
struct List {
    #[command(flatten)]
    at: Where,
}

/// Prints what was asked for.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.what {
        What::Redirects { address, at } => redirects::run(*address, at),
        What::Status(List { at }) => {
            let root = Root::system();
            status::run(at, || Ok(judge(&read(&root, &at.bpffs)?)))
        }
        What::Pods(List { at }) => list(&PODS, at),
        What::Processes(List { at }) => list(&PROCESSES, at),
        What::Marks(List { at }) => list(&MARKS, at),
        What::Cgroups(List { at }) => list(&CGROUPS, at),
        What::Cookies(List { at }) => list(&COOKIES, at),
        What::Pairs(List { at }) => list(&PAIRS, at),
        What::Sockets(List { at }) => list(&SOCKETS, at),
        What::Settings(List { at }) => list(&SETTINGS, at),
    }
}

fn list(versions: &'static Versions, at: &Where) -> Result<ExitCode, Failure> {
    show_long(&at.show, |_, paper| print(versions, &newest(versions, at, None)?, &at.show, paper))
}
