//! The functions that packets pass.

use super::Tab;
use crate::tui::widget::absent::Absent;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Absent { title: "Functions", line: "Nothing to see here yet: this part of skbtrail is not there." })
}
