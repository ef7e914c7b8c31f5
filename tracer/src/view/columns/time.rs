//! When: the time of the hit itself, not of its printing.

use super::{Align, Column, Context, Object, Row};
use crate::view::{Timestamp, number};

pub(super) struct Time;

impl Column for Time {
    fn name(&self) -> &'static str {
        "time"
    }

    fn help(&self) -> &'static str {
        "time of the hit, in the style of --timestamp"
    }

    fn header(&self) -> &'static str {
        "TIME"
    }

    fn width(&self, context: &Context<'_>) -> usize {
        match context.timestamp {
            Timestamp::None | Timestamp::Current => 15,
            Timestamp::Relative => 10,
            Timestamp::Absolute => 26,
        }
    }

    fn align(&self) -> Align {
        Align::Right
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        let time = row.event.time;
        match row.context.timestamp {
            Timestamp::Relative => number::decimal(row.since.unwrap_or(0), out),
            _ => write_moment(time, row.context, out),
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("time_ns", row.event.time);
        if let Some(clock) = row.context.clock {
            object.text("wall", |out| clock.rfc3339(row.event.time, out));
        }
    }
}

/// Appends a moment: the wall clock's as far as it is known.
pub(in crate::view) fn write_moment(time: u64, context: &Context<'_>, out: &mut String) {
    match (context.timestamp, context.clock) {
        (Timestamp::Absolute, Some(clock)) => clock.date_time(time, out),
        (_, Some(clock)) => clock.time(time, out),
        (_, None) => write_uptime(time, out),
    }
}

/// Seconds since boot, as `dmesg` shows them.
fn write_uptime(time: u64, out: &mut String) {
    number::decimal(time / 1_000_000_000, out);
    out.push('.');
    number::padded(time % 1_000_000_000 / 1000, 6, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Event;
    use crate::view::tests::check;

    #[test]
    fn styles() {
        let json = r#"{"time_ns":1002003004,"wall":"2026-11-19T14:53:21.002003004Z"}"#;
        let style = |style| move |_: &mut Event, context: &mut Context<'_>| context.timestamp = style;
        check(&Time, style(Timestamp::None), "14:53:21.002003", json);
        check(&Time, style(Timestamp::Current), "14:53:21.002003", json);
        check(&Time, style(Timestamp::Relative), "0", json);
        check(&Time, style(Timestamp::Absolute), "2026-11-19 14:53:21.002003", json);
        check(&Time, |_, context| context.clock = None, "1.002003", r#"{"time_ns":1002003004}"#);
    }
}
