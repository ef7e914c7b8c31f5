//! What is attached, loaded and kept in a running kernel: hooks and their programs, maps and their entries.
//!
//! It only reads. Nothing here traces, prints, or changes the machine; what a row looks like is decided in `view`. Whatever
//! a map or a namespace holds, memory is bounded: entries are handed out one at a time.

mod attach;
mod attached;
pub mod balancing;
pub mod calico;
pub mod cgroups;
pub mod cilium;
pub mod counters;
pub mod dataplane;
mod error;
mod fdinfo;
pub mod hooks;
mod interfaces;
mod links;
pub mod lookup;
pub mod maps;
pub mod merbridge;
pub mod net;
mod netlink;
pub mod owners;
pub mod pins;
pub mod pods;
pub mod programs;
pub mod sock_maps;
mod sys;

pub use error::Error;
pub use lookup::Facts;
