//! Which BPF program ran, and its verdict.

use super::{Column, Context, Object, Row};
use crate::view::{Tone, escape, returned};

pub(super) struct Program;

impl Column for Program {
    fn name(&self) -> &'static str {
        "program"
    }

    fn help(&self) -> &'static str {
        "BPF program of tc or XDP that ran (its hook and id), and its verdict"
    }

    fn header(&self) -> &'static str {
        "PROGRAM"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        24
    }

    fn tone(&self, row: &Row<'_>) -> Tone {
        tone(row)
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if row.program_id().is_some() {
            row.write_program(out);
            out.push(' ');
            row.write_verdict(out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        let Some(id) = row.program_id() else { return };
        object.number("prog_id", id);
        if let Some(probe) = row.probe() {
            object.text("prog_name", |out| escape(probe.name.as_bytes(), out));
            if let Some(hook) = &probe.module {
                object.foreign("attach", hook.as_bytes());
            }
        }
        object.text("verdict", |out| row.write_verdict(out));
    }
}

/// A packet that a program gives up is dropped, whatever the kernel says of it.
pub(super) fn tone(row: &Row<'_>) -> Tone {
    let dropped = row.event.returned.is_some_and(|value| returned::is_drop(row.event.kind, value));
    if dropped { Tone::Drop } else { Tone::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{check, make_program_hit};

    #[test]
    fn programs_and_verdicts() {
        check(&Program, |_, _| (), "", "{}");
        check(
            &Program,
            |event, _| make_program_hit(event),
            "tc:123 TC_ACT_SHOT",
            r#"{"prog_id":123,"prog_name":"cil_from_netdev","verdict":"TC_ACT_SHOT"}"#,
        );
        check(
            &Program,
            |event, _| {
                make_program_hit(event);
                (event.kind, event.returned) = (crate::model::EventKind::Xdp, Some(77));
            },
            "xdp:123 77",
            r#"{"prog_id":123,"prog_name":"cil_from_netdev","verdict":"77"}"#,
        );
        check(
            &Program,
            |event, _| {
                make_program_hit(event);
                event.returned = Some(-5i32 as u32);
            },
            "tc:123 -5",
            r#"{"prog_id":123,"prog_name":"cil_from_netdev","verdict":"-5"}"#,
        );
    }
}
