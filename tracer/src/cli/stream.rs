//! Drives a running trace into rows, a recording or both, until a signal, a limit or one of them ends it.

use std::{fs::File, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;

use super::{
    caller::Caller,
    lines,
    output::{Output, is_closed},
    packets::PacketLimit,
    progress::Progress,
    recorder::{Beside, Recorder},
    rows::{Look, Rows},
    say::say,
    signals::Stop,
};
use crate::{
    collect::Session,
    feed::{Live, Names, live::control::Commands},
    model::Record,
};

/// Events handled before signals and attaching are looked at.
const BATCH: usize = 4096;
/// Pause after the ring was found empty; it doubles up to the longest while nothing happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Where rows go, and what ends the run.
pub(crate) struct Stream {
    /// How rows look.
    pub(crate) look: Look,
    /// Where they go.
    pub(crate) output: Output,
    /// Takes all records too.
    pub(crate) recorder: Option<Recorder>,
    /// What another thread wants to be done.
    pub(crate) commands: Commands,
    /// Packets that are taken up: once these have been and nothing more is heard of them, the run ends.
    pub(crate) most_packets: Option<u32>,
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

/// A run without rows.
pub(crate) struct Recording {
    /// Takes all records.
    pub(crate) recorder: Recorder,
    /// Hits after which the run ends; below as in [`Stream`].
    pub(crate) limit: Option<u64>,
    pub(crate) most_packets: Option<u32>,
    pub(crate) ready_file: Option<PathBuf>,
    pub(crate) caller: Caller,
    pub(crate) stop: Stop,
    pub(crate) verbose: bool,
}

/// What takes the events.
struct Sinks<'a> {
    rows: Option<Rows<'a>>,
    recording: Beside<'a>,
    commands: Commands,
    /// Hits that may still be taken.
    left: u64,
    packets: PacketLimit,
}

/// Runs the trace to its end and says on stderr what became of its events.
pub(crate) fn run(live: Live, stream: Stream) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, backend, .. } = live;
    let Stream { look, output, recorder, commands, limit, most_packets, ready_file, caller, stop, verbose } = stream;
    let rows = Some(Rows::new(&names, &look, Live::clock_offset(), session.probes(), output));
    let mut sinks = Sinks::new(rows, recorder, &names, commands, limit, most_packets);
    let mut start = Start::new(backend.name(), Progress::beside_events(), ready_file, caller, verbose);
    let outcome = drive(&mut session, &mut sinks, &mut start, &stop);
    say_trouble(&names);
    outcome
}

/// Says what could not be found out beside the packets.
pub(super) fn say_trouble(names: &Names) {
    if let Some(trouble) = names.facts.as_ref().and_then(|facts| facts.trouble()) {
        say(format_args!("not all that is known beside the packets could be shown: {trouble}"));
    }
}

/// The same, into a recording alone.
pub(crate) fn record(live: Live, recording: Recording) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, backend, .. } = live;
    let Recording { recorder, limit, most_packets, ready_file, caller, stop, verbose } = recording;
    let mut sinks = Sinks::new(None, Some(recorder), &names, lines::none(), limit, most_packets);
    let mut start = Start::new(backend.name(), Progress::beside_events(), ready_file, caller, verbose);
    drive(&mut session, &mut sinks, &mut start, &stop)
}

fn drive(session: &mut Session, sinks: &mut Sinks<'_>, start: &mut Start, stop: &Stop) -> anyhow::Result<ExitCode> {
    let followed = sinks.write(session, &start.progress).and_then(|()| follow(session, sinks, start, stop));
    start.progress.close();
    let stopped = followed.and(session.stop().map_err(Into::into));
    // What is in the ring is still taken, unless a limit or the output has ended the run.
    let outcome = stopped.and_then(|()| {
        while sinks.take(session) > 0 {
            sinks.write(session, &start.progress)?;
        }
        sinks.write(session, &start.progress)
    });
    let (closed, unwritten) = sinks.close(session);
    finish(session, unwritten, both(outcome, closed))
}

/// Neither what is shown nor the recording may have failed; a reader that has seen enough is no failure.
pub(super) fn both(shown: anyhow::Result<()>, recorded: anyhow::Result<()>) -> anyhow::Result<()> {
    match shown {
        Err(error) if is_closed(&error) => recorded,
        shown => shown.and(recorded),
    }
}

/// Takes events as they come, until a limit is reached or a signal comes. Some rows may be left in the buffer.
fn follow(session: &mut Session, sinks: &mut Sinks<'_>, start: &mut Start, stop: &Stop) -> anyhow::Result<()> {
    let mut pause = SHORTEST_PAUSE;
    while !sinks.have_enough() && !stop.requested() {
        start.update(session)?;
        let taken = sinks.take(session);
        if taken < BATCH || sinks.are_full() {
            sinks.write(session, &start.progress)?;
        }
        pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if taken < BATCH && !sinks.have_enough() {
            session.check()?;
        }
        let wait = if taken < BATCH { pause } else { Duration::ZERO };
        sinks.commands.carry_out(session, wait, |answer| start.progress.around(|| lines::report(answer)));
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

impl<'a> Sinks<'a> {
    fn new(
        rows: Option<Rows<'a>>,
        recorder: Option<Recorder>,
        names: &'a Names,
        commands: Commands,
        limit: Option<u64>,
        most_packets: Option<u32>,
    ) -> Self {
        let (left, packets) = (limit.unwrap_or(u64::MAX), PacketLimit::new(most_packets));
        let recording = Beside::new(recorder, names);
        Self { rows, recording, commands, left, packets }
    }

    /// Takes a batch of the records that wait; returns how many these were.
    fn take(&mut self, session: &mut Session) -> usize {
        let Self { rows, recording, left, packets, .. } = self;
        let most = BATCH.min(usize::try_from(*left).unwrap_or(BATCH));
        let taken = session.poll(most, |record, probes| {
            recording.add(&record, probes);
            packets.record(&record);
            if let Record::Hit(event) = record {
                *left -= 1;
                if let Some(rows) = rows {
                    rows.add(&event, probes);
                }
            }
        });
        packets.heard(taken);
        taken
    }

    /// Brings the recording to its end; with what could not be written, of the rows or of it.
    fn close(&mut self, session: &Session) -> (anyhow::Result<()>, u64) {
        let rows = self.rows.as_ref().map_or(0, Rows::unwritten);
        self.recording.close(session, rows)
    }

    fn have_enough(&self) -> bool {
        self.packets.is_reached() || self.left == 0 || self.recording.is_done()
    }

    fn are_full(&self) -> bool {
        self.rows.as_ref().is_some_and(Rows::is_full) || self.recording.is_full()
    }

    fn write(&mut self, session: &Session, progress: &Progress) -> anyhow::Result<()> {
        self.recording.write(session, progress)?;
        self.rows.as_mut().map_or(Ok(()), |rows| rows.write(progress))
    }
}

/// BPF programs that are traced, as the end of a list; nothing where there are none.
fn programs(session: &Session) -> String {
    match session.traced_programs() {
        0 => String::new(),
        1 => " and 1 BPF program".to_owned(),
        count => format!(" and {count} BPF programs"),
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
        session.take_notes().iter().for_each(say);
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
            "listening at {} functions and tracepoints{} ({}), {} refused; Ctrl-C ends",
            attached.count,
            programs(session),
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
