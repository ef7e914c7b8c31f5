//! Version of the running kernel.

use std::{cmp::Ordering, fmt};

use crate::kernel::Root;

/// A kernel release; compares by its first two numbers.
#[derive(Clone, Debug)]
pub struct Release {
    major: u32,
    minor: u32,
    text: String,
}

impl Release {
    /// A version to compare with.
    pub const fn of(major: u32, minor: u32) -> Self {
        Self { major, minor, text: String::new() }
    }

    /// That of the running kernel; [`Release::is_unknown`] if it cannot be read.
    pub fn read(root: &Root) -> Self {
        Self::parse(root.text("/proc/sys/kernel/osrelease").unwrap_or_default())
    }

    /// Nothing is known; compares as older than all.
    pub fn is_unknown(&self) -> bool {
        self.numbers() == (0, 0)
    }

    fn parse(text: String) -> Self {
        let mut numbers =
            text.split(|letter: char| !letter.is_ascii_digit()).map(|digits| digits.parse().unwrap_or_default());
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        Self { major, minor, text }
    }

    fn numbers(&self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { write!(out, "{}.{}", self.major, self.minor) } else { out.write_str(&self.text) }
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Self) -> bool {
        self.numbers() == other.numbers()
    }
}

impl Eq for Release {}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_by_number() {
        let check = |text: &str, numbers: (u32, u32)| {
            assert_eq!(Release::parse(text.to_owned()).numbers(), numbers, "{text}");
        };
        check("6.12.107+deb13-cloud-amd64", (6, 12));
        check("7.2", (7, 2));
        check("5.10-rc1", (5, 10));
        check("", (0, 0));
        check("99999999999999.1", (0, 1));
        assert!(Release::of(5, 18) > Release::of(5, 8));
        assert!(Release::parse(String::new()).is_unknown());
    }
}
