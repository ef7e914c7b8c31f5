//! `skb->len`: what the layer at hand sees of the packet.

use super::{Column, Context, Object, Row};
use crate::view::{columns::Align, number};

pub(super) struct Len;

impl Column for Len {
    fn name(&self) -> &'static str {
        "len"
    }

    fn help(&self) -> &'static str {
        "skb->len, bytes"
    }

    fn header(&self) -> &'static str {
        "LEN"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        5
    }

    fn align(&self) -> Align {
        Align::Right
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        number::decimal(row.event.len, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("len", row.event.len);
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn bytes() {
        check(&super::Len, |_, _| (), "84", r#"{"len":84}"#);
    }
}
