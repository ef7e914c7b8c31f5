//! The thread that reads counters: it alone keeps the right to enter other namespaces.
//!
//! It goes into one after the other, at each look anew, so that none is kept alive by being watched.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use super::{Metrics, Snapshot};
use crate::{
    collect::privileges,
    kernel::{
        Root,
        netns::{self, Netns},
    },
};

/// Namespaces to look into.
#[derive(Clone, Debug)]
pub enum Scope {
    /// That of this process.
    Own,
    /// Those chosen.
    Chosen(Vec<Netns>),
    /// All that a name or a process leads to.
    All,
}

/// The thread's other end. It ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    questions: SyncSender<()>,
    answers: Receiver<Snapshot>,
    asked: bool,
}

impl Watch {
    /// Starts the thread; privileges may be dropped by all others then.
    pub fn start(root: Root, scope: Scope) -> io::Result<Self> {
        let (questions, asked) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let places = Places { metrics: Metrics::find(&root), root, scope };
        thread::Builder::new().name("counters".to_owned()).spawn(move || run(&places, &asked, &answer))?;
        Ok(Self { questions, answers, asked: false })
    }

    /// Asks for a look, unless one is on its way.
    pub fn ask(&mut self) {
        self.asked = self.asked || self.questions.try_send(()).is_ok();
    }

    /// The look that was asked for, when it is done; waits for it at most so long.
    pub fn answer(&mut self, wait: Duration) -> Option<Snapshot> {
        if !self.asked {
            return None;
        }
        match self.answers.recv_timeout(wait) {
            Ok(snapshot) => {
                self.asked = false;
                Some(snapshot)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }
}

/// What is looked at.
struct Places {
    root: Root,
    scope: Scope,
    metrics: Option<Metrics>,
}

fn run(places: &Places, asked: &Receiver<()>, answer: &SyncSender<Snapshot>) {
    let refused = match places.scope {
        Scope::Own if places.metrics.is_none() => privileges::drop_all(),
        Scope::Own => privileges::drop_all_but_reading_maps(),
        Scope::Chosen(_) | Scope::All => privileges::drop_all_but_entering(),
    };
    while asked.recv().is_ok() {
        let mut snapshot = look(places);
        if let Err(error) = &refused {
            snapshot.notes.push(format!("failed to give up privileges: {error}"));
        }
        if answer.send(snapshot).is_err() {
            return;
        }
    }
}

fn look(places: &Places) -> Snapshot {
    let root = &places.root;
    let mut snapshot = Snapshot::begin();
    snapshot.read_machine(root);
    if let Some(metrics) = &places.metrics {
        snapshot.read_cilium(metrics);
    }
    match &places.scope {
        Scope::Own => match netns::own(root) {
            Ok(own) => snapshot.read_namespace(root, own.inode),
            Err(error) => snapshot.notes.push(format!("counters of this network namespace are not shown: {error}")),
        },
        Scope::Chosen(chosen) => chosen.iter().for_each(|netns| enter(root, netns, &mut snapshot)),
        Scope::All => {
            for place in netns::places(root) {
                enter(root, &place.netns, &mut snapshot);
            }
        }
    }
    snapshot
}

fn enter(root: &Root, netns: &Netns, snapshot: &mut Snapshot) {
    let read = netns::within(root, netns, || {
        snapshot.read_namespace(root, netns.inode);
        Ok(())
    });
    // One that has gone since it was listed has nothing to tell.
    if let Err(error) = read
        && !error.is_gone()
    {
        snapshot.notes.push(format!("counters are not shown: {error}"));
    }
}
