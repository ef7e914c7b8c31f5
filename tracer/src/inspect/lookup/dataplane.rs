//! Questions to Cilium's maps, put by a thread that may, for whoever may not.

use std::{
    io,
    net::IpAddr,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use crate::{
    collect::privileges,
    inspect::{
        Error,
        cilium::{Cilium, Lookup, Wanted},
    },
    kernel::Root,
    model::ServiceFacts,
};

/// Questions that may wait.
const WAITING: usize = 16;

/// Identity and endpoint of an address.
pub(super) type Known = (Option<u32>, Option<u16>);
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
    /// Opens the maps; `None` on a machine without Cilium.
    pub(super) fn start(root: &Root) -> io::Result<Option<Self>> {
        let Ok(cilium) = Cilium::find(root, &Wanted::default()) else { return Ok(None) };
        if cilium.is_empty() {
            return Ok(None);
        }
        let lookup = Lookup::new(cilium);
        let (sender, questions) = sync_channel(WAITING);
        thread::Builder::new().name("cilium".to_owned()).spawn(move || run(&lookup, &questions))?;
        Ok(Some(Self(sender)))
    }

    pub(super) fn address(&self, address: IpAddr) -> Answer<Known> {
        self.ask(|reply| Question::Address(address, reply))
    }

    pub(super) fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Answer<Option<ServiceFacts>> {
        self.ask(|reply| Question::Service(address, port, protocol, reply))
    }

    fn ask<T>(&self, question: impl FnOnce(SyncSender<Answer<T>>) -> Question) -> Answer<T> {
        let gone = || "the thread that asks Cilium's maps has ended".to_owned();
        let (reply, answer) = sync_channel(1);
        self.0.send(question(reply)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn run(lookup: &Lookup, questions: &Receiver<Question>) {
    // Where they cannot be given up the thread has more than it needs, which does no harm to the answers.
    let _ = privileges::drop_all_but_reading_maps();
    for question in questions {
        // Whoever asked may have gone.
        match question {
            Question::Address(address, reply) => drop(reply.send(known(lookup, address).map_err(words))),
            Question::Service(address, port, protocol, reply) => {
                drop(reply.send(service(lookup, address, port, protocol).map_err(words)));
            }
        }
    }
}

fn known(lookup: &Lookup, address: IpAddr) -> Result<Known, Error> {
    let identity = lookup.identity(address)?.map(|entry| entry.identity);
    let endpoint = lookup.endpoint(address)?.filter(|endpoint| !endpoint.is_host()).map(|endpoint| endpoint.id);
    Ok((identity, endpoint))
}

fn service(lookup: &Lookup, address: IpAddr, port: u16, protocol: u8) -> Result<Option<ServiceFacts>, Error> {
    let answer = lookup.service(address, port, protocol)?;
    Ok(answer.map(|answer| ServiceFacts {
        kind: answer.service.kind().to_owned(),
        backends: answer.backends.iter().map(|backend| (backend.address, backend.port)).collect(),
        more: answer.more.into(),
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn words(error: Error) -> String {
    error.to_string()
}
