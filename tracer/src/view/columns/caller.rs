//! Who called the function that was hit.

use super::{Column, Context, Object, Row};
use crate::model::EventKind;
use crate::view::escape;

pub(super) struct Caller;

impl Column for Caller {
    fn name(&self) -> &'static str {
        "caller"
    }

    fn help(&self) -> &'static str {
        "function that called the one hit"
    }

    fn header(&self) -> &'static str {
        "CALLER"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        36
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if let Some(address) = address(row) {
            escape(row.context.symbols.text(address).full().as_bytes(), out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if let Some(address) = address(row) {
            object.text("caller", |out| row.write_place(address, out));
        }
    }
}

/// For a drop the same member is the place, which is shown as such.
fn address(row: &Row<'_>) -> Option<u64> {
    row.event.caller.filter(|_| row.event.kind != EventKind::Drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{PLACE, check, make_drop};

    #[test]
    fn callers() {
        check(&Caller, |_, _| (), "", "{}");
        check(
            &Caller,
            |event, _| event.caller = Some(PLACE),
            "nft_do_chain+0x1c2 [nf_tables]",
            r#"{"caller":"nft_do_chain+0x1c2"}"#,
        );
        check(&Caller, |event, _| event.caller = Some(16), "0x10", r#"{"caller":"0x10"}"#);
        check(&Caller, |event, _| make_drop(event), "", "{}");
    }
}
