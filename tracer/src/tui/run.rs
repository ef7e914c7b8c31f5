//! The loop, and the threads that send it messages.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use ratatui::crossterm::event;
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP},
    iterator::Signals,
};

use super::{
    App,
    engine::{Answer, Batch, Closed, Sink},
    message::{Message, Wish},
    terminal::Screen,
};

/// Messages that may wait.
const WAITING: usize = 64;
/// Least time between two frames, unless a key was pressed.
const FRAME: Duration = Duration::from_millis(33);
/// The same while frames have more to take in than there is time for: whoever waits for a sorted list waits for it.
const BUSY: Duration = Duration::from_millis(5);

/// The end that messages are sent to.
#[derive(Clone)]
pub struct Mailbox(SyncSender<Message>);

/// The end that they come out of.
pub struct Messages(Receiver<Message>);

/// Both ends.
pub fn mailbox() -> (Mailbox, Messages) {
    let (sender, receiver) = sync_channel(WAITING);
    (Mailbox(sender), Messages(receiver))
}

impl Sink for Mailbox {
    fn offer(&mut self, batch: Batch) -> Result<Option<Batch>, Closed> {
        match self.0.try_send(Message::News(Box::new(batch))) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(Message::News(batch))) => Ok(Some(*batch)),
            Err(_) => Err(Closed),
        }
    }
}

/// Where the engine of drops sends its batches.
pub struct DropBox(pub Mailbox);

impl Sink for DropBox {
    fn offer(&mut self, batch: Batch) -> Result<Option<Batch>, Closed> {
        match self.0.0.try_send(Message::Drops(Box::new(batch))) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(Message::Drops(batch))) => Ok(Some(*batch)),
            Err(_) => Err(Closed),
        }
    }
}

impl Mailbox {
    /// Has the view say what became of something.
    pub fn answer(&self, answer: Answer) {
        let mut batch = Batch::default();
        batch.answers.push(answer);
        // It may have ended already.
        let _ = self.send(Message::News(Box::new(batch)));
    }

    /// Sends a message, waiting for room; false when the view has ended.
    pub(super) fn send(&self, message: Message) -> bool {
        self.0.send(message).is_ok()
    }

    /// Tells the view to end, from whatever thread.
    pub fn end(&self) {
        // It may have ended already.
        let _ = self.0.send(Message::Signal(SIGTERM));
    }

    /// Sends on what is typed and clicked, and signals.
    pub fn listen(&self) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT])?;
        let sender = self.0.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if sender.send(Message::Signal(signal)).is_err() {
                    break;
                }
            }
        })?;
        let sender = self.0.clone();
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            while let Ok(event) = event::read() {
                if sender.send(Message::Input(event)).is_err() {
                    break;
                }
            }
            // Without a terminal nobody can see anything, or end it.
            let _ = sender.send(Message::Signal(SIGHUP));
        })?;
        Ok(())
    }
}

/// Runs the view until it is to end.
pub fn run(app: &mut App<'_>, messages: &Messages, screen: &mut Screen) -> io::Result<()> {
    let mut drawn: Option<Instant> = None;
    loop {
        let now = Instant::now();
        app.state.now = now;
        let due = drawn.map_or(now, |drawn| drawn + if app.is_busy() { BUSY } else { FRAME });
        if app.is_dirty() && now >= due {
            screen.terminal.draw(|frame| app.draw(frame))?;
            drawn = Some(Instant::now());
        }
        let wake = if app.is_dirty() { Some(due) } else { app.next_change() };
        let Some(message) = messages.next(wake)? else {
            app.handle(Message::Tick(Instant::now()));
            continue;
        };
        let input = matches!(message, Message::Input(_));
        app.handle(message);
        // What else has come is taken in before all is drawn once.
        let started = Instant::now();
        while started.elapsed() < FRAME
            && let Some(message) = messages.waiting()
        {
            app.handle(message);
        }
        if input {
            drawn = None;
        }
        for wish in app.take_wishes() {
            match wish {
                Wish::Quit => return Ok(()),
                Wish::Suspend => screen.suspend()?,
                Wish::Redraw => screen.resume()?,
                Wish::Copy(text) => screen.copy(&text)?,
            }
        }
    }
}

impl Messages {
    /// Waits for a message, at most until then.
    fn next(&self, until: Option<Instant>) -> io::Result<Option<Message>> {
        let ended = || io::Error::other("the threads that this view listens to have ended");
        match until {
            None => self.0.recv().map(Some).map_err(|_| ended()),
            Some(until) => match self.0.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => Ok(Some(message)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(ended()),
            },
        }
    }

    /// A message that has come already.
    fn waiting(&self) -> Option<Message> {
        self.0.try_recv().ok()
    }
}
