//! The name that a network namespace goes by, if it has one.

use std::borrow::Cow;

use super::{Column, Context, Object, Row};
use crate::view::escape;

pub(super) struct NetnsName;

impl Column for NetnsName {
    fn name(&self) -> &'static str {
        "netns-name"
    }

    fn help(&self) -> &'static str {
        "name of the network namespace, where it has one"
    }

    fn header(&self) -> &'static str {
        "NETNS-NAME"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        16
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if let Some(name) = name(row) {
            escape(name.as_bytes(), out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if let Some(name) = name(row) {
            object.foreign("netns_name", name.as_bytes());
        }
    }
}

fn name<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    row.context.netns_name(row.event.netns?)
}

#[cfg(test)]
mod tests {
    use crate::view::{facts::testing::Few, tests::check};

    #[test]
    fn names() {
        check(&super::NetnsName, |_, _| (), "host", r#"{"netns_name":"host"}"#);
        check(&super::NetnsName, |event, _| event.netns = Some(1), "", "{}");
        check(&super::NetnsName, |event, _| event.netns = None, "", "{}");
    }

    /// One that was made after the start.
    #[test]
    fn names_that_are_known_by_now() {
        let late = |inode| {
            move |event: &mut crate::model::Event, context: &mut crate::view::Context<'_>| {
                event.netns = Some(inode);
                context.facts = Some(&Few);
            }
        };
        check(&super::NetnsName, late(2), r"late\x1b", r#"{"netns_name":"late\\x1b"}"#);
        check(&super::NetnsName, late(3), "", "{}");
    }
}
