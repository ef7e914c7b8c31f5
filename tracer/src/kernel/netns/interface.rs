//! Interfaces of a namespace.

use std::{fs::File, io, thread};

use nix::{
    errno::Errno,
    net::if_::{if_nameindex, if_nametoindex},
    sched::{CloneFlags, setns},
};

use super::{Error, Netns, nearest, reach};
use crate::kernel::Root;

/// Index of the interface `name` in a namespace; in that of this process without one.
pub fn interface(root: &Root, netns: Option<&Netns>, name: &str) -> Result<u32, Error> {
    match netns {
        None => index(name),
        Some(netns) => within(reach(root, netns)?, netns.inode, || index(name)),
    }
}

/// Asks from inside a namespace. Only a thread that ends right after goes there: nothing else is moved.
fn within<T: Send>(file: File, inode: u32, ask: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let enter = |error: Errno| Error::Enter { inode, source: error.into() };
    thread::scope(|scope| {
        let asked = scope.spawn(move || {
            setns(file, CloneFlags::CLONE_NEWNET).map_err(enter)?;
            ask()
        });
        asked.join().unwrap_or_else(|_| Err(Error::Enter { inode, source: io::Error::other("the thread failed") }))
    })
}

fn index(name: &str) -> Result<u32, Error> {
    match if_nametoindex(name) {
        Ok(index) => Ok(index),
        Err(Errno::ENODEV | Errno::ENXIO) => Err(Error::Interface { name: name.to_owned(), nearest: nearest_to(name) }),
        Err(error) => Err(Error::Lookup { name: name.to_owned(), source: error.into() }),
    }
}

fn nearest_to(name: &str) -> Option<String> {
    let interfaces = if_nameindex().ok()?;
    let names: Vec<&str> = interfaces.iter().filter_map(|interface| interface.name().to_str().ok()).collect();
    nearest(name, names).map(str::to_owned)
}
