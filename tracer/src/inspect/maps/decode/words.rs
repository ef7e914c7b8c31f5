//! Words that several dataplanes' tools print in the same way: durations as Go writes them, names of flags.

use std::fmt::Write as _;

/// A duration as Go's `time.Duration` prints itself: `1.2s`, `1m2s`, `350ms`, `-3µs`.
pub fn go_duration(nanoseconds: i64) -> String {
    let mut out = String::new();
    if nanoseconds < 0 {
        out.push('-');
    }
    let all = nanoseconds.unsigned_abs();
    match all {
        0 => out.push_str("0s"),
        1..1_000 => fraction(all, 1, "ns", &mut out),
        1_000..1_000_000 => fraction(all, 1_000, "µs", &mut out),
        1_000_000..1_000_000_000 => fraction(all, 1_000_000, "ms", &mut out),
        _ => {
            let minutes = all / 60_000_000_000;
            if minutes >= 60 {
                let _ = write!(out, "{}h", minutes / 60);
            }
            if minutes > 0 {
                let _ = write!(out, "{}m", minutes % 60);
            }
            fraction(all % 60_000_000_000, 1_000_000_000, "s", &mut out);
        }
    }
    out
}

/// The number in units of `unit`, without zeros at its end.
fn fraction(number: u64, unit: u64, name: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", number / unit);
    let rest = number % unit;
    if rest > 0 {
        let digits = unit.ilog10() as usize;
        let text = format!("{rest:0digits$}");
        let _ = write!(out, ".{}", text.trim_end_matches('0'));
    }
    out.push_str(name);
}

/// The names of the bits that are set, and whatever bits have none, as one number.
pub fn flag_names(flags: u32, names: &[(u32, &'static str)]) -> Vec<String> {
    let mut found: Vec<String> =
        names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
    let unnamed = flags & !names.iter().fold(0, |all, (bit, _)| all | bit);
    if unnamed != 0 {
        found.push(format!("{unnamed:#x}"));
    }
    found
}

/// A link-layer address as most tools print it.
pub fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_prints_them() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (350_000_000, "350ms"),
            (1_200_000_000, "1.2s"),
            (62_000_000_000, "1m2s"),
            (245_000_000_001, "4m5.000000001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (3_600_000_000_000, "1h0m0s"),
            (-62_000_000_000, "-1m2s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
            (i64::MAX, "2562047h47m16.854775807s"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(go_duration(nanoseconds), expected);
        }
    }

    #[test]
    fn bits_without_a_name_are_shown_too() {
        let names = [(1, "one"), (4, "four")];
        assert_eq!(flag_names(0b1_0101, &names), ["one", "four", "0x10"]);
        assert!(flag_names(0, &names).is_empty());
    }
}
