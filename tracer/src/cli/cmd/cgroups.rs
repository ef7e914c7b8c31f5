//! `skbtrail cgroups`: programs at control groups, and at maps of sockets.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    cli::{
        failure::Failure,
        say::say,
        show::{Show, show},
    },
    inspect::{cgroups, sock_maps},
    kernel::Root,
    view::lists,
};

const EXAMPLES: &str = "\
Examples:
  skbtrail cgroups
  skbtrail cgroups --effective /sys/fs/cgroup/kubepods.slice
  skbtrail cgroups --json | jq 'select(.attach_type == \"cgroup_inet4_connect\")'";

/// Arguments of `cgroups`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Control group (version 2) to begin with; where that is mounted without
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// For each group also what it inherits from those above it
    #[arg(long)]
    effective: bool,
    #[command(flatten)]
    show: Show,
}

/// Lists the programs.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let top = args.path.clone().or_else(|| cgroups::mount(&root));
    if top.is_none() {
        say(
            "control groups of version 2 are not mounted; `mount -t cgroup2 none /mnt` and `skbtrail cgroups /mnt` show them",
        );
    }
    show(&args.show, |_| {
        let mut tables = Vec::new();
        if let Some(top) = &top {
            let (rows, notes) = cgroups::rows(&root, top, args.effective)?;
            notes.into_iter().for_each(say);
            tables.push(lists::cgroups(&rows));
        }
        let sockets = sock_maps::rows()?;
        if !sockets.is_empty() || args.show.json {
            tables.push(lists::sock_maps(&sockets));
        }
        Ok(tables)
    })
}
