//! Programs that choose the socket of a new connection (5.9), several in a namespace.

use std::io;

use super::{Kind, Scene, at_netns};
use crate::model::{Attachment, attachment::Section};

/// `BPF_SK_LOOKUP`.
const SK_LOOKUP: u32 = 36;

pub(super) struct SkLookup;

impl Kind for SkLookup {
    fn name(&self) -> &'static str {
        "the socket lookup"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        at_netns(scene, SK_LOOKUP, Section::SkLookup, out)
    }
}
