//! `--group`, live and from recordings: a block for each packet when it has reached its end.

use std::{mem, ops::ControlFlow, process::ExitCode};

use super::{
    gather::{Gather, Taker},
    opened::Opened,
    output::Output,
    progress::Progress,
    recorder::Beside,
    rows::{Look, context},
    say::say,
    stream::{self, Start, Stream},
};
use crate::{
    collect::session::Backend,
    feed::{Live, Names},
    model::Probe,
    symbol::Cache,
    track::{Journey, Limits, Tables, Tally, Tracker},
    view::{self, Clock, Story},
};

/// Runs the trace to its end and says on stderr what became of its events.
pub(crate) fn run(live: Live, stream: Stream) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, backend, .. } = live;
    let Stream { look, output, recorder, most_packets, limit, ready_file, caller, stop, verbose, .. } = stream;
    let mut blocks = Blocks::new(&names, &look, Live::clock_offset(), output, limit);
    let limits = limits(backend);
    let mut start = Start::new(backend.name(), Progress::beside_events(), ready_file, caller, verbose);
    let mut recording = Beside::new(recorder, &names);
    let mut gather = Gather::new(Tracker::new(limits), &mut blocks).limited(most_packets);
    let outcome = gather.run(&mut session, &mut start, &mut recording, &stop, None);
    let tally = gather.tracker.tally();
    say_tally(tally, limits);
    stream::say_trouble(&names);
    let (closed, unwritten) = recording.close(&session, tally.hops - blocks.written);
    stream::finish(&session, unwritten, stream::both(outcome, closed))
}

/// The same of recordings.
pub(crate) fn replay(opened: &mut Opened, look: &Look, output: Output, limit: Option<u64>) -> anyhow::Result<()> {
    let names = mem::replace(&mut opened.names, Names::empty());
    let mut blocks = Blocks::new(&names, look, opened.replay.clock_offset(), output, limit);
    opened.gather(&mut blocks).map(drop)
}

/// What the tracker may hold, and for how long.
pub(crate) fn limits(backend: Backend) -> Limits {
    if backend == Backend::Tracepoint { Limits::tracepoints() } else { Limits::default() }
}

/// Says what the reader could not see in the packets themselves.
pub(crate) fn say_tally(tally: Tally, limits: Limits) {
    let Tally { journeys, evicted, idle, left_out, .. } = tally;
    if evicted + left_out > 0 {
        say(format_args!(
            "{evicted} of {journeys} packets given up to make room, {left_out} hits left out of packets that were too long; \
             a narrower filter needs less room"
        ));
    }
    if idle > 0 {
        let seconds = limits.idle / 1_000_000_000;
        say(format_args!("{idle} of {journeys} packets were let go after {seconds} s of silence"));
    }
}

/// Blocks of packets on their way to the output.
struct Blocks<'a> {
    names: &'a Names,
    look: &'a Look,
    symbols: Cache<'a>,
    clock: Clock,
    output: Output,
    buffer: Vec<u8>,
    /// Packets that may still be shown.
    left: u64,
    /// Hits in the buffer, and hits that the output has taken.
    unwritten: u64,
    written: u64,
}

impl<'a> Blocks<'a> {
    fn new(names: &'a Names, look: &'a Look, clock_offset: i64, output: Output, limit: Option<u64>) -> Self {
        Self {
            names,
            look,
            symbols: Cache::new(&names.symbols),
            clock: Clock::new(clock_offset, jiff::tz::TimeZone::system()),
            output,
            buffer: Vec::new(),
            left: limit.unwrap_or(u64::MAX),
            unwritten: 0,
            written: 0,
        }
    }
}

impl Taker for Blocks<'_> {
    fn take(&mut self, journey: &Journey, tables: &Tables, probes: &[Probe]) -> ControlFlow<()> {
        let context = &context(self.names, self.look, &self.clock, &self.symbols, probes);
        let story = Story { journey, tables, context };
        if self.look.json {
            view::journey::json(&story, &mut self.buffer);
        } else {
            view::journey::text(&story, self.look.style, &mut self.buffer);
            self.buffer.push(b'\n');
        }
        self.unwritten += journey.hops.len() as u64;
        self.left -= 1;
        if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self, progress: &Progress) -> anyhow::Result<()> {
        if !self.buffer.is_empty() {
            progress.around(|| self.output.write(&self.buffer))?;
            self.buffer.clear();
            self.written += mem::take(&mut self.unwritten);
        }
        Ok(())
    }
}
