//! `skbtrail record`: writes the hits of matching packets to a file, until Ctrl-C.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{anyhow, bail};
use tracer_common::event::{HEADER_BYTES, PACKET_BYTES};

use crate::{
    cli::{
        Failure,
        args::What,
        caller::Caller,
        judge::Judge,
        recorder::{self, FlightPlan, Plan, Recorder, Rotation},
        say::say,
        settings::{self, Extra},
        signals::Stop,
        stream::{self, Recording},
    },
    collect::privileges,
    feed::{Live, System},
    filter::{self, Compiled, Problem},
    kernel::Root,
    record::Settings,
};

const EXAMPLES: &str = "\
Examples:
  skbtrail record -o web.pcapng host 10.0.0.7 and tcp port 443
  skbtrail record -o 'day-%F-%H.pcapng' -G 3600 -W 24 --compress       a file an hour, for a day
  skbtrail record -o ring.pcapng -C 100 -W 10                          the last gigabyte, in ten files
  skbtrail record -o drop.pcapng --last 30s --on-drop udp port 53      what led to the first drop
  skbtrail record -o slow.pcapng --last 10s --on 'func tcp_retransmit_skb and port 443' tcp
  skbtrail record -o - icmp | ssh collector 'cat > node1.pcapng'

`skbtrail replay` prints recordings, on any machine and without privileges; Wireshark opens them. The file is for this user \
alone (under sudo, for the one who called). It can be read at any time, even if skbtrail is killed.";

/// Arguments of `record`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Packets to record, in the language of pcap-filter(7); all without
    #[arg(value_name = "FILTER", allow_negative_numbers = true)]
    filter: Vec<String>,
    /// File to write, `-` for stdout; with -G, what strftime knows (%F, %H, …) is filled in
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Compress the hits (LZ4): about a third of the size
    #[arg(long)]
    compress: bool,
    /// Bytes to keep of each packet, 1 to 256; more than 80 are read at some cost
    #[arg(long, value_name = "BYTES", default_value_t = HEADER_BYTES as u32)]
    snaplen: u32,
    /// End after this many hits
    #[arg(long, short, value_name = "N")]
    count: Option<u64>,
    /// A file to create once everything is attached
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Which functions and packets
    #[command(flatten)]
    what: What,
    /// What to read with each hit
    #[command(flatten)]
    read: Read,
    /// Files that take turns
    #[command(flatten)]
    rotate: Rotate,
    /// The flight recorder
    #[command(flatten)]
    flight: Flight,
}

/// What to read with each hit.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to read with each hit")]
#[expect(clippy::doc_markdown, reason = "this is help text")]
struct Read {
    /// Who called the function
    #[arg(long = "output-caller")]
    caller: bool,
    /// The kernel's stack
    #[arg(long = "output-stack")]
    stack: bool,
    /// A member chain of the packet's sk_buff (skb->dev->ifindex); may be given several times
    #[arg(long = "output-skb-metadata", value_name = "EXPR", value_delimiter = ',')]
    metadata: Vec<String>,
}

/// Files that take turns.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Several files")]
struct Rotate {
    /// Begin another file at this size, millions of bytes: FILE, FILE1, FILE2, …
    #[arg(short = 'C', value_name = "MB")]
    size: Option<u64>,
    /// Begin another file after this time
    #[arg(short = 'G', value_name = "SECONDS")]
    seconds: Option<u64>,
    /// With -C, so many files take turns (FILE0, FILE1, …); with -G, end after so many
    #[arg(short = 'W', value_name = "N")]
    files: Option<u64>,
}

/// The flight recorder.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Flight recorder", group = clap::ArgGroup::new("event").args(["on_drop", "on"]).multiple(true))]
struct Flight {
    /// Keep the hits of so long in memory, and write them when something happens: --on-drop, --on (30s, 5m)
    #[arg(long, value_name = "TIME", requires = "event", conflicts_with_all = ["size", "seconds", "files"])]
    last: Option<String>,
    /// Write when a matching packet is dropped
    #[arg(long, requires = "last")]
    on_drop: bool,
    /// Write when a hit of a packet that matches FILTER matches this too, in the same language
    #[arg(long, value_name = "FILTER", requires = "last")]
    on: Option<String>,
    /// Go on for so long after that, then end
    #[arg(long, value_name = "TIME", default_value = "1s")]
    then: String,
    /// Most memory for the past, MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    memory: usize,
}

