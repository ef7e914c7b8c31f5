//! Durations for people: three digits and a unit.

use super::number;

/// Appends `950 ns`, `1.25 µs`, `88.6 µs`, `2.47 ms`, `12.3 s`; cut off, not rounded.
pub(crate) fn write(nanoseconds: u64, out: &mut String) {
    let (unit, name) = match nanoseconds {
        0..1_000 => (1, " ns"),
        1_000..1_000_000 => (1_000, " µs"),
        1_000_000..1_000_000_000 => (1_000_000, " ms"),
        _ => (1_000_000_000, " s"),
    };
    let whole = nanoseconds / unit;
    number::decimal(whole, out);
    let digits = match whole {
        _ if unit == 1 => 0,
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    if digits > 0 {
        out.push('.');
        let rest = nanoseconds % unit * 10_u64.pow(digits) / unit;
        number::padded(rest, digits as usize, out);
    }
    out.push_str(name);
}

#[cfg(test)]
mod tests {
    #[test]
    fn three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_250, "1.25 µs"),
            (1_009, "1.00 µs"),
            (88_690, "88.6 µs"),
            (999_999, "999 µs"),
            (2_477_970, "2.47 ms"),
            (12_345_678_901, "12.3 s"),
            (u64::MAX, "18446744073 s"),
        ];
        for (nanoseconds, expected) in cases {
            let mut out = String::new();
            super::write(nanoseconds, &mut out);
            assert_eq!(out, expected);
        }
    }
}
