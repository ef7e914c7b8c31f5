//! The engine of a running trace.

use std::{
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use super::{Answer, Gather, Order, Outbox, Sink, Status, Tape, TapeMaker, rates::Rates};
use crate::{
    collect::{Session, counts::Counts, session::RunTime},
    feed::{Names, Source as _, live::control},
    model::Record,
};

/// Records handled before orders are looked at.
const BATCH: usize = 4096;
/// Pause after the ring was found empty; it doubles up to the longest while nothing happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Between two batches: more of them would only be drawn over.
const BATCH_EVERY: Duration = Duration::from_millis(40);
/// Between two looks at the counts.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// A running trace with what records it.
pub struct Running {
    /// The trace.
    pub session: Session,
    /// What names things.
    pub names: Arc<Names>,
    /// The filter in force, as typed.
    pub filter: String,
    /// Opens recordings.
    pub tapes: Box<dyn TapeMaker>,
    /// What the programs cost is counted.
    pub run_time: Option<RunTime>,
}

/// The engine.
pub struct Engine<S> {
    running: Running,
    gather: Gather,
    outbox: Outbox<S>,
    orders: Receiver<Order>,
    tape: Option<(Box<dyn Tape>, String)>,
    status: Status,
    rates: Rates,
    looked: Option<Instant>,
    sent: Instant,
}

impl<S: Sink> Engine<S> {
    /// Takes over a running trace.
    pub fn new(running: Running, gather: Gather, outbox: Outbox<S>, orders: Receiver<Order>) -> Self {
        let (status, rates, sent) = (Status::default(), Rates::new(), Instant::now());
        Self { running, gather, outbox, orders, tape: None, status, rates, looked: None, sent }
    }

    /// Works until it is told to quit, or until nobody listens; then all is detached. The last counts.
    /// A first order is carried out before the first record is taken.
    pub fn run(mut self, first: Option<Order>) -> Option<Counts> {
        if let Some(Order::Record(path)) = first {
            let answer = self.record(&path);
            self.outbox.batch.answers.push(answer);
        }
        let mut pause = SHORTEST_PAUSE;
        loop {
            let taken = self.poll();
            self.look(taken);
            self.write_tape();
            if self.sent.elapsed() >= BATCH_EVERY {
                self.sent = Instant::now();
                if self.outbox.send().is_err() {
                    break;
                }
            }
            pause = if taken > 0 { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            if self.obey(if taken < BATCH { pause } else { Duration::ZERO }) {
                break;
            }
        }
        if let Some(Answer::Recorded(sentence)) = self.end_tape() {
            self.outbox.batch.notes.push(sentence);
        }
        // Nobody may be there to hear of it.
        let _ = self.outbox.send();
        self.running.session.stop().ok()?;
        self.running.session.counts().ok()
    }

    fn poll(&mut self) -> usize {
        let Self { running: Running { session, names, .. }, gather, tape, .. } = self;
        let now = session.now();
        let polled = session.poll(BATCH, |record: Record, probes| {
            if let Some((tape, _)) = tape {
                tape.add(&record, &names.naming(probes));
            }
            gather.record(&record, probes);
        });
        // Read before the ring was: what comes later is younger.
        if let (0, Some(now)) = (polled, now) {
            gather.tick(now);
        }
        gather.drain(session.probes(), &mut self.outbox.batch);
        polled
    }

    /// Carries out orders that wait, after waiting for one at most so long; whether to quit.
    fn obey(&mut self, wait: Duration) -> bool {
        let mut next = self.orders.recv_timeout(wait).ok();
        while let Some(order) = next {
            let answer = match order {
                Order::Quit => return true,
                Order::Filter(filter) => Some(self.replace(control::Command::Filter(*filter))),
                Order::Record(path) => Some(self.record(&path)),
                Order::EndRecording => self.end_tape(),
                Order::ReadFrom(_) => None,
            };
            self.outbox.batch.answers.extend(answer);
            self.looked = None;
            next = self.orders.try_recv().ok();
        }
        false
    }

    fn replace(&mut self, command: control::Command) -> Answer {
        match control::carry_out(&mut self.running.session, command) {
            control::Answer::Filter { text, .. } => {
                self.running.filter.clone_from(&text);
                Answer::Filter(text)
            }
            control::Answer::Refused(error) => Answer::Refused(format!("the filter stays as it was: {error}")),
        }
    }

    fn record(&mut self, path: &std::path::Path) -> Answer {
        let Running { session, names, filter, tapes, .. } = &mut self.running;
        match tapes.open(path, filter, &names.naming(session.probes())) {
            Ok(tape) => {
                let name = path.display().to_string();
                self.tape = Some((tape, name.clone()));
                Answer::Recording(name)
            }
            Err(error) => Answer::Refused(format!("no recording: {error:#}")),
        }
    }

    fn write_tape(&mut self) {
        let Running { session, names, .. } = &self.running;
        let Some((tape, name)) = &mut self.tape else { return };
        if let Err(error) = tape.write(&names.naming(session.probes()), &|| session.counts().ok()) {
            let sentence = format!("the recording `{name}` has ended: {error:#}");
            self.outbox.batch.answers.push(Answer::Recorded(sentence));
            self.tape = None;
            self.looked = None;
        }
    }

    fn end_tape(&mut self) -> Option<Answer> {
        let (mut tape, name) = self.tape.take()?;
        let Running { session, names, .. } = &self.running;
        let counts = session.counts().unwrap_or_default();
        let finished = tape.finish(&names.naming(session.probes()), &counts);
        Some(Answer::Recorded(match finished {
            Ok(sentence) => format!("`{name}`: {sentence}"),
            Err(error) => format!("the recording `{name}` could not be ended: {error:#}"),
        }))
    }

    /// Looks at the counts from time to time.
    fn look(&mut self, taken: usize) {
        if self.looked.is_some_and(|looked| looked.elapsed() < STATUS_EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        let session = &mut self.running.session;
        self.outbox.batch.notes.extend(session.take_notes());
        if taken < BATCH
            && let Err(error) = session.check()
        {
            self.status.ended = Some(error.to_string());
        }
        let status = self.status();
        if status != self.status {
            self.status = status.clone();
            self.outbox.batch.status = Some(status);
        }
    }

    fn status(&mut self) -> Status {
        let (hits, packets) = (self.gather.hits, self.gather.tracker().tally().journeys);
        let counted = self.running.run_time.is_some();
        let session = &mut self.running.session;
        let run_time = if counted { session.run_time() } else { None };
        let (rates, cost) = self.rates.next(hits, packets, run_time);
        let attaching = session.progress();
        let attached = session.attached();
        let refused = attached.refused.iter().map(|refused| format!("{}: {}", refused.function, refused.error));
        Status {
            hits,
            packets,
            rates,
            cost,
            attaching,
            attached: attached.count,
            refused: refused.collect(),
            programs: session.traced_programs(),
            counts: session.counts().ok(),
            open: self.gather.tracker().open().count(),
            tally: self.gather.tracker().tally(),
            tape: self.tape.as_ref().map(|(_, name)| name.clone()),
            ended: self.status.ended.clone(),
            ..Status::default()
        }
    }
}
