//! Which packet: the address of its `sk_buff`.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Skb;

impl Column for Skb {
    fn name(&self) -> &'static str {
        "skb"
    }

    fn help(&self) -> &'static str {
        "address of the sk_buff"
    }

    fn header(&self) -> &'static str {
        "SKB"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        18
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        write(row.event.skb, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.text("skb", |out| write(row.event.skb, out));
    }
}

fn write(address: u64, out: &mut String) {
    out.push_str("0x");
    number::hex(address, 1, out);
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn addresses() {
        check(&super::Skb, |_, _| (), "0xffff888100001000", r#"{"skb":"0xffff888100001000"}"#);
    }
}
