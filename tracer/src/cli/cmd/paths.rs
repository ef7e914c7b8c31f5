//! `skbtrail paths`: which ways packets take through the kernel, how many took each, and how long each hop took.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;

use crate::{
    cli::{
        Failure,
        args::{ColorWhen, What},
        caller::Caller,
        colour,
        gather::{Gather, Taker},
        group,
        judge::{Flags, Question},
        opened::Opened,
        progress::Progress,
        recorder::Beside,
        say::say,
        settings::{self, Extra},
        signals::Stop,
        stream::{self, Start},
    },
    collect::privileges,
    feed::{Live, Names, Source as _},
    kernel::Root,
    model::Probe,
    symbol::Cache,
    track::{Between, Journey, PathLimits, Paths, Tables, Tracker},
    view::{self, Context, Timestamp, paths::Weight},
};

const EXAMPLES: &str = "\
Examples:
  skbtrail paths --duration 10 tcp port 443
  skbtrail paths --packets 1000 --top 3 icmp
  skbtrail paths --folded=time udp port 53 | flamegraph.pl > paths.svg
  skbtrail paths -r web.pcapng tcp port 443                 of a recording, without privileges
  skbtrail paths --between ip_rcv,tcp_v4_rcv --duration 10 tcp
  skbtrail paths --output-json --duration 10 | jq 'select(.type == \"path\") | .packets'

It counts until Ctrl-C, --duration, --packets, --limit-packets or the end of the recording, then prints, most travelled path first. p50 and p99 are within 3.2 %.";

/// Arguments of `paths`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Packets to count, in the language of pcap-filter(7); all without
    #[arg(value_name = "FILTER", allow_negative_numbers = true)]
    filter: Vec<String>,
    /// Count the packets of this recording instead (may be given several times; `skbtrail replay` says more)
    #[arg(
        long = "replay",
        short = 'r',
        value_name = "FILE",
        conflicts_with_all = [
            "duration", "ready_file", "sample", "limit_packets", "kmods", "all_kmods", "backend", "ring_size"
        ]
    )]
    files: Vec<PathBuf>,
    /// What to trace
    #[command(flatten)]
    what: What,
    /// How to print it
    #[command(flatten)]
    output: Output,
}

/// What to print, and when.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Print folded stacks, as flame graph tools read them, weighed by packets or by nanoseconds
    #[arg(long, value_name = "WEIGHT", num_args = 0..=1, require_equals = true, default_missing_value = "packets")]
    folded: Option<Folded>,
    /// Print JSON, an object a line (see assets/output-json.md)
    #[arg(long = "output-json", conflicts_with = "folded")]
    json: bool,
    /// Tell how long packets take from one function to another, too; may be given several times
    #[arg(long, value_name = "FUNC,FUNC", conflicts_with = "folded", value_parser = pair)]
    between: Vec<(String, String)>,
    /// Packets through different devices or namespaces take different paths
    #[arg(long)]
    by_device: bool,
    /// Print this many paths of text; 0 all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Count for this long once everything is attached, seconds
    #[arg(long, value_name = "S")]
    duration: Option<u64>,
    /// End after this many packets
    #[arg(long, value_name = "N")]
    packets: Option<u64>,
    /// Colours: auto, always or never (NO_COLOR is respected)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorWhen,
    /// A file to create once everything is attached
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// What folded stacks are weighed by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Folded {
    /// Packets that took the path.
    Packets,
    /// Nanoseconds until the next hop, of all packets together.
    Time,
}

/// `ip_rcv,tcp_v4_rcv`
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once(',').map(|(from, to)| (from.trim(), to.trim()));
    match pair.filter(|(from, to)| !from.is_empty() && !to.is_empty() && !to.contains(',')) {
        Some((from, to)) => Ok((from.to_owned(), to.to_owned())),
        None => Err("it takes two functions with a comma between, such as ip_rcv,tcp_v4_rcv".to_owned()),
    }
}

