//! tcx (6.6): programs in a row at a device's ingress and egress, before those of clsact.

use std::io;

use super::{Kind, Scene, at_device};
use crate::model::Attachment;

/// `BPF_TCX_INGRESS`, `BPF_TCX_EGRESS`.
const INGRESS: u32 = 46;
const EGRESS: u32 = 47;

pub(super) struct Tcx;

impl Kind for Tcx {
    fn name(&self) -> &'static str {
        "tcx"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        for link in scene.interfaces {
            at_device(&link.device, INGRESS, "tcx/ingress", out)?;
            at_device(&link.device, EGRESS, "tcx/egress", out)?;
        }
        Ok(())
    }
}
