//! `skbtrail demo`: sends a few packets between two namespaces of its own, of which one is dropped, and shows the way of
//! each through the kernel.

mod net;
mod traffic;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use self::{
    net::{ADDRESSES, Pair},
    traffic::{CLOSED_PORT, OPEN_PORT, Sockets},
};
use crate::{
    cli::{
        Failure, args::ColorWhen, colour, failure::is_refusal, group, output::is_closed, progress::Progress, say::say,
        settings, signals::Stop,
    },
    collect::{
        Session,
        attach::programs,
        privileges,
        session::{Backend, RING_BYTES},
    },
    feed::{Live, Options},
    filter,
    kernel::Root,
    model::Transport,
    probe::{Modules, Selection, others::Globs},
    symbol::Cache,
    track::{Journey, Tracker},
    view::{self, Clock, Context, Story, Timestamp},
};

/// What is shown where tracing is not permitted.
const SAMPLE: &str = include_str!("../../../../../assets/demo-sample.txt");
/// How long the kernel gets to deliver the last packet.
const SETTLING: Duration = Duration::from_millis(300);
/// The demo knows it from its own socket; since 6.16 no tracepoint tells that a UDP packet was read.
const RECEIVED: &[u8] = b"  delivered: the demo's receiving socket has read it\n";
/// A pause between two looks at the ring.
const PAUSE: Duration = Duration::from_millis(5);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to attach: kprobe-multi, kprobe or tracepoint; the best that works without
    #[arg(long, value_name = "BACKEND")]
    backend: Option<String>,
    /// Show the recorded sample, whatever this machine can do
    #[arg(long)]
    sample: bool,
}

/// Runs the demo.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let backend = args.backend.as_deref().map(settings::backend).transpose().map_err(Failure::Usage)?;
    if args.sample {
        return sample("as you asked");
    }
    if let Err(error) = privileges::require() {
        return sample(&error.to_string());
    }
    match trace_own_packets(backend) {
        // In a container, being root is not enough.
        Err(Failure::Run(error)) if is_refusal(&error) => sample(&format!("{error:#}")),
        other => other,
    }
}

fn trace_own_packets(backend: Option<Backend>) -> Result<ExitCode, Failure> {
    let stop = Stop::install()?;
    let pair =
        Pair::new().map_err(|error| anyhow::Error::new(error).context("failed to make the demo's namespaces"))?;
    let sockets = Sockets::open(&pair)?;
    say(format_args!("made two private namespaces ({} and {})", pair.sender.inode, pair.receiver.inode));
    let mut live = Live::start(&Root::system(), options(backend)?)?;
    privileges::drop_all_but_needed()?;
    live.names.namespaces.insert(pair.sender.inode, "sender".to_owned());
    live.names.namespaces.insert(pair.receiver.inode, "receiver".to_owned());
    if !wait_until_attached(&mut live.session, &stop) {
        return Ok(stop.exit_code());
    }
    let count = live.session.attached().count;
    let backend = live.backend.name();
    say(format_args!("listening at {count} functions and tracepoints ({backend}); sending two packets"));
    sockets.send()?;
    let tracker = gather(&mut live, &stop)?;
    match show(&live, tracker) {
        Err(error) if is_closed(&error) => {}
        other => other?,
    }
    say(live.session.counts()?);
    if let Some(holder) = live.session.holder() {
        say(format_args!("process {holder} lets go of the probes in the background"));
    }
    Ok(stop.exit_code())
}

fn options(backend: Option<Backend>) -> anyhow::Result<Options> {
    let [sender, receiver] = ADDRESSES;
    let expression = format!("udp and host {sender} and host {receiver} and (port {OPEN_PORT} or port {CLOSED_PORT})");
    let compiled = filter::compile(&filter::Request { expression: &expression, ..filter::Request::default() })?;
    Ok(Options {
        backend,
        selection: Selection::new(None)?,
        all_functions: true,
        modules: Modules::All,
        filter: compiled,
        swaps: false,
        follow: true,
        sample: 1,
        most_packets: 0,
        others: Globs::new(&[])?,
        follow_stacks: false,
        programs: programs::Wanted::default(),
        caller: false,
        stack: false,
        // The receiver of the packets is this process.
        hide_own: false,
        packet_bytes: 0,
        metadata: Vec::new(),
        ring_bytes: RING_BYTES,
    })
}

fn sample(why: &str) -> Result<ExitCode, Failure> {
    say(why);
    say("this is a sample, recorded on Debian's Linux 6.12:");
    match io::stdout().write_all(SAMPLE.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Single kprobes take their time; returns false if a signal came first.
fn wait_until_attached(session: &mut Session, stop: &Stop) -> bool {
    let mut progress = Progress::waiting();
    while let Some(news) = session.progress() {
        if stop.requested() {
            return false;
        }
        progress.update(news);
        thread::sleep(PAUSE);
    }
    progress.close();
    true
}

/// Reads the ring until it has been quiet for a while.
fn gather(live: &mut Live, stop: &Stop) -> Result<Tracker, Failure> {
    let mut tracker = Tracker::new(group::limits(live.backend));
    let session = &mut live.session;
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < SETTLING && !stop.requested() {
        if session.poll(usize::MAX, |record, probes| tracker.record(&record, probes)) > 0 {
            quiet_since = Instant::now();
        }
        thread::sleep(PAUSE);
    }
    session.stop()?;
    session.poll(usize::MAX, |record, probes| tracker.record(&record, probes));
    tracker.finish();
    Ok(tracker)
}

/// Prints the way of each packet. The two go to different ports, so the port tells them apart.
fn show(live: &Live, mut tracker: Tracker) -> anyhow::Result<()> {
    let symbols = Cache::new(&live.names.symbols);
    let clock = Clock::new(Live::clock_offset(), jiff::tz::TimeZone::system());
    let context = &Context {
        probes: live.session.probes(),
        symbols: &symbols,
        reasons: &live.names.reasons,
        namespaces: &live.names.namespaces,
        clock: Some(&clock),
        metadata: &[],
        facts: None,
        timestamp: Timestamp::None,
        tcp_flags: false,
    };
    let style = colour::style(ColorWhen::Auto);
    let journeys: Vec<Journey> = std::iter::from_fn(|| tracker.next_finished()).collect();
    let mut out = Vec::new();
    for port in [OPEN_PORT, CLOSED_PORT] {
        for journey in journeys.iter().filter(|journey| goes_to(journey, port)) {
            view::journey::text(&Story { journey, tables: tracker.tables(), context }, style, &mut out);
        }
        if port == OPEN_PORT {
            out.extend_from_slice(RECEIVED);
        }
        out.push(b'\n');
    }
    io::stdout().write_all(&out)?;
    Ok(())
}

fn goes_to(journey: &Journey, port: u16) -> bool {
    let transport = journey.title().and_then(|look| look.flow).map(|flow| flow.transport);
    matches!(transport, Some(Transport::Ports { destination, .. }) if destination == port)
}
