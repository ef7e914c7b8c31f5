//! Why the packet was dropped, and where.

use super::{Column, Context, Object, Row};
use crate::view::Tone;

pub(super) struct Drop;

impl Column for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn help(&self) -> &'static str {
        "drop reason and, at the drop itself, its place"
    }

    fn header(&self) -> &'static str {
        "DROP"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        36
    }

    fn tone(&self, _row: &Row<'_>) -> Tone {
        Tone::Drop
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        row.write_drop(out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        let (reason, place) = (row.event.reason, row.drop_place());
        if reason.is_none() && place.is_none() {
            return;
        }
        object.object("drop", |inner| {
            if let Some(code) = reason {
                inner.text("reason", |out| row.write_reason(code, out));
                inner.number("code", code);
            }
            if let Some(address) = place {
                inner.text("place", |out| row.write_place(address, out));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{check, make_drop};

    #[test]
    fn drops_and_functions_with_a_reason() {
        check(&Drop, |_, _| (), "", "{}");
        check(
            &Drop,
            |event, _| make_drop(event),
            "NETFILTER_DROP at nft_do_chain+0x1c2",
            r#"{"drop":{"reason":"NETFILTER_DROP","code":6,"place":"nft_do_chain+0x1c2"}}"#,
        );
        check(&Drop, |event, _| event.reason = Some(77), "77", r#"{"drop":{"reason":"77","code":77}}"#);
        check(
            &Drop,
            |event, _| event.reason = Some(0x3_0009),
            "0x30009",
            r#"{"drop":{"reason":"0x30009","code":196617}}"#,
        );
    }

    #[test]
    fn old_kernels_give_no_reason() {
        let no_reason = |event: &mut crate::model::Event, _: &mut Context<'_>| {
            make_drop(event);
            event.reason = None;
        };
        check(&Drop, no_reason, "at nft_do_chain+0x1c2", r#"{"drop":{"place":"nft_do_chain+0x1c2"}}"#);
    }
}
