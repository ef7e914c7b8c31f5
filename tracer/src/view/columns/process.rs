//! The current task: of the packet's owner only where the hit is in that task's own context.

use super::{Column, Context, Object, Row};
use crate::view::{escape, number};

pub(super) struct Process;

impl Column for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn help(&self) -> &'static str {
        "name and id of the current process, which in softirq context need not be the packet's"
    }

    fn header(&self) -> &'static str {
        "PROCESS"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        16
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        escape(row.event.comm.bytes(), out);
        out.push(':');
        number::decimal(row.event.pid, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("pid", row.event.pid);
        if !row.event.comm.is_empty() {
            object.foreign("comm", row.event.comm.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::{check, name};

    #[test]
    fn names_are_escaped() {
        check(&super::Process, |_, _| (), "ping:1592", r#"{"pid":1592,"comm":"ping"}"#);
        check(
            &super::Process,
            |event, _| event.comm = name("a\x1b[2J\""),
            r#"a\x1b[2J":1592"#,
            r#"{"pid":1592,"comm":"a\\x1b[2J\""}"#,
        );
        check(&super::Process, |event, _| event.comm = name(""), ":1592", r#"{"pid":1592}"#);
    }
}
