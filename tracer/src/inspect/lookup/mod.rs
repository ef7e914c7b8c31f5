//! What is known of this machine beside its packets, asked for one by one: who has an address, where a service leads, which
//! programs sit at a device.
//!
//! Whoever shows packets asks [`Facts`], and does not know who answers.

mod dataplane;
mod live;
mod machine;
mod soon;

use std::net::IpAddr;

pub use live::Live;
pub use soon::Soon;

use crate::model::{AddressFacts, ProgramAt, ServiceFacts};

/// Answers of a machine. What it does not know is empty; nothing is guessed.
pub trait Facts: Send + Sync {
    /// Who has the address.
    fn address(&self, address: IpAddr) -> AddressFacts;

    /// Where the service at this address, port and protocol leads, if it is one.
    fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Option<ServiceFacts>;

    /// The programs at a device, in order of execution.
    fn programs(&self, netns: Option<u32>, ifindex: u32) -> Vec<ProgramAt>;

    /// What a network namespace goes by, also one that was made only now.
    fn netns(&self, _inode: u32) -> Option<String> {
        None
    }

    /// The first thing that could not be found out, if there was one.
    fn trouble(&self) -> Option<String> {
        None
    }
}
