//! Kernel time to wall-clock time: the time of the event, not of its printing.

use std::cell::RefCell;

use jiff::{Timestamp, tz::TimeZone};

use super::number;

const SECOND: i128 = 1_000_000_000;

/// Turns nanoseconds of the kernel's monotonic clock into times of day.
pub struct Clock {
    realtime_minus_monotonic: i64,
    zone: TimeZone,
    /// Texts of the second converted last: a calendar is slow, and thousands of events share a second.
    last: RefCell<Option<Second>>,
}

struct Second {
    seconds: i64,
    /// `14:03:22`
    time: String,
    /// `2026-11-20`
    date: String,
    /// `2026-11-20T14:03:22`, in UTC
    utc: String,
}

impl Clock {
    /// Nanoseconds that are added to the kernel's own time.
    pub fn offset(&self) -> i64 {
        self.realtime_minus_monotonic
    }

    /// `realtime_minus_monotonic` in nanoseconds, as read together once; `zone` for what people read.
    pub fn new(realtime_minus_monotonic: i64, zone: TimeZone) -> Self {
        Self { realtime_minus_monotonic, zone, last: RefCell::new(None) }
    }

    /// `14:03:22.118123`
    pub(crate) fn time(&self, monotonic: u64, out: &mut String) {
        self.second(monotonic, |second, nanoseconds| {
            out.push_str(&second.time);
            out.push('.');
            number::padded(nanoseconds / 1000, 6, out);
        });
    }

    /// `2026-11-20 14:03:22.118123`
    pub(crate) fn date_time(&self, monotonic: u64, out: &mut String) {
        self.second(monotonic, |second, _| {
            out.push_str(&second.date);
            out.push(' ');
        });
        self.time(monotonic, out);
    }

    /// `2026-11-20T13:03:22.118123456Z`
    pub(crate) fn rfc3339(&self, monotonic: u64, out: &mut String) {
        self.second(monotonic, |second, nanoseconds| {
            out.push_str(&second.utc);
            out.push('.');
            number::padded(nanoseconds, 9, out);
            out.push('Z');
        });
    }

    fn second(&self, monotonic: u64, show: impl FnOnce(&Second, u64)) {
        let nanoseconds = monotonic as i128 + self.realtime_minus_monotonic as i128;
        let seconds = nanoseconds.div_euclid(SECOND) as i64;
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|second| second.seconds != seconds) {
            *last = Some(self.convert(seconds));
        }
        if let Some(second) = &*last {
            show(second, nanoseconds.rem_euclid(SECOND) as u64);
        }
    }

    fn convert(&self, seconds: i64) -> Second {
        // A time beyond the calendar comes from a broken recording; the epoch says so plainly enough.
        let utc = Timestamp::from_second(seconds).unwrap_or_default();
        let local = utc.to_zoned(self.zone.clone()).datetime();
        Second {
            seconds,
            time: local.strftime("%H:%M:%S").to_string(),
            date: local.strftime("%Y-%m-%d").to_string(),
            utc: utc.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        let offset: i64 = 1_795_100_000_000_000_000;
        let clock = Clock::new(offset, TimeZone::fixed(jiff::tz::offset(1)));
        let cases = [
            (0, "15:53:20.000000", "2026-11-19 15:53:20.000000", "2026-11-19T14:53:20.000000000Z"),
            (1_002_003_004, "15:53:21.002003", "2026-11-19 15:53:21.002003", "2026-11-19T14:53:21.002003004Z"),
            (999_999_999, "15:53:20.999999", "2026-11-19 15:53:20.999999", "2026-11-19T14:53:20.999999999Z"),
        ];
        for (monotonic, time, date_time, rfc3339) in cases {
            let show = |form: fn(&Clock, u64, &mut String)| {
                let mut out = String::new();
                form(&clock, monotonic, &mut out);
                out
            };
            assert_eq!(show(Clock::time), time);
            assert_eq!(show(Clock::date_time), date_time);
            assert_eq!(show(Clock::rfc3339), rfc3339);
        }
    }

    #[test]
    fn times_beyond_the_calendar_do_no_harm() {
        let mut out = String::new();
        Clock::new(i64::MAX, TimeZone::UTC).date_time(u64::MAX, &mut out);
        Clock::new(i64::MIN, TimeZone::UTC).date_time(0, &mut out);
        assert!(!out.is_empty());
    }
}
