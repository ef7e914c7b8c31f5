//! Counts drops until a signal or the time set ends it, and prints them as often as is asked for.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use super::{Args, by};
use crate::{
    cli::{show::Printer, signals::Stop, stream},
    collect::{Counts, Session},
    feed::{Live, Names},
    inspect::counters::{self, Snapshot, Watch},
    model::{Moved, Record},
    symbol::Cache,
    track::Drops,
    view::{
        Context, Timestamp,
        drops::{self, Report},
    },
};

/// Records handled before signals are looked at.
const BATCH: usize = 4096;
/// Pause after the ring was found empty.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two tables on a terminal, unless `--watch` says otherwise.
const REFRESH: Duration = Duration::from_secs(1);
/// How long the first and the last look at the counters may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts drops to the end of the run.
pub(super) fn run(
    live: Live,
    watch: Option<Watch>,
    mut start: stream::Start,
    stop: &Stop,
    args: &Args,
) -> anyhow::Result<ExitCode> {
    let Live { mut session, names, .. } = live;
    let mut counting = Counting::new(&names, watch, args);
    let outcome = counting.follow(&mut session, &mut start, stop);
    let outcome = outcome.and_then(|()| session.stop().map_err(Into::into)).and_then(|()| {
        while counting.take(&mut session) > 0 {}
        counting.look_again();
        counting.print(&session, None, true)
    });
    stream::finish(&session, 0, outcome)
}

struct Counting<'a> {
    names: &'a Names,
    symbols: Cache<'a>,
    drops: Drops,
    counters: Option<Counters>,
    printer: Printer,
    args: &'a Args,
    refresh: Option<Duration>,
    began: Instant,
    marked: Instant,
}

impl<'a> Counting<'a> {
    fn new(names: &'a Names, watch: Option<Watch>, args: &'a Args) -> Self {
        let printer = Printer::new(&args.show);
        let by_itself = printer.in_place() && args.once.is_none();
        Self {
            names,
            symbols: Cache::new(&names.symbols),
            drops: Drops::new(by(&args.by)),
            counters: watch.map(Counters::new),
            refresh: args.show.watch.or(by_itself.then_some(REFRESH)),
            printer,
            args,
            began: Instant::now(),
            marked: Instant::now(),
        }
    }

    fn follow(&mut self, session: &mut Session, start: &mut stream::Start, stop: &Stop) -> anyhow::Result<()> {
        start.update(session)?;
        self.began = Instant::now();
        self.marked = self.began;
        while !stop.requested() && self.args.once.is_none_or(|time| self.began.elapsed() < time) {
            let taken = self.take(session);
            if let Some(counters) = &mut self.counters {
                counters.hear(Duration::ZERO);
            }
            if self.refresh.is_some_and(|every| self.marked.elapsed() >= every) {
                self.print_again(session)?;
            }
            if taken < BATCH {
                session.check()?;
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// Takes a batch of the drops that wait; returns how many these were.
    fn take(&mut self, session: &mut Session) -> usize {
        session.poll(BATCH, |record, _| {
            if let Record::Hit(event) = record {
                self.drops.add(&event);
            }
        })
    }

    fn print_again(&mut self, session: &Session) -> anyhow::Result<()> {
        let recent = self.marked.elapsed();
        self.marked = Instant::now();
        self.drops.mark();
        if let Some(counters) = &mut self.counters {
            counters.watch.ask();
        }
        self.print(session, Some(recent), false)
    }

    /// Has the counters read once more, and waits for that.
    fn look_again(&mut self) {
        if let Some(counters) = &mut self.counters {
            counters.hear(PATIENCE);
            counters.watch.ask();
            counters.hear(PATIENCE);
        }
    }

    fn print(&self, session: &Session, recent: Option<Duration>, last: bool) -> anyhow::Result<()> {
        let context = Context {
            probes: session.probes(),
            symbols: &self.symbols,
            reasons: &self.names.reasons,
            namespaces: &self.names.namespaces,
            clock: None,
            metadata: &[],
            facts: None,
            timestamp: Timestamp::None,
            tcp_flags: false,
        };
        let counts = session.counts()?;
        let mut notes = shortfalls(&counts);
        notes.extend(self.counters.iter().flat_map(Counters::notes));
        let report = Report {
            drops: &self.drops,
            elapsed: self.began.elapsed(),
            recent,
            moved: self.counters.as_ref().and_then(Counters::moved),
            notes: &notes,
            context: &context,
            top: if self.args.top == 0 { usize::MAX } else { self.args.top },
            stacks: self.args.stack,
        };
        let tables = if self.args.show.json { drops::json(&report) } else { drops::text(&report) };
        if last { self.printer.print_last(&tables) } else { self.printer.print_again(&tables, false) }
    }
}

/// Drops that are not in the table.
fn shortfalls(counts: &Counts) -> Vec<String> {
    let mut notes = Vec::new();
    let lost = counts.ring_full + counts.undecodable;
    if lost > 0 {
        notes.push(format!("{lost} more drops are not in the table: the ring was full (--ring-size)"));
    }
    if counts.undecidable > 0 {
        notes.push(format!(
            "{} more drops could not be judged by the filter: headers, device or namespace were not known there",
            counts.undecidable
        ));
    }
    notes
}

/// The kernel's counters, from the start of the run on.
struct Counters {
    watch: Watch,
    before: Option<Snapshot>,
    latest: Vec<String>,
    /// What moved between the first look and the last, and how long after the one the other was.
    moved: Option<(Vec<Moved>, Duration)>,
}

impl Counters {
    /// Takes the look that later ones are compared with.
    fn new(mut watch: Watch) -> Self {
        watch.ask();
        let before = watch.answer(PATIENCE);
        let latest = before.as_ref().map_or_else(Vec::new, |snapshot| snapshot.notes.clone());
        Self { watch, before, latest, moved: None }
    }

    /// Takes a look that was asked for, when it is done.
    fn hear(&mut self, wait: Duration) {
        let Some(snapshot) = self.watch.answer(wait) else { return };
        self.latest.clone_from(&snapshot.notes);
        match &self.before {
            Some(before) => {
                self.moved = Some((counters::moved(before, &snapshot), snapshot.at.duration_since(before.at)));
            }
            None => self.before = Some(snapshot),
        }
    }

    fn moved(&self) -> Option<(&[Moved], Duration)> {
        self.moved.as_ref().map(|(moved, time)| (moved.as_slice(), *time))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.latest.clone();
        if self.before.is_none() {
            notes.push("the kernel's counters could not be read in time, so none is shown".to_owned());
        }
        notes
    }
}
