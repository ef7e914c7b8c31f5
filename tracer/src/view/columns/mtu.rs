//! MTU of the device.

use super::{Column, Context, Object, Row};
use crate::view::{columns::Align, number};

pub(super) struct Mtu;

impl Column for Mtu {
    fn name(&self) -> &'static str {
        "mtu"
    }

    fn help(&self) -> &'static str {
        "MTU of the device, bytes"
    }

    fn header(&self) -> &'static str {
        "MTU"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        5
    }

    fn align(&self) -> Align {
        Align::Right
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if let Some(bytes) = row.event.mtu {
            number::decimal(bytes, out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if let Some(bytes) = row.event.mtu {
            object.number("mtu", bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn bytes() {
        check(&super::Mtu, |_, _| (), "1500", r#"{"mtu":1500}"#);
        check(&super::Mtu, |event, _| event.mtu = None, "", "{}");
    }
}
