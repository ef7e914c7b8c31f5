//! Going into one namespace.

use std::{io, thread};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
};

use super::{Error, Netns, reach};
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
