//! Answers of the running machine.
//!
//! What takes long to find (devices, programs, owners of addresses) is read by a thread of its own, at the start and again when
//! it is asked for something new, at most once a second; nobody waits for it. What one entry of a map tells is asked for when
//! it is needed, and kept for a few seconds.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Facts,
    dataplane::{Dataplane, Known},
    machine::Machine,
};
use crate::{
    collect::privileges,
    kernel::Root,
    model::{AddressFacts, ProgramAt, ServiceFacts},
};

/// Between two looks at the machine.
const PAUSE: Duration = Duration::from_secs(1);
/// What is older is looked at anew when it is asked for.
const STALE: Duration = Duration::from_secs(5);
/// Answers that are kept.
const KEPT: usize = 65_536;

/// What is known of the running machine.
#[derive(Debug)]
pub struct Live {
    machine: Arc<RwLock<(Instant, Machine)>>,
    again: SyncSender<()>,
    dataplane: Dataplane,
    addresses: Kept<IpAddr, Known>,
    services: Kept<(IpAddr, u16, u8), Option<ServiceFacts>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Live {
    /// Looks at the machine once, and starts the threads that will do so again. Privileges may be dropped then.
    pub fn start(root: Root) -> io::Result<Self> {
        let trouble = Arc::default();
        let machine = Machine::read(&root).unwrap_or_else(|error| {
            note(&trouble, &error.to_string());
            Machine::default()
        });
        let machine = Arc::new(RwLock::new((Instant::now(), machine)));
        let dataplane = Dataplane::start(root.clone())?;
        let (again, asked) = sync_channel(1);
        let reader = Reader { root, machine: Arc::clone(&machine), trouble: Arc::clone(&trouble) };
        thread::Builder::new().name("context".to_owned()).spawn(move || reader.run(&asked))?;
        Ok(Self { machine, again, dataplane, addresses: Kept::new(), services: Kept::new(), trouble })
    }

    fn ask_again(&self) {
        // One question that waits is enough.
        let _ = self.again.try_send(());
    }

    fn with_machine<T>(&self, ask: impl FnOnce(&Machine) -> T) -> T {
        let machine = self.machine.read().unwrap_or_else(PoisonError::into_inner);
        if machine.0.elapsed() > STALE {
            self.ask_again();
        }
        ask(&machine.1)
    }

    /// What dataplanes answer, or nothing; that they could not is noted.
    fn answer<T: Default>(&self, ask: impl FnOnce(&Dataplane) -> Result<T, String>) -> T {
        ask(&self.dataplane).unwrap_or_else(|error| {
            note(&self.trouble, &error);
            T::default()
        })
    }
}

impl Facts for Live {
    fn address(&self, address: IpAddr) -> AddressFacts {
        let known = self.addresses.get(address, || self.answer(|dataplane| dataplane.address(address)));
        let Known { identity, endpoint, route, stands_for } = known;
        let owner = self.with_machine(|machine| machine.owner(address).cloned());
        AddressFacts { owner, identity, endpoint, route, stands_for }
    }

    fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Option<ServiceFacts> {
        let key = (address, port, protocol);
        self.services.get(key, || self.answer(|dataplane| dataplane.service(address, port, protocol)))
    }

    fn programs(&self, netns: Option<u32>, ifindex: u32) -> Vec<ProgramAt> {
        let Some(netns) = netns else { return Vec::new() };
        let found = self.with_machine(|machine| machine.programs((netns, ifindex)).map(<[_]>::to_vec));
        found.unwrap_or_else(|| {
            self.ask_again();
            Vec::new()
        })
    }

    fn netns(&self, inode: u32) -> Option<String> {
        let known = self.with_machine(|machine| machine.netns(inode).map(str::to_owned));
        if known.is_none() {
            self.ask_again();
        }
        known.filter(|name| !name.is_empty())
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The first thing that goes wrong is the one to be told.
fn note(trouble: &Mutex<Option<String>>, what: &str) {
    trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| what.to_owned());
}

/// The thread that looks at the machine.
struct Reader {
    root: Root,
    machine: Arc<RwLock<(Instant, Machine)>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Reader {
    fn run(self, asked: &Receiver<()>) {
        if let Err(error) = privileges::drop_all_but_inspecting() {
            note(&self.trouble, &error.to_string());
        }
        while asked.recv().is_ok() {
            match Machine::read(&self.root) {
                Ok(machine) => {
                    *self.machine.write().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), machine);
                }
                Err(error) => note(&self.trouble, &error.to_string()),
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Answers with the time at which they were given.
#[derive(Debug)]
struct Kept<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K: Copy + Eq + std::hash::Hash, V: Clone> Kept<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, key: K, ask: impl FnOnce() -> V) -> V {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = kept.get(&key).filter(|(time, _)| time.elapsed() < STALE) {
            return value.clone();
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        let value = ask();
        kept.insert(key, (Instant::now(), value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_a_while() {
        let kept = Kept::new();
        assert_eq!(kept.get(1, || 7), 7);
        assert_eq!(kept.get(1, || 8), 7);
        kept.0.lock().unwrap().insert(1, (Instant::now().checked_sub(STALE).unwrap(), 7));
        assert_eq!(kept.get(1, || 9), 9);
    }

    #[test]
    fn the_first_trouble_is_told() {
        let trouble = Mutex::default();
        note(&trouble, "a");
        note(&trouble, "b");
        assert_eq!(trouble.into_inner().unwrap().as_deref(), Some("a"));
    }
}
