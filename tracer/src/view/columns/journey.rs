//! Journey of the packet: what stays the same through NAT, tunnels, clones and namespaces.

use super::{Align, Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Journey;

impl Column for Journey {
    fn name(&self) -> &'static str {
        "journey"
    }

    fn help(&self) -> &'static str {
        "journey of the packet, and behind a dot the number of a clone, copy, segment or fragment"
    }

    fn header(&self) -> &'static str {
        "JOURNEY"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        9
    }

    fn align(&self) -> Align {
        Align::Right
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        let Some(branch) = row.event.branch else { return };
        number::decimal(branch.journey.0, out);
        if branch.parent.is_some() {
            out.push('.');
            number::decimal(branch.number, out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        let Some(branch) = row.event.branch else { return };
        object.number("journey", branch.journey.0);
        object.number("branch", branch.number);
        if let Some(parent) = branch.parent {
            object.number("parent", parent);
        }
        if row.event.first {
            object.truth("first", true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Journey;
    use crate::{
        model::{Branch, JourneyId},
        view::tests::check,
    };

    #[test]
    fn branches_have_their_number_behind_the_journeys() {
        check(&Journey, |_, _| {}, "", "{}");
        let first = Branch { journey: JourneyId(7), number: 7, parent: None };
        check(
            &Journey,
            |event, _| {
                event.branch = Some(first);
                event.first = true;
            },
            "7",
            r#"{"journey":7,"branch":7,"first":true}"#,
        );
        let clone = Branch { number: 9, parent: Some(7), ..first };
        check(&Journey, |event, _| event.branch = Some(clone), "7.9", r#"{"journey":7,"branch":9,"parent":7}"#);
    }
}
