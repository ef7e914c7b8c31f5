//! What is known beside the packet: who has its addresses, what service it goes to, which programs sit at its device.

use super::{Column, Context, INDENT, Object, Place, Row};
use crate::{
    model::ProgramAt,
    view::{Tone, facts},
};

pub(super) struct Known;

impl Column for Known {
    fn name(&self) -> &'static str {
        "context"
    }

    fn help(&self) -> &'static str {
        "pod, identity and endpoint of the addresses, backends of a service, programs at the device; lines below the row"
    }

    fn header(&self) -> &'static str {
        "CONTEXT"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        0
    }

    fn place(&self) -> Place {
        Place::Below
    }

    fn tone(&self, _row: &Row<'_>) -> Tone {
        Tone::Faint
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        let Some(known) = row.context.facts else { return };
        if let Some(flow) = row.event.headers.flow() {
            facts::ends(known, &flow, |line| {
                out.extend([INDENT, line, "\n"]);
            });
        }
        let programs = programs(row);
        if !programs.is_empty() {
            out.push_str(INDENT);
            facts::programs(&programs, out);
            out.push('\n');
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        let Some(known) = row.context.facts else { return };
        object.object("context", |inner| {
            if let Some(flow) = row.event.headers.flow() {
                facts::ends_json(known, &flow, inner);
            }
            facts::programs_json(&programs(row), inner);
        });
    }
}

fn programs(row: &Row<'_>) -> Vec<ProgramAt> {
    let at = |index| row.context.facts.map(|known| known.programs(row.event.netns, index));
    row.event.ifindex.and_then(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{facts::testing::Few, tests::check};

    #[test]
    fn only_where_it_was_asked_for() {
        check(&Known, |_, _| (), "", "{}");
    }

    #[test]
    fn addresses_and_programs() {
        check(
            &Known,
            |_, context| context.facts = Some(&Few),
            "    10.77.0.1 is pod shop/cart\\x1b, identity 26328, endpoint 45\n    10.77.0.2 is identity 2\n    \
             programs: tcx/ingress cil\\x07(7)\n",
            r#"{"context":{"source":{"owner":"pod shop/cart\\x1b","identity":26328,"endpoint":45},"destination":{"identity":2},"programs":[{"hook":"tcx/ingress","prog_name":"cil\\x07","prog_id":7}]}}"#,
        );
    }
}
