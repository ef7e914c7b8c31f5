//! `skb->protocol`.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Proto;

impl Column for Proto {
    fn name(&self) -> &'static str {
        "proto"
    }

    fn help(&self) -> &'static str {
        "skb->protocol: 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP"
    }

    fn header(&self) -> &'static str {
        "PROTO"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        6
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if row.event.protocol != 0 {
            out.push_str("0x");
            number::hex(row.event.protocol as u64, 4, out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if row.event.protocol != 0 {
            object.number("proto", row.event.protocol);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn protocols() {
        check(&super::Proto, |_, _| (), "0x0800", r#"{"proto":2048}"#);
        check(&super::Proto, |event, _| event.protocol = 0, "", "{}");
    }
}
