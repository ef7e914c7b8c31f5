//! Sentences with values in them, for what is written once a run or once a packet; rows have faster ways.

use std::fmt;

/// Appends what `format_args!` made.
pub(super) fn append(words: fmt::Arguments<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = fmt::Write::write_fmt(out, words);
}

/// `1 packet`, `2 packets`
pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_and_many() {
        assert_eq!([0, 1, 2].map(|count| super::plural(count, "hop")), ["0 hops", "1 hop", "2 hops"]);
    }
}
