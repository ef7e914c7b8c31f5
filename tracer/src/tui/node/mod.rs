//! What is attached, loaded and kept in the running kernel, beside the packets: read by a thread of its own while a tab shows
//! it, and handed to the view as tables.
//!
//! The thread is started while the process still may look at all of it; who reads is handed in ([`NodeSource`]). It is asked for
//! one part at a time, not more often than is cheap.

mod sheets;
mod tab;

use std::{
    collections::HashMap,
    io,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::tab::tab;
use super::{message::Message, run::Mailbox};
use crate::view::Table;

/// Least time between two looks at a part.
const PAUSE: Duration = Duration::from_secs(2);
/// A look is repeated after so many times of what it took: it costs less than a fiftieth of one CPU.
const COST: u32 = 50;
/// Most time between two looks.
const LONGEST: Duration = Duration::from_hours(1);
/// Parts whose pages are kept.
const PAGES: usize = 8;

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What is attached in network namespaces, and their interfaces.
    Net,
    /// BPF programs.
    Programs,
    /// BPF maps.
    Maps,
    /// Maps of known dataplanes.
    Dataplane,
    /// The entries of this map.
    Entries(u32),
    /// Counters of losses that moved.
    Counters,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Tables under their titles.
    pub tables: Vec<Table>,
    /// What there is to say beside them, sentences.
    pub notes: Vec<String>,
}

/// Who looks.
pub trait NodeSource: Send {
    /// The thread has begun: what it does not need can be given up.
    fn begin(&mut self) {}

    /// Looks at a part.
    fn read(&mut self, part: Part) -> anyhow::Result<Page>;
}

/// What the thread has found.
#[derive(Debug)]
pub struct Told {
    /// What was asked for.
    pub part: Part,
    /// What was found, or why not, a sentence.
    pub page: Result<Page, String>,
    /// How long it took.
    pub took: Duration,
}

/// The thread's other end, with what it has told so far. The thread ends when this is dropped.
#[derive(Debug)]
pub struct Node {
    questions: SyncSender<Part>,
    asked: Option<Part>,
    known: HashMap<Part, Known>,
}

#[derive(Debug)]
struct Known {
    page: Result<Page, String>,
    took: Duration,
    at: Instant,
    /// Counts on whenever the page is another one.
    version: u64,
    /// It is to be read again as soon as it is looked at.
    stale: bool,
}

impl Node {
    /// Starts the thread.
    pub fn start(mut source: Box<dyn NodeSource>, mailbox: Mailbox) -> io::Result<Self> {
        let (questions, asked) = sync_channel(1);
        let work = move || {
            source.begin();
            while let Ok(part) = asked.recv() {
                let started = Instant::now();
                let page = source.read(part).map_err(|error| format!("{error:#}"));
                let told = Told { part, page, took: started.elapsed() };
                if !mailbox.send(Message::Node(Box::new(told))) {
                    break;
                }
            }
        };
        thread::Builder::new().name("node".to_owned()).spawn(work)?;
        Ok(Self::new(questions))
    }

    /// Whoever hears the questions answers by messages.
    pub fn new(questions: SyncSender<Part>) -> Self {
        Self { questions, asked: None, known: HashMap::new() }
    }

    /// Asks for a part, if it is time for that.
    pub fn want(&mut self, part: Part, now: Instant) {
        if self.asked.is_some() || self.due(part).is_some_and(|due| now < due) {
            return;
        }
        match self.questions.try_send(part) {
            Ok(()) => self.asked = Some(part),
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => {
                let page = Err("the thread that looks at this machine has ended".to_owned());
                self.take(Told { part, page, took: Duration::MAX / (2 * COST) }, now);
            }
        }
    }

    /// Has a part read again as soon as it is looked at.
    pub fn refresh(&mut self, part: Part) {
        if let Some(known) = self.known.get_mut(&part) {
            known.stale = true;
        }
    }

    /// Takes what the thread has told.
    pub fn take(&mut self, told: Told, now: Instant) {
        let Told { part, page, took } = told;
        self.asked = self.asked.filter(|asked| *asked != part);
        let before = self.known.get(&part);
        let version = match before {
            Some(before) if before.page == page => before.version,
            before => before.map_or(1, |before| before.version + 1),
        };
        self.known.insert(part, Known { page, took, at: now, version, stale: false });
        if self.known.len() > PAGES
            && let Some(oldest) = self.known.iter().min_by_key(|(_, known)| known.at).map(|(part, _)| *part)
        {
            self.known.remove(&oldest);
        }
    }

    /// The page of a part, with its version.
    pub fn page(&self, part: Part) -> Option<(&Result<Page, String>, u64)> {
        self.known.get(&part).map(|known| (&known.page, known.version))
    }

    /// How long it took to read.
    pub fn took(&self, part: Part) -> Option<Duration> {
        self.known.get(&part).map(|known| known.took)
    }

    /// When a part is to be read again; `None` for now.
    pub fn due(&self, part: Part) -> Option<Instant> {
        let known = self.known.get(&part).filter(|known| !known.stale)?;
        Some(known.at + known.took.saturating_mul(COST).clamp(PAUSE, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_one_at_a_time_and_not_too_often() {
        let (questions, asked) = sync_channel(1);
        let (mut node, now) = (Node::new(questions), Instant::now());
        node.want(Part::Net, now);
        node.want(Part::Maps, now);
        assert_eq!((asked.try_recv(), asked.try_recv().ok()), (Ok(Part::Net), None));
        let told = |note: &str| Told {
            part: Part::Net,
            page: Ok(Page { notes: vec![note.to_owned()], ..Page::default() }),
            took: Duration::from_millis(100),
        };
        node.take(told("a"), now);
        assert_eq!(node.page(Part::Net).map(|(_, version)| version), Some(1));
        node.want(Part::Net, now + Duration::from_secs(4));
        assert_eq!(asked.try_recv().ok(), None, "it took a tenth of a second, so five seconds are due");
        node.want(Part::Net, now + Duration::from_secs(6));
        assert_eq!(asked.try_recv(), Ok(Part::Net));
        node.take(told("a"), now);
        assert_eq!(node.page(Part::Net).map(|(_, version)| version), Some(1), "nothing has changed");
        node.refresh(Part::Net);
        node.want(Part::Net, now);
        assert_eq!(asked.try_recv(), Ok(Part::Net));
        drop(asked);
        node.want(Part::Maps, now);
        node.take(told("b"), now);
        node.want(Part::Maps, now);
        assert!(node.page(Part::Maps).is_some_and(|(page, _)| page.is_err()));
        assert_eq!(node.page(Part::Net).map(|(_, version)| version), Some(2));
    }
}
