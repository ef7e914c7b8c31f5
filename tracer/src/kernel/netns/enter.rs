//! Going into a namespace, and finding all there are.

use std::{collections::BTreeMap, io, thread};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
};

use super::{Error, Netns, at, paths, reach};
use crate::kernel::Root;

/// Asks from inside a namespace. Only a thread that ends right after goes there: nothing else is moved.
pub fn within<T: Send>(root: &Root, netns: &Netns, ask: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let (file, inode) = (reach(root, netns)?, netns.inode);
    let enter = |error: Errno| Error::Enter { inode, source: error.into() };
    thread::scope(|scope| {
        let asked = scope.spawn(move || {
            setns(file, CloneFlags::CLONE_NEWNET).map_err(enter)?;
            ask()
        });
        asked.join().unwrap_or_else(|_| Err(Error::Enter { inode, source: io::Error::other("the thread failed") }))
    })
}

/// All namespaces that a name or a process leads to, by inode, each once.
pub fn all(root: &Root) -> Vec<Netns> {
    let mut found = BTreeMap::new();
    for netns in paths(root).filter_map(|path| at(path).ok()) {
        found.entry(netns.inode).or_insert(netns);
    }
    found.into_values().collect()
}
