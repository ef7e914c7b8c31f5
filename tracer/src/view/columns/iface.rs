//! The device at the time of the hit.

use super::{Column, Context, Object, Row};
use crate::view::{escape, number};

pub(super) struct Iface;

impl Column for Iface {
    fn name(&self) -> &'static str {
        "iface"
    }

    fn help(&self) -> &'static str {
        "name and index of the network device"
    }

    fn header(&self) -> &'static str {
        "IFACE"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        11
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        let Some(index) = row.event.ifindex else {
            return;
        };
        if !row.event.ifname.is_empty() {
            escape(row.event.ifname.bytes(), out);
            out.push(':');
        }
        number::decimal(index, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if let Some(index) = row.event.ifindex {
            object.number("ifindex", index);
        }
        if !row.event.ifname.is_empty() {
            object.foreign("ifname", row.event.ifname.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::{check, name};

    #[test]
    fn devices() {
        check(&super::Iface, |_, _| (), "va:3", r#"{"ifindex":3,"ifname":"va"}"#);
        check(&super::Iface, |event, _| event.ifname = name(""), "3", r#"{"ifindex":3}"#);
        check(
            &super::Iface,
            |event, _| event.ifname = name("a\tb"),
            r"a\x09b:3",
            r#"{"ifindex":3,"ifname":"a\\x09b"}"#,
        );
        check(&super::Iface, |event, _| (event.ifindex, event.ifname) = (None, name("")), "", "{}");
    }
}