/// Runs the command. All that can be wrong with the arguments is found before anything is attached.
pub fn run(args: &Args, verbose: bool) -> Result<ExitCode, Failure> {
    if !args.files.is_empty() {
        return replay(args);
    }
    let root = Root::system();
    let filter = settings::portable_filter(&args.filter, &args.what).map_err(Failure::Usage)?;
    let mut options = settings::options(&args.what, Extra::default(), filter).map_err(Failure::Usage)?;
    options.filter = settings::filter(&root, &args.filter, &args.what)?;
    privileges::require()?;
    let stop = Stop::install()?;
    let live = Live::start(&root, options)?;
    let counter = Counter::new(&args.output, live.session.probes())?;
    let caller = Caller::adopt();
    privileges::drop_all_but_needed()?;
    for note in &live.notes {
        say(note);
    }
    let ready_file = args.output.ready_file.clone();
    let start = Start::new(live.backend.name(), Progress::beside_events(), ready_file, caller, verbose);
    Ok(count(live, start, &stop, counter, args)?)
}

fn replay(args: &Args) -> Result<ExitCode, Failure> {
    let expression = args.filter.join(" ");
    let question = Question { expression: &expression, flags: Flags::from(&args.what) };
    let mut opened = Opened::open(&args.files, &question)?;
    let mut counter = Counter::new(&args.output, opened.replay.probes())?;
    let tracker = opened.gather(&mut counter)?;
    print(&opened.names, opened.replay.probes(), &counter, tracker.tables(), &args.output)?;
    opened.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn count(mut live: Live, mut start: Start, stop: &Stop, mut counter: Counter, args: &Args) -> anyhow::Result<ExitCode> {
    let limits = group::limits(live.backend);
    let mut recording = Beside::new(None, &live.names);
    let mut gather = Gather::new(Tracker::new(limits), &mut counter).limited(args.what.limit_packets);
    let duration = args.output.duration.map(Duration::from_secs);
    let outcome = gather.run(&mut live.session, &mut start, &mut recording, stop, duration);
    let tracker = gather.tracker;
    let printed =
        outcome.and_then(|()| print(&live.names, live.session.probes(), &counter, tracker.tables(), &args.output));
    group::say_tally(tracker.tally(), limits);
    stream::finish(&live.session, tracker.tally().hops - counter.paths.hops(), printed)
}

fn print(names: &Names, probes: &[Probe], counter: &Counter, tables: &Tables, output: &Output) -> anyhow::Result<()> {
    let Counter { paths, between, .. } = counter;
    let symbols = Cache::new(&names.symbols);
    let context = Context {
        probes,
        symbols: &symbols,
        reasons: &names.reasons,
        namespaces: &names.namespaces,
        clock: None,
        metadata: &[],
        facts: None,
        timestamp: Timestamp::None,
        tcp_flags: false,
    };
    let profile = view::paths::Profile { paths, tables, context: &context };
    let mut out = Vec::new();
    let top = if output.top == 0 { usize::MAX } else { output.top };
    match output.folded {
        Some(Folded::Packets) => view::paths::folded(&profile, Weight::Packets, &mut out),
        Some(Folded::Time) => view::paths::folded(&profile, Weight::Time, &mut out),
        None if output.json => view::paths::json(&profile, &mut out),
        None => view::paths::text(&profile, top, colour::style(output.color), &mut out),
    }
    if !between.is_empty() && !output.json {
        out.push(b'\n');
    }
    for between in between {
        if output.json {
            view::between::json(between, &mut out);
        } else {
            view::between::text(between, &mut out);
        }
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(&out).and_then(|()| stdout.flush()) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to stdout"),
    }
}

/// Counts packets until there are enough.
struct Counter {
    paths: Paths,
    between: Vec<Between>,
    left: u64,
}

impl Counter {
    fn new(output: &Output, probes: &[Probe]) -> Result<Self, Failure> {
        let limits = PathLimits { by_device: output.by_device, ..PathLimits::default() };
        let between: Vec<Between> = output.between.iter().map(|(from, to)| Between::new(from, to)).collect();
        if let Some(name) = between.iter().find_map(|between| between.unknown(probes)) {
            return Err(Failure::Usage(anyhow!("--between: `{name}` is no function that could report here")));
        }
        Ok(Self { paths: Paths::new(limits), between, left: output.packets.unwrap_or(u64::MAX).max(1) })
    }
}

impl Taker for Counter {
    fn take(&mut self, journey: &Journey, _: &Tables, probes: &[Probe]) -> ControlFlow<()> {
        self.paths.add(journey);
        self.between.iter_mut().for_each(|between| between.add(journey, probes));
        self.left -= 1;
        if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self, _: &Progress) -> anyhow::Result<()> {
        Ok(())
    }
}
