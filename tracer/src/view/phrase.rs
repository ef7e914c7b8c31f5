//! Sentences with values in them, for what is written once a run or once a packet; rows have faster ways.

use std::fmt;

/// Appends what `format_args!` made.
pub(crate) fn append(words: fmt::Arguments<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = fmt::Write::write_fmt(out, words);
}

/// `1 packet`, `2 packets`
pub(crate) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `950`, `2.1k`, `35k`, `1.2M`: for counts that are glanced at.
pub(crate) fn thousands(count: u64) -> String {
    let (unit, name) = match count {
        0..1_000 => return count.to_string(),
        1_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'G'),
    };
    let (whole, tenths) = (count / unit, count % unit * 10 / unit);
    if whole < 10 { format!("{whole}.{tenths}{name}") } else { format!("{whole}{name}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_at_a_glance() {
        let cases =
            [(0, "0"), (999, "999"), (2_199, "2.1k"), (35_900, "35k"), (1_250_000, "1.2M"), (u64::MAX, "18446744073G")];
        for (count, expected) in cases {
            assert_eq!(super::thousands(count), expected);
        }
    }

    #[test]
    fn one_and_many() {
        assert_eq!([0, 1, 2].map(|count| super::plural(count, "hop")), ["0 hops", "1 hop", "2 hops"]);
    }
}
