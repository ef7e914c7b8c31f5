//! netkit (6.7): programs at the two ends of a device pair; both are attached at the primary end.

use std::io;

use super::{Kind, Scene, at_device};
use crate::model::Attachment;

/// `BPF_NETKIT_PRIMARY`, `BPF_NETKIT_PEER`.
const PRIMARY: u32 = 54;
const PEER: u32 = 55;

pub(super) struct Netkit;

impl Kind for Netkit {
    fn name(&self) -> &'static str {
        "netkit"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        for link in scene.interfaces.iter().filter(|link| link.kind == "netkit") {
            for (hook, name) in [(PRIMARY, "netkit/primary"), (PEER, "netkit/peer")] {
                match at_device(&link.device, hook, name, out) {
                    // The peer end has no programs of its own.
                    Err(error) if error.raw_os_error() == Some(libc::EACCES) => {}
                    result => result?,
                }
            }
        }
        Ok(())
    }
}
