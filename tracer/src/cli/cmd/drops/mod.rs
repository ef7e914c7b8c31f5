//! `skbtrail drops`: what the kernel drops, why and where, and which of its counters of losses move.
//!
//! Only the tracepoint of drops is attached: a machine that drops nothing does not notice.

mod run;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::ValueEnum;

use crate::{
    cli::{
        Failure,
        args::What,
        caller::Caller,
        progress::Progress,
        say::say,
        settings,
        show::{self, Show},
        signals::Stop,
        stream::Start,
    },
    collect::privileges,
    feed::Live,
    inspect::counters::{Scope, Watch},
    kernel::{
        Root,
        netns::{self, Netns},
    },
    track::By,
};

const EXAMPLES: &str = "\
Examples:
  skbtrail drops                                  all drops, again every second until Ctrl-C
  skbtrail drops --once 10 tcp port 443           those of 10 seconds
  skbtrail drops --netns web --stack              of a namespace, with the stacks that lead there
  skbtrail drops --by place --top 5               told apart by reason and place alone
  skbtrail drops --once 60 --all-netns --json | jq 'select(.table == \"drop\")'

Beside the drops it shows which of the kernel's counters of losses moved: of CPUs (softnet), devices, queueing disciplines \
(clsact too), protocols (nstat), connection tracking and IPsec, in the namespaces chosen. They tell of packets that were lost \
without a drop event, and count all packets, whatever FILTER is. On a terminal the tables are printed again every second; into \
a pipe at the end, or as --watch says. What the reasons mean is in assets/drop-reasons.md.";

/// Arguments of `drops`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Packets whose drops are counted, in the language of pcap-filter(7) with the keys of `skbtrail trace`; all without
    #[arg(value_name = "FILTER", allow_negative_numbers = true)]
    filter: Vec<String>,
    /// Count for this long, print once and end
    #[arg(long, value_name = "SECONDS", value_parser = show::seconds, conflicts_with = "watch")]
    once: Option<Duration>,
    /// Drops and counters of this network namespace alone (may be given several times): a path, a name of /run/netns,
    /// `inode:N` or `pid:N`
    #[arg(long, value_name = "NETNS", conflicts_with = "all_netns")]
    netns: Vec<String>,
    /// Counters of all network namespaces, rather than of skbtrail's own (drops are counted in all of them anyway)
    #[arg(long)]
    all_netns: bool,
    /// What to tell drops apart by, beside the reason
    #[arg(
        long,
        value_name = "WHAT,…",
        value_delimiter = ',',
        value_enum,
        default_value = "place,device,netns,process",
        hide_default_value = true
    )]
    by: Vec<Apart>,
    /// Kinds of drops to show, those with most first; 0 all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Show the kernel's stacks that lead to the drops
    #[arg(long)]
    stack: bool,
    /// Leave out the counters
    #[arg(long)]
    no_counters: bool,
    /// Size of the ring between kernel and skbtrail, MiB (a power of two)
    #[arg(long, value_name = "MIB", default_value_t = 16)]
    ring_size: u32,
    /// A file to create once everything is attached
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// How to print it
    #[command(flatten)]
    show: Show,
}

/// What drops are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Apart {
    /// The reason, always
    Reason,
    /// The place in the kernel's code
    Place,
    /// The device
    Device,
    /// The network namespace
    Netns,
    /// The current process
    Process,
}

/// Runs the command. All that can be wrong with the arguments is found before anything is attached.
pub fn run(args: &Args, verbose: bool) -> Result<ExitCode, Failure> {
    let what = What { ring_size: args.ring_size, ..What::default() };
    settings::portable_filter(&args.filter, &what).map_err(Failure::Usage)?;
    let ring_bytes = settings::ring_bytes(args.ring_size).map_err(Failure::Usage)?;
    let root = Root::system();
    let chosen = chosen(&root, &args.netns)?;
    let filter = settings::filter(&root, &expression(&args.filter, &chosen), &what)?;
    let options = settings::only_drops(filter, args.stack, ring_bytes)?;
    privileges::require()?;
    let stop = Stop::install()?;
    let scope = match chosen {
        _ if args.all_netns => Scope::All,
        chosen if chosen.is_empty() => Scope::Own,
        chosen => Scope::Chosen(chosen),
    };
    let watch = if args.no_counters { None } else { Some(Watch::start(root.clone(), scope)?) };
    let live = Live::start(&root, options)?;
    let caller = Caller::adopt();
    privileges::drop_all_but_needed()?;
    live.notes.iter().for_each(say);
    let start = Start::new(live.backend.name(), Progress::waiting(), args.ready_file.clone(), caller, verbose);
    Ok(run::run(live, watch, start, &stop, args)?)
}

fn chosen(root: &Root, names: &[String]) -> Result<Vec<Netns>, Failure> {
    let resolved = names.iter().map(|name| netns::resolve(root, name)).collect::<Result<_, _>>();
    resolved.map_err(|error| settings::refused_or_usage(error.into()))
}

/// The filter as typed, of packets in the namespaces chosen.
fn expression(filter: &[String], chosen: &[Netns]) -> Vec<String> {
    let typed = filter.join(" ");
    if chosen.is_empty() {
        return vec![typed];
    }
    let namespaces: Vec<String> = chosen.iter().map(|netns| format!("netns inode:{}", netns.inode)).collect();
    let namespaces = namespaces.join(" or ");
    vec![if typed.trim().is_empty() { namespaces } else { format!("({namespaces}) and ({typed})") }]
}

/// What the words of `--by` mean.
fn by(words: &[Apart]) -> By {
    let wanted = |word| words.contains(&word);
    By {
        place: wanted(Apart::Place),
        device: wanted(Apart::Device),
        netns: wanted(Apart::Netns),
        process: wanted(Apart::Process),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_join_the_filter() {
        let chosen = |inodes: &[u32]| inodes.iter().map(|&inode| Netns { inode, path: None }).collect::<Vec<_>>();
        let check = |filter: &[&str], inodes: &[u32], expected: &str| {
            let filter: Vec<String> = filter.iter().map(ToString::to_string).collect();
            assert_eq!(expression(&filter, &chosen(inodes)), [expected]);
        };
        check(&[], &[], "");
        check(&["tcp", "port", "80"], &[], "tcp port 80");
        check(&[], &[7, 8], "netns inode:7 or netns inode:8");
        check(&["tcp or udp"], &[7], "(netns inode:7) and (tcp or udp)");
    }

    #[test]
    fn the_reason_alone_is_possible() {
        assert_eq!(by(&[Apart::Reason]), By { place: false, device: false, netns: false, process: false });
        assert_eq!(by(&[Apart::Place, Apart::Device, Apart::Netns, Apart::Process]), By::default());
    }
}