/// Runs the command. All that can be wrong with the arguments is found before anything is attached.
pub fn run(args: Args, verbose: bool) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let filter = settings::portable_filter(&args.filter, &args.what).map_err(Failure::Usage)?;
    let extra = extra(&args).map_err(Failure::Usage)?;
    let rotation = rotation(&args.rotate).map_err(Failure::Usage)?;
    let mut flight = flight(&args.flight).map_err(Failure::Usage)?;
    let chosen = args.flight.on.as_deref().map(|text| chosen(text, &root)).transpose()?;
    let mut options = settings::options(&args.what, extra.clone(), filter).map_err(Failure::Usage)?;
    options.filter = settings::filter(&root, &args.filter, &args.what)?;
    privileges::require()?;
    let stop = Stop::install()?;
    let live = Live::start(&root, options)?;
    if let (Some(flight), Some(chosen)) = (&mut flight, chosen) {
        flight.on = Some(Judge::of_hits(chosen, live.session.probes()).map_err(Failure::usage)?);
    }
    let caller = Caller::adopt();
    let plan = Plan {
        path: args.output,
        rotation,
        flight,
        settings: Settings { compress: args.compress, snaplen: args.snaplen },
        start: recorder::start(live.backend, live.session.probes().len(), &args.filter, &extra),
    };
    let recorder = Recorder::start(plan, caller, &live.names.naming(live.session.probes()))?;
    privileges::drop_all_but_needed()?;
    for note in &live.notes {
        say(note);
    }
    let (limit, ready_file) = (args.count.filter(|count| *count > 0), args.ready_file);
    let most_packets = args.what.limit_packets;
    Ok(stream::record(live, Recording { recorder, limit, most_packets, ready_file, caller, stop, verbose })?)
}

/// Compiles what a flight recorder waits for. Hits are judged after they were read, so what was not read cannot be asked for.
fn chosen(text: &str, root: &Root) -> Result<Compiled, Failure> {
    let environment = System::new(root);
    let request = filter::Request { expression: text, environment: &environment, ..filter::Request::default() };
    let compiled = filter::compile(&request).map_err(|error| match error.problem {
        Problem::Unanswered { denied: true, .. } => Failure::Run(error.into()),
        _ => Failure::usage(error),
    })?;
    if compiled.program.chain_count > 0 {
        return Err(Failure::Usage(anyhow!(
            "--on cannot ask for members of the sk_buff, which are not recorded with every hit: FILTER can"
        )));
    }
    Ok(compiled)
}

fn extra(args: &Args) -> anyhow::Result<Extra> {
    if !(1..=PACKET_BYTES as u32).contains(&args.snaplen) {
        bail!("--snaplen takes 1 to {PACKET_BYTES} bytes, not {}", args.snaplen);
    }
    Ok(Extra {
        caller: args.read.caller,
        stack: args.read.stack,
        // Every hit has the headers.
        packet_bytes: if args.snaplen > HEADER_BYTES as u32 { args.snaplen } else { 0 },
        metadata: args.read.metadata.clone(),
    })
}

fn rotation(rotate: &Rotate) -> anyhow::Result<Rotation> {
    let positive = |flag: &str, value: Option<u64>| match value {
        Some(0) => Err(anyhow!("{flag} takes a number from 1 on, not 0")),
        value => Ok(value),
    };
    let (size, seconds) = (positive("-C", rotate.size)?, positive("-G", rotate.seconds)?);
    let files = positive("-W", rotate.files)?;
    if files.is_some() && size.is_none() && seconds.is_none() {
        bail!("-W says how many files there are; -C or -G says when to begin another");
    }
    Ok(Rotation {
        bytes: size.map(|size| size.saturating_mul(1_000_000)),
        time: seconds.map(Duration::from_secs),
        files,
    })
}

fn flight(flight: &Flight) -> anyhow::Result<Option<FlightPlan>> {
    let future = duration("--then", &flight.then)?;
    let Some(past) = &flight.last else { return Ok(None) };
    let bytes = flight.memory.saturating_mul(1 << 20);
    Ok(Some(FlightPlan { on_drop: flight.on_drop, on: None, past: duration("--last", past)?, bytes, future }))
}

/// `30s`, `5m`, `1h30m`; a number alone is seconds.
fn duration(flag: &str, text: &str) -> anyhow::Result<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| anyhow!("{flag} takes a time such as 30s, 500ms or 5m, not `{text}`"))
}
