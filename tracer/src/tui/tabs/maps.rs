//! BPF maps of this machine, and their entries.

use super::Tab;
use crate::tui::node::{self, Part};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    node::tab("Maps", Part::Maps)
}
