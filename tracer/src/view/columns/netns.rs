//! The network namespace, by the inode that `lsns` and `/proc/PID/ns/net` show.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Netns;

impl Column for Netns {
    fn name(&self) -> &'static str {
        "netns"
    }

    fn help(&self) -> &'static str {
        "inode of the network namespace"
    }

    fn header(&self) -> &'static str {
        "NETNS"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        10
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        if let Some(inode) = row.event.netns {
            number::decimal(inode, out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if let Some(inode) = row.event.netns {
            object.number("netns", inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn inodes() {
        check(&super::Netns, |_, _| (), "4026531840", r#"{"netns":4026531840}"#);
        check(&super::Netns, |event, _| event.netns = None, "", "{}");
    }
}
