//! Interfaces of a namespace.

use nix::{
    errno::Errno,
    net::if_::{if_nameindex, if_nametoindex},
};

use super::{Error, Netns, nearest, within};
use crate::kernel::Root;

/// Index of the interface `name` in a namespace; in that of this process without one.
pub fn interface(root: &Root, netns: Option<&Netns>, name: &str) -> Result<u32, Error> {
    match netns {
        None => index(name),
        Some(netns) => within(root, netns, || index(name)),
    }
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
