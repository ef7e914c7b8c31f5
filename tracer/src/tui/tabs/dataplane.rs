//! Maps of Cilium, Calico, Merbridge and Balancing, with their entries in their meaning.

use super::Tab;
use crate::tui::node::{self, Part};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    node::tab("Dataplane", Part::Dataplane)
}
