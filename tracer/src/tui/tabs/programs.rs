//! BPF programs of this machine.

use super::Tab;
use crate::tui::node::{self, Part};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    node::tab("Programs", Part::Programs)
}
