//! The name that was probably meant.

/// Longest names compared: hostile input must not make a message expensive.
const LONGEST: usize = 128;

/// Shortest part of a name by which it is found.
const PART: usize = 4;

/// The name with the fewest edits from `wanted`, if it is near enough to be worth naming; of several such one that begins so.
/// Small and capital letters are the same here.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.len() / 3).max(2);
    names
        .into_iter()
        .filter(|name| !name.is_empty() && name.len().abs_diff(wanted.len()) <= limit)
        .map(|name| (distance(wanted.as_bytes(), name.as_bytes()), name))
        .filter(|&(edits, name)| edits <= limit && edits < name.len())
        .min_by_key(|&(edits, name)| (edits, !name.starts_with(wanted)))
        .map(|(_, name)| name)
}

/// The shortest name that `wanted` is a part of, if that is long enough to tell. Small and capital letters are the same here.
pub fn holding<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if !(PART..=LONGEST).contains(&wanted.len()) {
        return None;
    }
    let holds = |name: &&str| {
        let mut parts = name.as_bytes().windows(wanted.len());
        parts.any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    names.into_iter().filter(holds).min_by_key(|name| name.len())
}

/// Edits (insert, remove, replace) from one to the other; too long names are infinitely far.
fn distance(from: &[u8], to: &[u8]) -> usize {
    if from.len() > LONGEST || to.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, left) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(!left.eq_ignore_ascii_case(right));
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typing_mistake_is_found() {
        assert_eq!(nearest("ifndex", ["mtu", "ifindex", "name"]), Some("ifindex"));
        assert_eq!(nearest("eth00", ["lo", "eth0", "eth1"]), Some("eth0"));
    }

    #[test]
    fn what_begins_so_and_capitals() {
        assert_eq!(nearest("netn", ["net", "netns"]), Some("netns"));
        assert_eq!(nearest("TCP", ["udp", "tcp"]), Some("tcp"));
    }

    #[test]
    fn a_part_is_enough() {
        let names = ["IP_NOPROTO", "NETFILTER_DROP", "BPF_CGROUP_EGRESS"];
        assert_eq!(holding("netfilter", names), Some("NETFILTER_DROP"));
        assert_eq!(holding("CGROUP", names), Some("BPF_CGROUP_EGRESS"));
        assert_eq!(holding("IP_", names), None);
    }

    #[test]
    fn nothing_near_gives_nothing() {
        assert_eq!(nearest("zebra", ["mtu", "ifindex", "name"]), None);
        assert_eq!(nearest("x", ["lo", ""]), None);
        assert_eq!(nearest("a", []), None);
    }

    #[test]
    fn long_names_are_not_compared() {
        let long = "x".repeat(100_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}
