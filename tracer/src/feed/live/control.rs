//! Telling a running trace what to do, from another thread: a terminal's keys, lines on standard input.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use super::Error;
use crate::{collect::Session, filter::Compiled};

/// Commands that may wait; who sends more has to wait itself.
const WAITING: usize = 64;

/// Something to do.
#[derive(Debug)]
pub enum Command {
    /// Put another filter in force, for all hits from now on.
    Filter(Compiled),
}

/// What became of a command.
#[derive(Debug)]
pub enum Answer {
    /// The filter is in force; its hits carry this number.
    Filter {
        /// The number.
        number: u32,
        /// Its text.
        text: String,
    },
    /// It could not be done, and all is as it was.
    Refused(Error),
}

/// The end that sends.
#[derive(Clone, Debug)]
pub struct Control(SyncSender<Command>);

/// The end of whoever drives the trace.
#[derive(Debug)]
pub struct Commands(Receiver<Command>);

/// Both ends.
pub fn control() -> (Control, Commands) {
    let (sender, receiver) = sync_channel(WAITING);
    (Control(sender), Commands(receiver))
}

impl Control {
    /// Sends a command; false where the trace has ended.
    pub fn send(&self, command: Command) -> bool {
        self.0.send(command).is_ok()
    }
}

impl Commands {
    /// Waits for a command, at most so long, and carries out all that have come.
    pub fn carry_out(&self, session: &mut Session, wait: Duration, mut answer: impl FnMut(Answer)) {
        let mut next = self.0.recv_timeout(wait);
        if matches!(next, Err(RecvTimeoutError::Disconnected)) {
            thread::sleep(wait);
        }
        while let Ok(command) = next {
            answer(carry_out(session, command));
            next = self.0.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
    }
}

/// Carries out a command.
pub fn carry_out(session: &mut Session, Command::Filter(mut filter): Command) -> Answer {
    let mut replace = || {
        filter.bind(session.probes())?;
        Ok(session.replace_filter(&filter.program)?)
    };
    match replace() {
        Ok(number) => Answer::Filter { number, text: filter.text },
        Err(error) => Answer::Refused(error),
    }
}
