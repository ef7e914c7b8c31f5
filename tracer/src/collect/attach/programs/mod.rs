//! BPF programs on a packet's way, at the hooks of tc and XDP: each is traced by programs of ours at its entry and end.
//!
//! Those that are loaded when a run begins are found before it listens, later ones within [`watch::PAUSE`]. A thread of its
//! own does that, since loading one may take a while, and since only it has to keep `CAP_SYS_ADMIN`.

pub(in crate::collect) mod hook;
mod watch;

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use hook::{Attachment, Place};

use crate::{
    collect::object::Object,
    model::{Probe, ProbeId},
};

/// How long a run waits for the programs that are there at its start; tracing of the rest begins while it runs.
const FIRST_LOOK: Duration = Duration::from_secs(30);
/// How long the first hit of a program at a place waits for what the links say.
const LINK_LOOK: Duration = Duration::from_millis(500);

/// Which programs to trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those of tc, tcx and netkit.
    pub tc: bool,
    /// Those of XDP.
    pub xdp: bool,
}

impl Wanted {
    /// Any at all.
    pub fn any(self) -> bool {
        self.tc || self.xdp
    }
}

/// What becomes of the programs that are found.
enum News {
    /// One is about to be traced: it can be named before its first hit comes.
    Found { id: u32, name: String },
    /// It is.
    Attached(Traced),
    /// A link attaches the program with this id.
    Link { id: u32, to: Attachment },
    /// What the user should know of one; a sentence.
    Note(String),
    /// All that were there at the start, or when it was asked, have been looked at.
    Looked,
}

/// Our programs at one of theirs, and what keeps them there.
#[derive(Default)]
struct Traced {
    programs: Vec<OwnedFd>,
    links: Vec<OwnedFd>,
}

/// The programs that are traced. Dropping it lets go of all.
pub struct Programs {
    news: Receiver<News>,
    /// Has the thread look at all links; it ends when this is gone.
    asks: Sender<()>,
    names: HashMap<u32, String>,
    links: HashMap<u32, Vec<Attachment>>,
    /// Programs have a probe for each hook that they run at, which places share.
    known: HashMap<(u32, Place), ProbeId>,
    hooks: HashMap<(u32, Option<&'static str>), ProbeId>,
    traced: Vec<Traced>,
    notes: Vec<String>,
}

impl Programs {
    /// Looks for programs, and waits until those that are there now are traced.
    pub fn start(object: Arc<Object>, wanted: Wanted) -> Self {
        let (sender, news) = channel();
        let (asks, asked) = channel();
        watch::start(object, wanted, sender, asked);
        let mut programs = Self::listening(news, asks);
        if !programs.wait(FIRST_LOOK) {
            programs.notes.push("many BPF programs: tracing of the last ones begins later".to_owned());
        }
        programs
    }

    fn listening(news: Receiver<News>, asks: Sender<()>) -> Self {
        Self {
            news,
            asks,
            names: HashMap::new(),
            links: HashMap::new(),
            known: HashMap::new(),
            hooks: HashMap::new(),
            traced: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The probe of the program with this id at this place. A hit may be read before what was said of its program, and of
    /// how it is attached.
    pub fn probe(&mut self, id: u32, place: Place, probes: &mut Vec<Probe>) -> ProbeId {
        if let Some(probe) = self.known.get(&(id, place)) {
            return *probe;
        }
        self.hear();
        if self.asks.send(()).is_ok() {
            self.wait(LINK_LOOK);
        }
        let hook = hook::name(place, self.links.get(&id).map_or(&[], Vec::as_slice));
        let name = self.names.get(&id).cloned().unwrap_or_else(|| format!("prog#{id}"));
        let probe = *self.hooks.entry((id, hook)).or_insert_with(|| {
            probes.push(Probe { name, module: hook.map(str::to_owned), address: id.into(), takes_reason: false });
            ProbeId(probes.len() as u32 - 1)
        });
        self.known.insert((id, place), probe);
        probe
    }

    /// Takes in what has become of programs meanwhile.
    pub fn hear(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            self.note(news);
        }
    }

    /// What the user should know of programs, once: a sentence each.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Programs that are traced.
    pub fn count(&self) -> usize {
        self.traced.len()
    }

    /// Our own programs, for their counts.
    pub fn handles(&self) -> impl Iterator<Item = &OwnedFd> {
        self.traced.iter().flat_map(|traced| &traced.programs)
    }

    /// Takes in news until all has been looked at; false where that takes longer.
    fn wait(&mut self, most: Duration) -> bool {
        let start = Instant::now();
        while let Some(left) = most.checked_sub(start.elapsed()) {
            match self.news.recv_timeout(left) {
                Ok(News::Looked) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(news) => self.note(news),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        false
    }

    fn note(&mut self, news: News) {
        match news {
            News::Found { id, name } => {
                self.names.insert(id, name);
            }
            News::Link { id, to } => {
                let links = self.links.entry(id).or_default();
                if !links.contains(&to) {
                    links.push(to);
                }
            }
            News::Attached(traced) => self.traced.push(traced),
            News::Note(why) => self.notes.push(why),
            News::Looked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tracer_common::event::hook::{EGRESS, INGRESS, NONE};

    use super::*;

    #[test]
    fn hits_are_named_even_when_they_come_before_the_name_is_heard() {
        let (sender, news) = channel();
        let (asks, asked) = channel();
        drop(asked);
        let mut programs = Programs::listening(news, asks);
        let mut probes = Vec::new();
        let at = |hook| Place { hook, ifindex: 3 };
        sender.send(News::Found { id: 7, name: "from_netdev".to_owned() }).unwrap();
        sender.send(News::Link { id: 7, to: Attachment::Tcx { ifindex: 3, egress: false } }).unwrap();
        sender.send(News::Attached(Traced::default())).unwrap();
        sender.send(News::Note("one is not traced".to_owned())).unwrap();
        assert_eq!(programs.probe(7, at(INGRESS), &mut probes), ProbeId(0));
        assert_eq!(programs.probe(9, at(NONE), &mut probes), ProbeId(1));
        assert_eq!(programs.probe(7, at(INGRESS), &mut probes), ProbeId(0));
        assert_eq!(programs.probe(7, at(EGRESS), &mut probes), ProbeId(2));
        let named: Vec<_> = probes.iter().map(|probe| (probe.name.as_str(), probe.module.as_deref())).collect();
        let expected = [("from_netdev", Some("tcx ingress")), ("prog#9", None), ("from_netdev", Some("tc egress"))];
        assert_eq!(named, expected);
        assert_eq!(programs.count(), 1);
        assert_eq!(programs.take_notes(), ["one is not traced"]);
        assert!(programs.take_notes().is_empty());
    }
}
