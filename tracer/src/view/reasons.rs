//! What the kernel's drop reasons mean to a person, and what usually helps.
//!
//! The sentences are a table for people too, `assets/drop-reasons.md`; this reads it. It knows nothing of a running kernel: a
//! reason that the table does not have is one without an explanation.

use std::{collections::HashMap, sync::LazyLock};

/// The table.
const TABLE: &str = include_str!("../../../assets/drop-reasons.md");
/// What the kernel's own enum prefixes names with.
const PREFIX: &str = "SKB_DROP_REASON_";

static REASONS: LazyLock<HashMap<&str, Explanation>> = LazyLock::new(|| rows().collect());

/// What a reason means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// It happens on healthy machines too: nobody misses the packet.
    pub usual: bool,
    /// What it means, a sentence.
    pub meaning: &'static str,
    /// What usually helps, a sentence. Code is in backquotes; `DEV` and `DST` stand for a device and an address.
    pub remedy: &'static str,
}

/// The explanation of a reason by its name, with or without `SKB_DROP_REASON_`.
pub fn explain(reason: &str) -> Option<Explanation> {
    REASONS.get(reason.strip_prefix(PREFIX).unwrap_or(reason)).copied()
}

/// The same of a drop in this function, for which the reason may mean something of its own.
pub fn explain_at(reason: &str, function: &str) -> Option<Explanation> {
    let bare = reason.strip_prefix(PREFIX).unwrap_or(reason);
    REASONS.get(format!("{bare} at {function}").as_str()).copied().or_else(|| explain(bare))
}

/// Rows of the table: those whose first cell begins with a name in capitals.
fn rows() -> impl Iterator<Item = (&'static str, Explanation)> {
    TABLE.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let &[reason, kind, meaning, remedy] = cells.as_slice() else { return None };
        let is_name = reason
            .split(" at ")
            .next()?
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then_some((reason, Explanation { usual: kind == "usual", meaning, remedy }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_by_either_name() {
        for name in ["NO_SOCKET", "SKB_DROP_REASON_NO_SOCKET"] {
            let explanation = explain(name).unwrap();
            assert!(!explanation.usual);
            assert!(explanation.meaning.starts_with("No socket listens"), "{explanation:?}");
            assert!(explanation.remedy.contains("`ss -lntu`"), "{explanation:?}");
        }
        assert!(explain("OTHERHOST").unwrap().usual);
        assert_eq!(explain("reason"), None);
        assert_eq!(explain_at("NO_SOCKET", "udp_rcv"), explain("NO_SOCKET"));
        assert!(explain_at("NO_SOCKET", "icmp_rcv").unwrap().usual);
        assert_eq!(explain_at("reason", "icmp_rcv"), None);
        assert_eq!(explain("MAC80211:7"), None);
    }

    /// A row that is not read would be one that nobody is shown.
    #[test]
    fn every_row_is_read_and_well_formed() {
        let written = TABLE.lines().filter(|line| line.starts_with("| ")).count() - 1;
        assert_eq!(written, rows().count());
        assert_eq!(written, REASONS.len(), "a reason stands there twice");
        for line in TABLE.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let kind = line.split(" | ").nth(1).unwrap();
            assert!(["loss", "usual"].contains(&kind), "{line}");
        }
        for (reason, explanation) in rows() {
            for sentence in [explanation.meaning, explanation.remedy] {
                assert!(sentence.ends_with('.') && sentence.len() <= 140, "{reason}: {sentence}");
                assert!(sentence.starts_with(|first: char| first.is_uppercase() || first == '`'), "{reason}");
                assert!(sentence.matches('`').count() % 2 == 0, "{reason}: {sentence}");
            }
        }
    }
}
