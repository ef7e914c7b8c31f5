//! Which filter of the run the packet matched.

use super::{Align, Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Filter;

impl Column for Filter {
    fn name(&self) -> &'static str {
        "filter"
    }

    fn help(&self) -> &'static str {
        "number of the filter that the packet matched, 1 for the first of the run"
    }

    fn header(&self) -> &'static str {
        "FILTER"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        6
    }

    fn align(&self) -> Align {
        Align::Right
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        number::decimal(row.event.generation, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("filter", row.event.generation);
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn filters_are_numbered() {
        check(&super::Filter, |event, _| event.generation = 12, "12", r#"{"filter":12}"#);
    }
}
