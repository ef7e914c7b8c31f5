//! What is attached to interfaces.

use super::Tab;
use crate::tui::widget::absent::Absent;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Absent { title: "Net", line: "Nothing to see here yet: this part of skbtrail is not there." })
}
