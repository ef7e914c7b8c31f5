//! BPF programs on a packet's way, at the hooks of tc and XDP: each is traced by programs of ours at its entry and end.
//!
//! Those that are loaded when a run begins are found before it listens, later ones within [`watch::PAUSE`]. A thread of its
//! own does that, since loading one may take a while, and since only it has to keep `CAP_SYS_ADMIN`.

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

use crate::{
    collect::object::Object,
    model::{Probe, ProbeId},
};

/// How long a run waits for the programs that are there at its start; tracing of the rest begins while it runs.
const FIRST_LOOK: Duration = Duration::from_secs(30);

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
    /// What the user should know of one; a sentence.
    Note(String),
    /// All that were there at the start have been looked at.
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
    /// The thread ends when this is gone.
    _goes_on: Sender<()>,
    known: HashMap<u32, ProbeId>,
    traced: Vec<Traced>,
    notes: Vec<String>,
}

impl Programs {
    /// Looks for programs, and waits until those that are there now are traced.
    pub fn start(object: Arc<Object>, wanted: Wanted, probes: &mut Vec<Probe>) -> Self {
        let (sender, news) = channel();
        let (goes_on, end) = channel();
        watch::start(object, wanted, sender, end);
        let mut programs =
            Self { news, _goes_on: goes_on, known: HashMap::new(), traced: Vec::new(), notes: Vec::new() };
        programs.wait(probes);
        programs
    }

    /// The probe of the program with this id. A hit may be read before what was said of its program.
    pub fn probe(&mut self, id: u32, probes: &mut Vec<Probe>) -> ProbeId {
        if !self.known.contains_key(&id) {
            self.hear(probes);
        }
        self.known.get(&id).copied().unwrap_or_else(|| self.name(id, format!("prog#{id}"), probes))
    }

    /// Takes in what has become of programs meanwhile.
    pub fn hear(&mut self, probes: &mut Vec<Probe>) {
        while let Ok(news) = self.news.try_recv() {
            self.note(news, probes);
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

    fn wait(&mut self, probes: &mut Vec<Probe>) {
        let start = Instant::now();
        while let Some(left) = FIRST_LOOK.checked_sub(start.elapsed()) {
            match self.news.recv_timeout(left) {
                Ok(News::Looked) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(news) => self.note(news, probes),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.notes.push("many BPF programs: tracing of the last ones begins later".to_owned());
    }

    fn note(&mut self, news: News, probes: &mut Vec<Probe>) {
        match news {
            News::Found { id, name } => {
                self.name(id, name, probes);
            }
            News::Attached(traced) => self.traced.push(traced),
            News::Note(why) => self.notes.push(why),
            News::Looked => {}
        }
    }

    fn name(&mut self, id: u32, name: String, probes: &mut Vec<Probe>) -> ProbeId {
        let probe = ProbeId(probes.len() as u32);
        probes.push(Probe { name, module: None, address: id.into(), takes_reason: false });
        self.known.insert(id, probe);
        probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_named_even_when_they_come_before_the_name_is_heard() {
        let (sender, news) = channel();
        let (goes_on, _end) = channel();
        let mut programs =
            Programs { news, _goes_on: goes_on, known: HashMap::new(), traced: Vec::new(), notes: Vec::new() };
        let mut probes = Vec::new();
        sender.send(News::Found { id: 7, name: "from_netdev".to_owned() }).unwrap();
        sender.send(News::Attached(Traced::default())).unwrap();
        sender.send(News::Note("one is not traced".to_owned())).unwrap();
        assert_eq!(programs.probe(7, &mut probes), ProbeId(0));
        assert_eq!(programs.probe(9, &mut probes), ProbeId(1));
        assert_eq!(programs.probe(7, &mut probes), ProbeId(0));
        let named: Vec<_> = probes.iter().map(|probe| (probe.name.as_str(), probe.address)).collect();
        assert_eq!(named, [("from_netdev", 7), ("prog#9", 9)]);
        assert_eq!(programs.count(), 1);
        assert_eq!(programs.take_notes(), ["one is not traced"]);
        assert!(programs.take_notes().is_empty());
    }
}
