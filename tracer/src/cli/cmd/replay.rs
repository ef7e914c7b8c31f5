//! `skbtrail replay`: shows recordings as the view would have shown the run, or prints them as `trace` would have.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    cli::{
        Failure, args,
        caller::Caller,
        cmd::trace,
        group,
        judge::{Flags, Question},
        opened::Opened,
        output::{Output, is_closed},
        progress::Progress,
        rows::{Look, Rows},
        screen,
    },
    feed::{Poll, Source as _},
    model::Record,
    record::reader::Wanted,
};

/// Records taken before their rows are written.
const BATCH: usize = 4096;
const SECOND: f64 = 1e9;

const EXAMPLES: &str = "\
Examples:
  skbtrail replay web.pcapng                                 on a terminal: the view of `skbtrail`; into a pipe: rows
  skbtrail replay --text web.pcapng
  skbtrail replay --output-json web.pcapng | jq -r .func | sort | uniq -c
  skbtrail replay --from 12.5 --to 13 --timestamp absolute web.pcapng
  skbtrail replay web.pcapng --filter 'tcp port 443 and not host 10.0.0.7'
  skbtrail replay --group --filter 'drop NETFILTER_DROP' --no-track web.pcapng
  skbtrail replay --packet 7 --output-stack web.pcapng
  skbtrail replay node1.pcapng node2.pcapng                  both, by time
  skbtrail replay tcpdump.pcap                               a foreign capture: each packet is one hop

Without --no-track a packet is shown from its first hit that matches on. `skbtrail trace --help` lists the keys of filters. \
It needs no privileges and no particular machine. What is damaged or missing in a file is said at the end.";

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recordings, of one machine or several, or captures of other programs; their hits are merged by time
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Hits from here on, seconds from the beginning
    #[arg(long, value_name = "SECONDS")]
    from: Option<f64>,
    /// Hits before this, seconds from the beginning
    #[arg(long, value_name = "SECONDS")]
    to: Option<f64>,
    /// One packet alone: its number, which Wireshark shows as packet id
    #[arg(long, value_name = "N")]
    packet: Option<u64>,
    /// Which packets
    #[command(flatten)]
    which: Which,
    /// How to print it
    #[command(flatten)]
    output: args::Output,
    /// How the view looks
    #[command(flatten)]
    screen: screen::Flags,
}

/// Which packets to show. The flags are those of `trace`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which packets")]
struct Which {
    /// Packets to show, in the language of pcap-filter(7) with the keys of `trace`; all without
    #[arg(long, short, value_name = "FILTER", default_value = "", hide_default_value = true)]
    filter: String,
    /// Network namespace: the name that was recorded, or `inode:N`
    #[arg(long = "filter-netns", value_name = "NETNS")]
    netns: Option<String>,
    /// Interface (`*` and `?` as for the key ifname)
    #[arg(long = "filter-ifname", value_name = "NAME")]
    ifname: Option<String>,
    /// skb->mark, decimal or 0x…, with an optional mask
    #[arg(long = "filter-mark", value_name = "MARK[/MASK]")]
    mark: Option<String>,
    /// Functions to look at: a regular expression that matches the whole name
    #[arg(long = "filter-func", value_name = "REGEX")]
    func: Option<String>,
    /// Show only hits that match by themselves
    #[arg(long)]
    no_track: bool,
}

impl Which {
    fn question(&self) -> Question<'_> {
        let flags = Flags {
            netns: self.netns.as_deref(),
            ifname: self.ifname.as_deref(),
            mark: self.mark.as_deref(),
            func: self.func.as_deref(),
            no_track: self.no_track,
            ..Flags::default()
        };
        Question { expression: &self.filter, flags }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut look = trace::look(&args.output)?;
    let mut opened = Opened::open(&args.files, &args.which.question())?;
    let replay = &mut opened.replay;
    // Without a choice of its own, a replay shows the member chains that were recorded.
    look.metadata = replay.start().map(|start| start.metadata.clone()).unwrap_or_default();
    let begins = replay.begins();
    let time = |seconds: f64| begins.saturating_add((seconds * SECOND) as u64);
    let (from, to) = (args.from.map(time), args.to.map(time));
    let wanted = Wanted { from, to, journey: args.packet, ..Wanted::default() };
    replay.seek(wanted)?;
    let rows = args.output.is_asked_for() || args.output.output_stack || args.output.output_packet.is_some();
    if !rows && screen::is_possible(&args.screen) {
        let files = args.files.iter().map(|file| file.display().to_string()).collect();
        return screen::replay(opened, wanted, files, &args.which.filter, &args.screen);
    }
    let output = trace::output(Caller::default(), &args.output)?;
    let limit = trace::limit(&args.output);
    let outcome = if args.output.group {
        group::replay(&mut opened, &look, output, limit)
    } else {
        print(&mut opened, &look, output, limit)
    };
    opened.finish()?;
    match outcome {
        // A reader that has seen enough is no failure.
        Err(error) if !is_closed(&error) => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn print(opened: &mut Opened, look: &Look, output: Output, limit: Option<u64>) -> anyhow::Result<()> {
    let Opened { replay, names, judge } = opened;
    let mut rows = Rows::new(names, look, replay.clock_offset(), replay.probes(), output);
    let progress = Progress::waiting();
    let mut left = limit.unwrap_or(u64::MAX);
    while left > 0 {
        let most = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        let polled = replay.poll(most, &mut |mut record, probes| {
            if judge.wants(&mut record, probes)
                && let Record::Hit(event) = record
            {
                rows.add(&event, probes);
                left -= 1;
            }
        });
        if polled == Poll::End {
            break;
        }
        if rows.is_full() {
            rows.write(&progress)?;
        }
    }
    rows.write(&progress)
}
