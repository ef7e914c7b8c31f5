//! Counters of lost packets that are kept anyway: by the kernel, of CPUs, devices, queueing disciplines, protocols, connection
//! tracking; by Cilium, of its reasons. They tell of drops that no `sk_buff` event shows, since there never was one or nobody looked.
//!
//! A [`Snapshot`] is a look at all of them, in chosen namespaces; [`moved`] says what happened between two. Only counters of
//! losses are read ([`known`]), and those at 0 are not kept.

mod cilium;
mod devices;
mod files;
pub mod known;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Instant,
};

use super::netlink::Netlink;
use crate::{
    kernel::Root,
    model::{Counter, Keeper, Moved},
};
use cilium::Metrics;
use files::Found;
pub use watch::{Scope, Watch};

/// A file below `/proc/thread-self/net`, whose counters it has, and how they are found.
type Source = (&'static str, Keeper, fn(&str) -> Vec<Found>);

/// What can be read from files.
const FILES: [Source; 5] = [
    ("snmp", Keeper::Protocol, files::paired),
    ("netstat", Keeper::Protocol, files::paired),
    ("snmp6", Keeper::Protocol, files::single),
    ("stat/nf_conntrack", Keeper::Conntrack, files::conntrack),
    ("xfrm_stat", Keeper::Xfrm, files::xfrm),
];

/// How the counters stood at one time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When the look began.
    pub at: Instant,
    values: BTreeMap<Counter, u64>,
    /// Namespaces that were looked into.
    namespaces: BTreeSet<u32>,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

impl Snapshot {
    /// Of nothing yet.
    fn begin() -> Self {
        Self { at: Instant::now(), values: BTreeMap::new(), namespaces: BTreeSet::new(), notes: Vec::new() }
    }

    /// Looks at the counters that the machine has once.
    fn read_machine(&mut self, root: &Root) {
        match root.text("/proc/net/softnet_stat") {
            Ok(text) => self.add(Keeper::Softnet, None, files::softnet(&text)),
            Err(error) => self.notes.push(format!("the CPUs' input counters are not shown: {error}")),
        }
    }

    /// Looks at those of Cilium.
    fn read_cilium(&mut self, metrics: &Metrics) {
        let found = metrics.read(&mut self.notes);
        self.add(Keeper::Cilium, None, found);
    }

    /// Looks at those of the namespace that the calling thread is in.
    fn read_namespace(&mut self, root: &Root, inode: u32) {
        for (file, keeper, parse) in FILES {
            // What the kernel was built without has no file.
            if let Ok(text) = root.text(format!("/proc/thread-self/net/{file}")) {
                self.add(keeper, Some(inode), parse(&text));
            }
        }
        if let Err(error) = self.read_devices(inode) {
            self.notes.push(format!("the devices' counters of the network namespace {inode} are not shown: {error}"));
        }
        self.namespaces.insert(inode);
    }

    fn read_devices(&mut self, inode: u32) -> io::Result<()> {
        let mut netlink = Netlink::route()?;
        let (names, found) = devices::devices(&mut netlink)?;
        let qdiscs = devices::qdiscs(&mut netlink, &names)?;
        for (keeper, found) in [(Keeper::Device, found), (Keeper::Qdisc, qdiscs)] {
            let found = found.into_iter().map(|(at, name, value)| (at, name.to_owned(), value));
            self.add(keeper, Some(inode), found);
        }
        Ok(())
    }

    fn add(&mut self, keeper: Keeper, netns: Option<u32>, found: impl IntoIterator<Item = Found>) {
        for (at, name, value) in found {
            if value > 0 {
                *self.values.entry(Counter { keeper, netns, at, name }).or_default() += value;
            }
        }
    }

    /// Namespaces that were looked into.
    pub fn namespaces(&self) -> usize {
        self.namespaces.len()
    }
}

/// The counters that moved between two looks. One that was not there before has begun at 0, unless its whole namespace was not
/// looked into; one that went backwards was begun anew.
pub fn moved(before: &Snapshot, after: &Snapshot) -> Vec<Moved> {
    let known = |counter: &Counter| counter.netns.is_none_or(|netns| before.namespaces.contains(&netns));
    let mut moved = Vec::new();
    for (counter, &now) in after.values.iter().filter(|(counter, _)| known(counter)) {
        let was = before.values.get(counter).copied().unwrap_or(0);
        let by = step(counter.keeper, was, now);
        if by > 0 {
            moved.push(Moved { counter: counter.clone(), by, now });
        }
    }
    moved
}

/// A queueing discipline counts in 32 bits and begins again at 0 when they are used up.
fn step(keeper: Keeper, was: u64, now: u64) -> u64 {
    const WIDTH: u64 = 1 << 32;
    match now.checked_sub(was) {
        Some(by) => by,
        None if keeper == Keeper::Qdisc && was > WIDTH / 4 * 3 && now < WIDTH / 4 => now + WIDTH - was,
        None => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(values: &[(&str, u64)], namespaces: &[u32]) -> Snapshot {
        let mut snapshot = Snapshot { namespaces: namespaces.iter().copied().collect(), ..Snapshot::begin() };
        let found = |(at, value): &(&str, u64)| ((*at).to_owned(), "rx_dropped".to_owned(), *value);
        snapshot.add(Keeper::Device, Some(1), values.iter().map(found));
        snapshot
    }

    #[test]
    fn only_what_moved_is_told() {
        let before = snapshot(&[("a", 5), ("b", 7), ("c", 9), ("gone", 3)], &[1]);
        let after = snapshot(&[("a", 5), ("b", 10), ("c", 2), ("new", 4), ("still", 0)], &[1]);
        let moved = moved(&before, &after);
        let told: Vec<_> = moved.iter().map(|moved| (moved.counter.at.as_str(), moved.by, moved.now)).collect();
        assert_eq!(told, [("b", 3, 10), ("c", 2, 2), ("new", 4, 4)]);
    }

    #[test]
    fn a_namespace_that_was_not_looked_into_tells_nothing_yet() {
        assert_eq!(moved(&snapshot(&[], &[]), &snapshot(&[("a", 5)], &[1])), []);
    }

    #[test]
    fn counters_of_32_bits_begin_again() {
        assert_eq!(step(Keeper::Qdisc, 0xffff_fffe, 3), 5);
        assert_eq!(step(Keeper::Device, 0xffff_fffe, 3), 3);
        assert_eq!(step(Keeper::Qdisc, 10, 3), 3);
    }

    #[test]
    fn this_machine_is_read() {
        let root = Root::system();
        let mut snapshot = Snapshot::begin();
        snapshot.read_machine(&root);
        snapshot.read_namespace(&root, 1);
        assert_eq!(snapshot.notes, [""; 0]);
        assert_eq!(moved(&snapshot, &snapshot), []);
    }
}
