//! Which CPUs a kernel may ever have: values of per-CPU maps come one for each of them, present or not.

use std::io;

use super::Root;

const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
/// More than any kernel is built for (`CONFIG_NR_CPUS`).
const MOST: u32 = 1 << 16;

/// Numbers of the possible CPUs, in the order in which their values lie in memory.
pub fn possible(root: &Root) -> io::Result<Vec<u32>> {
    let text = root.text(POSSIBLE)?;
    list(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("`{POSSIBLE}` holds no list of CPUs")))
}

/// Reads `0-3,8,10-11`.
fn list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if first > last || last >= MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let cases: [(&str, Option<&[u32]>); 7] = [
            ("0", Some(&[0])),
            ("0-2\n", Some(&[0, 1, 2])),
            ("0,2-3,9", Some(&[0, 2, 3, 9])),
            ("", None),
            ("3-1", None),
            ("0-4294967295", None),
            ("none", None),
        ];
        for (text, expected) in cases {
            assert_eq!(list(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_kernel_that_does_not_say_is_an_error() {
        assert!(possible(&Root::at("/nonexistent-root")).is_err());
    }
}
