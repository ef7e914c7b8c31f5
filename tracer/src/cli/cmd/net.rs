//! `skbtrail net`: what is attached to the network, and how interfaces are joined.

use std::process::ExitCode;

use crate::{
    cli::{
        failure::Failure,
        show::{Show, show},
    },
    inspect::net::{self, Which},
    kernel::{Root, netns},
    view::{Table, lists},
};

const EXAMPLES: &str = "\
Programs of one device and direction are numbered in order of execution (#1, #2, …): tcx before the filters of clsact. \
Drops of tcx and netkit programs are counted nowhere by the kernel; those of clsact are, by all of its filters together. \
A namespace that nothing but an open descriptor leads to is not found.

Examples:
  skbtrail net                               in this network namespace
  skbtrail net --netns web                   in that of /run/netns/web; also a path, inode:N, pid:N
  skbtrail net --all-netns                   in every namespace of this machine, with names, pods and processes
  skbtrail net --all-netns --json | jq 'select(.table == \"tc\" and .name == \"cil_from_container\")'";

/// Arguments of `net`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Network namespace: a path (with a `/`), a name of /run/netns, `inode:N` or `pid:N`
    #[arg(long, value_name = "NETNS", conflicts_with = "all_netns")]
    netns: Option<String>,
    /// Every network namespace that can be found
    #[arg(long)]
    all_netns: bool,
    #[command(flatten)]
    show: Show,
}

/// Lists attachments and interfaces.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let which = match &args.netns {
        Some(netns) => Which::One(netns::resolve(&root, netns).map_err(Failure::usage)?),
        None if args.all_netns => Which::All,
        None => Which::Own,
    };
    show(&args.show, |_| list(&root, &which))
}

fn list(root: &Root, which: &Which) -> Result<Vec<Table>, Failure> {
    let found = net::read(root, which)?;
    Ok(lists::net(&found.namespaces, &found.elsewhere))
}
