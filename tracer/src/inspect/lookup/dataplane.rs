//! Questions to the maps of dataplanes, put by a thread that may, for whoever may not.
//!
//! Maps are made anew when a dataplane is upgraded or begins: every few seconds, if somebody asks, the pins are looked at
//! again, and where one leads to another map, or nothing was there, the maps are opened again.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    collect::privileges,
    inspect::{
        Error, balancing, calico,
        cilium::{self, Cilium, Wanted},
        dataplane, maps, merbridge,
    },
    kernel::Root,
    model::ServiceFacts,
};

/// Questions that may wait.
const WAITING: usize = 16;
/// Between two looks at the pins.
const AGAIN: Duration = Duration::from_secs(5);

/// What is known of an address.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Cilium's identity and endpoint.
    pub(super) identity: Option<u32>,
    pub(super) endpoint: Option<u16>,
    /// In the words of Calico's routes.
    pub(super) route: Option<String>,
    /// By Merbridge's connections.
    pub(super) stands_for: Vec<SocketAddr>,
}

/// An answer, or what went wrong, in words.
pub(super) type Answer<T> = Result<T, String>;

enum Question {
    Address(IpAddr, SyncSender<Answer<Known>>),
    Service(IpAddr, u16, u8, SyncSender<Answer<Option<ServiceFacts>>>),
}

/// The thread's other end. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Dataplane(SyncSender<Question>);

impl Dataplane {
    /// Opens the maps of all dataplanes that are here.
    pub(super) fn start(root: Root) -> io::Result<Self> {
        let (sender, questions) = sync_channel(WAITING);
        let maps = Maps::open(root);
        thread::Builder::new().name("dataplanes".to_owned()).spawn(move || run(maps, &questions))?;
        Ok(Self(sender))
    }

    pub(super) fn address(&self, address: IpAddr) -> Answer<Known> {
        self.ask(|reply| Question::Address(address, reply))
    }

    pub(super) fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Answer<Option<ServiceFacts>> {
        self.ask(|reply| Question::Service(address, port, protocol, reply))
    }

    fn ask<T>(&self, question: impl FnOnce(SyncSender<Answer<T>>) -> Question) -> Answer<T> {
        let gone = || "the thread that asks the dataplanes' maps has ended".to_owned();
        let (reply, answer) = sync_channel(1);
        self.0.send(question(reply)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn run(mut maps: Maps, questions: &Receiver<Question>) {
    // Where they cannot be given up the thread has more than it needs, which does no harm to the answers.
    let _ = privileges::drop_all_but_inspecting();
    for question in questions {
        maps.refresh();
        // Whoever asked may have gone.
        match question {
            Question::Address(address, reply) => drop(reply.send(maps.known(address).map_err(words))),
            Question::Service(address, port, protocol, reply) => {
                drop(reply.send(maps.service(address, port, protocol).map_err(words)));
            }
        }
    }
}

/// The maps that questions are put to.
struct Maps {
    root: Root,
    looked: Instant,
    cilium: Option<cilium::Lookup>,
    calico: Option<calico::Lookup>,
    balancing: Option<balancing::Lookup>,
    merbridge: Option<merbridge::Lookup>,
    /// Why some could not be opened, until that has been told.
    trouble: Option<Error>,
}

impl Maps {
    fn open(root: Root) -> Self {
        let bpffs = root.path("/sys/fs/bpf");
        let mut trouble = None;
        let cilium = Cilium::find(&root, &Wanted::default()).map(|cilium| (!cilium.is_empty()).then_some(cilium));
        let cilium = kept(cilium, &mut trouble).map(cilium::Lookup::new);
        let calico = kept(calico::Lookup::find(&bpffs), &mut trouble);
        let balancing = kept(balancing::Lookup::find(&bpffs), &mut trouble);
        let merbridge = kept(merbridge::Lookup::find(&bpffs), &mut trouble);
        Self { root, looked: Instant::now(), cilium, calico, balancing, merbridge, trouble }
    }

    /// Opens them again, if what is there is not what was opened.
    fn refresh(&mut self) {
        if self.looked.elapsed() < AGAIN {
            return;
        }
        self.looked = Instant::now();
        if self.is_empty() || self.is_stale() {
            *self = Self::open(self.root.clone());
        }
    }

    fn is_empty(&self) -> bool {
        let Self { cilium, calico, balancing, merbridge, .. } = self;
        cilium.is_none() && calico.is_none() && balancing.is_none() && merbridge.is_none()
    }

    /// A pin leads to another map than when it was opened, or is gone.
    fn is_stale(&self) -> bool {
        let (cilium, calico, balancing) = (self.cilium.iter(), self.calico.iter(), self.balancing.iter());
        let own = calico.flat_map(calico::Lookup::maps).chain(balancing.flat_map(balancing::Lookup::maps));
        let own = own.chain(self.merbridge.iter().flat_map(merbridge::Lookup::maps));
        let mut lost = cilium.flat_map(cilium::Lookup::maps).map(maps::Found::pin_lost);
        let mut lost_own = own.map(dataplane::Found::pin_lost);
        lost.any(|lost| lost.is_some()) || lost_own.any(|lost| lost.is_some())
    }

    fn known(&mut self, address: IpAddr) -> Result<Known, Error> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        let mut known = Known::default();
        if let Some(cilium) = &self.cilium {
            known.identity = cilium.identity(address)?.map(|entry| entry.identity);
            let endpoint = cilium.endpoint(address)?.filter(|endpoint| !endpoint.is_host());
            known.endpoint = endpoint.map(|endpoint| endpoint.id);
        }
        if let Some(calico) = &self.calico {
            known.route = calico.route(address)?;
        }
        if let Some(merbridge) = &mut self.merbridge {
            known.stands_for = merbridge.stands_for(address)?;
        }
        Ok(known)
    }

    fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Result<Option<ServiceFacts>, Error> {
        if let Some(cilium) = &self.cilium
            && let Some(answer) = cilium.service(address, port, protocol)?
        {
            return Ok(Some(ServiceFacts {
                dataplane: "cilium",
                kind: answer.service.kind().to_owned(),
                backends: answer.backends.iter().map(|backend| (backend.address, backend.port)).collect(),
                more: answer.more.into(),
            }));
        }
        if let Some(calico) = &self.calico
            && let Some(facts) = calico.service(address, port, protocol)?
        {
            return Ok(Some(facts));
        }
        self.balancing.as_ref().map_or(Ok(None), |balancing| balancing.service(address, port, protocol))
    }
}

/// What was found; that nothing could be is the first trouble.
fn kept<T>(found: Result<Option<T>, Error>, trouble: &mut Option<Error>) -> Option<T> {
    found.unwrap_or_else(|error| {
        trouble.get_or_insert(error);
        None
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn words(error: Error) -> String {
    error.to_string()
}
