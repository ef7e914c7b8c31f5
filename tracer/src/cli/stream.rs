//! Drives a running trace into an output until a signal, a limit or the output itself ends it.

use std::{collections::HashMap, fs::File, path::PathBuf, process::ExitCode, thread, time::Duration};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    output::{Output, is_closed},
    signals::Stop,
};
use crate::{
    collect::{Counts, Session},
    feed::{Live, Names},
    model::{Event, Probe},
    symbol::Cache,
    view::{self, Clock, Context, Printer, Row, Style, Timestamp, columns::Column},
};

/// Events handled before signals and attaching are looked at.
const BATCH: usize = 4096;
/// Bytes of rows gathered before they are written, while more events wait.
const GATHERED: usize = 256 << 10;
/// Pause after the ring was found empty; it doubles up to the longest while nothing happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How rows look.
pub(crate) struct Look {
    /// Columns, in their order.
    pub(crate) columns: Vec<&'static dyn Column>,
    /// JSON instead of text.
    pub(crate) json: bool,
    /// How text shows the time.
    pub(crate) timestamp: Timestamp,
    /// Text shows the flags of TCP.
    pub(crate) tcp_flags: bool,
    /// Member chains as typed.
    pub(crate) metadata: Vec<String>,
    /// With colours or without.
    pub(crate) style: Style,
}

/// Where rows go, and what ends the run.
pub(crate) struct Stream {
    /// How rows look.
    pub(crate) look: Look,
    /// Where they go.
    pub(crate) output: Output,
    /// Rows after which the run ends.
    pub(crate) limit: Option<u64>,
    /// File to create once everything is attached.
    pub(crate) ready_file: Option<PathBuf>,
    /// Signals.
    pub(crate) stop: Stop,
    /// Name the functions that were refused.
    pub(crate) verbose: bool,
}

/// What the rows are made with.
struct Rows<'a> {
    printer: Printer,
    symbols: Cache<'a>,
    names: &'a Names,
    look: &'a Look,
    clock: Clock,
    buffer: Vec<u8>,
}

/// Runs the trace to its end and says on stderr what became of its events.
pub(crate) fn run(live: Live, mut stream: Stream) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, backend, .. } = live;
    let mut rows = Rows::new(&names, &stream.look, session.probes());
    rows.header();
    let mut start = Start::new(backend.name(), stream.ready_file.take(), stream.verbose);
    let mut left = stream.limit.unwrap_or(u64::MAX);
    let mut pause = SHORTEST_PAUSE;
    let mut outcome = rows.write(&mut stream.output, &start);
    while outcome.is_ok() && left > 0 && !stream.stop.requested() {
        if let Err(error) = start.update(&mut session) {
            outcome = Err(error);
            break;
        }
        let taken =
            session.poll(BATCH.min(usize::try_from(left).unwrap_or(BATCH)), |event, probes| rows.add(&event, probes));
        left -= taken as u64;
        if taken < BATCH || rows.buffer.len() >= GATHERED {
            outcome = rows.write(&mut stream.output, &start);
        }
        pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if taken < BATCH && left > 0 {
            thread::sleep(pause);
        }
    }
    start.close();
    session.stop()?;
    // What is in the ring is still printed, unless a limit or the output has ended the run.
    while outcome.is_ok() && left > 0 && session.poll(BATCH, |event, probes| rows.add(&event, probes)) > 0 {
        outcome = rows.write(&mut stream.output, &start);
    }
    finish(&session, outcome)
}

fn finish(session: &Session, outcome: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let counts: Counts = session.counts()?;
    match outcome {
        // A reader that has seen enough is no failure.
        Err(error) if !is_closed(&error) => {
            eprintln!("skbtrail: {counts}");
            return Err(error);
        }
        _ => eprintln!("skbtrail: {counts}"),
    }
    if let Some(holder) = session.holder() {
        eprintln!("skbtrail: process {holder} lets go of the probes in the background");
    }
    Ok(ExitCode::SUCCESS)
}

impl<'a> Rows<'a> {
    fn new(names: &'a Names, look: &'a Look, probes: &[Probe]) -> Self {
        let symbols = Cache::new(&names.symbols);
        let clock = Clock::new(Live::clock_offset(), jiff::tz::TimeZone::system());
        let columns = &look.columns;
        let printer = if look.json {
            Printer::Json(view::json::Printer::new(columns))
        } else {
            Printer::Text(view::text::Printer::new(
                columns,
                &context(names, look, &clock, &symbols, probes),
                look.style,
            ))
        };
        Self { printer, symbols, names, look, clock, buffer: Vec::new() }
    }

    fn header(&mut self) {
        self.printer.header(&mut self.buffer);
    }

    fn add(&mut self, event: &Event, probes: &[Probe]) {
        let context = context(self.names, self.look, &self.clock, &self.symbols, probes);
        self.printer.event(&Row::new(event, &context), &mut self.buffer);
    }

    fn write(&mut self, output: &mut Output, start: &Start) -> anyhow::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = start.around(|| output.write(&self.buffer));
        self.buffer.clear();
        written
    }
}

fn context<'a>(
    names: &'a Names,
    look: &'a Look,
    clock: &'a Clock,
    symbols: &'a Cache<'a>,
    probes: &'a [Probe],
) -> Context<'a> {
    let namespaces: &HashMap<u32, String> = &names.namespaces;
    Context {
        probes,
        symbols,
        reasons: &names.reasons,
        namespaces,
        clock: Some(clock),
        metadata: &look.metadata,
        timestamp: look.timestamp,
        tcp_flags: look.tcp_flags,
    }
}

/// What is said while the probes are attached, and once they are.
struct Start {
    backend: &'static str,
    bar: Option<ProgressBar>,
    ready_file: Option<PathBuf>,
    verbose: bool,
    done: bool,
}

impl Start {
    fn new(backend: &'static str, ready_file: Option<PathBuf>, verbose: bool) -> Self {
        Self { backend, bar: None, ready_file, verbose, done: false }
    }

    /// Looks how far attaching has got; the first time that it is complete, says so and creates the ready file.
    fn update(&mut self, session: &mut Session) -> anyhow::Result<()> {
        if self.done {
            return Ok(());
        }
        if let Some((answered, all)) = session.progress() {
            self.bar.get_or_insert_with(|| bar(all)).set_position(answered as u64);
            return Ok(());
        }
        self.done = true;
        self.close();
        let attached = session.attached();
        attached.check()?;
        eprintln!(
            "skbtrail: listening at {} functions and tracepoints ({}), {} refused; Ctrl-C ends",
            attached.count,
            self.backend,
            attached.refused.len()
        );
        if self.verbose {
            for refused in &attached.refused {
                eprintln!("skbtrail: refused: {}: {}", refused.function, refused.error);
            }
        }
        if let Some(path) = &self.ready_file {
            File::create(path).with_context(|| format!("failed to create `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Runs `write` with the progress bar out of the way.
    fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A bar on stderr, if that is a terminal; indicatif draws nothing elsewhere.
fn bar(all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64);
    if let Ok(style) =
        ProgressStyle::with_template("attaching [{bar:30}] {pos}/{len} functions, {eta} left; events flow already")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
