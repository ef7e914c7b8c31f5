//! What is attached to interfaces, in every network namespace, and how these belong together.

use super::Tab;
use crate::tui::node::{self, Part};

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    node::tab("Net", Part::Net)
}
