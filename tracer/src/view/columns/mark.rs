//! `skb->mark`.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Mark;

impl Column for Mark {
    fn name(&self) -> &'static str {
        "mark"
    }

    fn help(&self) -> &'static str {
        "skb->mark, hexadecimal in text"
    }

    fn header(&self) -> &'static str {
        "MARK/x"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        6
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        number::hex(row.event.mark as u64, 1, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("mark", row.event.mark);
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn zero_is_a_mark() {
        check(&super::Mark, |event, _| event.mark = 0, "0", r#"{"mark":0}"#);
        check(&super::Mark, |event, _| event.mark = 0xcafe, "cafe", r#"{"mark":51966}"#);
    }
}
