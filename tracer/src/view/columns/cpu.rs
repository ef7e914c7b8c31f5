//! CPU of the hit.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct Cpu;

impl Column for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn help(&self) -> &'static str {
        "CPU of the hit"
    }

    fn header(&self) -> &'static str {
        "CPU"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        3
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        number::decimal(row.event.cpu, out);
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("cpu", row.event.cpu);
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn zero_is_a_cpu() {
        check(&super::Cpu, |event, _| event.cpu = 0, "0", r#"{"cpu":0}"#);
        check(&super::Cpu, |event, _| event.cpu = 191, "191", r#"{"cpu":191}"#);
    }
}
