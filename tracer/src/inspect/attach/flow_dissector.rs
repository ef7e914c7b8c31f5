//! The flow dissector: one program for a namespace, or one for all, in the first.

use std::io;

use super::{Kind, Scene, at_netns};
use crate::model::{Attachment, attachment::Section};

/// `BPF_FLOW_DISSECTOR`.
const FLOW_DISSECTOR: u32 = 17;

pub(super) struct FlowDissector;

impl Kind for FlowDissector {
    fn name(&self) -> &'static str {
        "the flow dissector"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        at_netns(scene, FLOW_DISSECTOR, Section::FlowDissector, out)
    }
}
