//! Drives a running trace into an output until a signal, a limit or the output itself ends it.

use std::{collections::HashMap, fs::File, path::PathBuf, process::ExitCode, thread, time::Duration};

use anyhow::Context as _;

use super::{
    caller::Caller,
    output::{Output, is_closed},
    progress::Progress,
    say::say,
    signals::Stop,
};
use crate::{
    collect::Session,
    feed::{Live, Names},
    model::{Event, Probe, Record},
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
    /// Whom that file is for.
    pub(crate) caller: Caller,
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
    /// Rows that may be made in all.
    limit: u64,
    /// Rows made so far.
    made: u64,
    /// Those of them that still are in the buffer.
    unwritten: u64,
}

/// Runs the trace to its end and says on stderr what became of its events.
pub(crate) fn run(live: Live, stream: Stream) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, backend, .. } = live;
    let Stream { look, mut output, limit, ready_file, caller, stop, verbose } = stream;
    let mut rows = Rows::new(&names, &look, limit, session.probes());
    rows.header();
    let progress = Progress::beside_events();
    let mut start = Start::new(backend.name(), progress, ready_file, caller, verbose);
    let followed = rows
        .write(&mut output, &start.progress)
        .and_then(|()| follow(&mut session, &mut rows, &mut start, &mut output, &stop));
    start.progress.close();
    let stopped = followed.and(session.stop().map_err(Into::into));
    // What is in the ring is still printed, unless a limit or the output has ended the run.
    let outcome = stopped.and_then(|()| {
        while rows.take(&mut session) > 0 {
            rows.write(&mut output, &start.progress)?;
        }
        rows.write(&mut output, &start.progress)
    });
    finish(&session, rows.unwritten, outcome)
}

/// Prints events as they come, until a limit is reached or a signal comes. Some rows may be left in the buffer.
fn follow(
    session: &mut Session,
    rows: &mut Rows<'_>,
    start: &mut Start,
    output: &mut Output,
    stop: &Stop,
) -> anyhow::Result<()> {
    let mut pause = SHORTEST_PAUSE;
    while rows.left() > 0 && !stop.requested() {
        start.update(session)?;
        let taken = rows.take(session);
        if taken < BATCH || rows.buffer.len() >= GATHERED {
            rows.write(output, &start.progress)?;
        }
        pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if taken < BATCH && rows.left() > 0 {
            session.check()?;
            thread::sleep(pause);
        }
    }
    Ok(())
}

/// Rows of a failed write count as lost, though the first of them may have got through.
pub(super) fn finish(session: &Session, unwritten: u64, outcome: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    say(session.counts()?.without(unwritten));
    // A reader that has seen enough is no failure.
    if let Err(error) = outcome
        && !is_closed(&error)
    {
        return Err(error);
    }
    if let Some(holder) = session.holder() {
        say(format_args!("process {holder} lets go of the probes in the background"));
    }
    Ok(ExitCode::SUCCESS)
}

impl<'a> Rows<'a> {
    fn new(names: &'a Names, look: &'a Look, limit: Option<u64>, probes: &[Probe]) -> Self {
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
        Self {
            printer,
            symbols,
            names,
            look,
            clock,
            limit: limit.unwrap_or(u64::MAX),
            made: 0,
            unwritten: 0,
            buffer: Vec::new(),
        }
    }

    fn header(&mut self) {
        self.printer.header(&mut self.buffer);
    }

    fn left(&self) -> u64 {
        self.limit - self.made
    }

    /// Makes rows of a batch of the events that wait; returns how many these were.
    fn take(&mut self, session: &mut Session) -> usize {
        let most = BATCH.min(usize::try_from(self.left()).unwrap_or(BATCH));
        session.poll(most, |record, probes| {
            if let Record::Hit(event) = record {
                self.add(&event, probes);
            }
        })
    }

    fn add(&mut self, event: &Event, probes: &[Probe]) {
        let context = context(self.names, self.look, &self.clock, &self.symbols, probes);
        self.printer.event(&Row::new(event, &context), &mut self.buffer);
        self.made += 1;
        self.unwritten += 1;
    }

    fn write(&mut self, output: &mut Output, progress: &Progress) -> anyhow::Result<()> {
        if !self.buffer.is_empty() {
            progress.around(|| output.write(&self.buffer))?;
            self.buffer.clear();
            self.unwritten = 0;
        }
        Ok(())
    }
}

/// What rows and blocks are named by.
pub(super) fn context<'a>(
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
pub(super) struct Start {
    backend: &'static str,
    pub(super) progress: Progress,
    ready_file: Option<PathBuf>,
    caller: Caller,
    verbose: bool,
    done: bool,
}

impl Start {
    pub(super) fn new(
        backend: &'static str,
        progress: Progress,
        ready_file: Option<PathBuf>,
        caller: Caller,
        verbose: bool,
    ) -> Self {
        Self { backend, progress, ready_file, caller, verbose, done: false }
    }

    /// Everything is attached.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Looks how far attaching has got; the first time that it is complete, says so and creates the ready file.
    pub(super) fn update(&mut self, session: &mut Session) -> anyhow::Result<()> {
        if self.done {
            return Ok(());
        }
        if let Some(news) = session.progress() {
            self.progress.update(news);
            return Ok(());
        }
        self.done = true;
        self.progress.close();
        let attached = session.attached();
        attached.check()?;
        say(format_args!(
            "listening at {} functions and tracepoints ({}), {} refused; Ctrl-C ends",
            attached.count,
            self.backend,
            attached.refused.len()
        ));
        if self.verbose {
            for refused in &attached.refused {
                say(format_args!("refused: {}: {}", refused.function, refused.error));
            }
        }
        if let Some(path) = &self.ready_file {
            let created = self.caller.attempt(|| File::create(path));
            created.with_context(|| format!("failed to create `{}`", path.display()))?;
        }
        Ok(())
    }
}
