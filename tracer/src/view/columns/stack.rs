//! The kernel stack, innermost frame first.

use super::{Column, Context, Object, Row};
use crate::view::columns::{INDENT, Place};
use crate::view::{Tone, escape, number};

pub(super) struct Stack;

impl Column for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn help(&self) -> &'static str {
        "kernel stack, a frame a line below the row"
    }

    fn header(&self) -> &'static str {
        "STACK"
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
        match stack(row) {
            None => {}
            Some(Ok(frames)) => {
                for &frame in frames {
                    out.push_str(INDENT);
                    write_frame(row, frame, out);
                    out.push('\n');
                }
            }
            Some(Err(error)) => {
                out.push_str(INDENT);
                out.push_str("(no stack: error ");
                number::decimal(error.unsigned_abs(), out);
                out.push_str(")\n");
            }
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        match stack(row) {
            None => {}
            Some(Ok(frames)) => object.list("stack", frames, |&frame, out| write_frame(row, frame, out)),
            Some(Err(error)) => object.number("stack_error", error.unsigned_abs()),
        }
    }
}

fn stack<'a>(row: &Row<'a>) -> Option<&'a Result<Vec<u64>, i32>> {
    row.event.details.as_ref()?.stack.as_ref()
}

fn write_frame(row: &Row<'_>, frame: u64, out: &mut String) {
    escape(row.context.symbols.text(frame).full().as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{PLACE, check, details};

    #[test]
    fn frames_and_errors() {
        check(&Stack, |_, _| (), "", "{}");
        check(
            &Stack,
            |event, _| details(event).stack = Some(Ok(vec![PLACE, 16])),
            "    nft_do_chain+0x1c2 [nf_tables]\n    0x10\n",
            r#"{"stack":["nft_do_chain+0x1c2 [nf_tables]","0x10"]}"#,
        );
        check(
            &Stack,
            |event, _| details(event).stack = Some(Err(-14)),
            "    (no stack: error 14)\n",
            r#"{"stack_error":14}"#,
        );
    }
}
