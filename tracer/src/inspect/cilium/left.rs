//! Pins that an upgrade of Cilium, or its reversal, has left behind: maps that have a successor or a predecessor.

use std::collections::HashSet;

use crate::inspect::maps::Found;

/// Maps that stand for one another, the older one first, and the release that brought the newer one.
const PAIRS: [(&str, &str, u16); 4] = [
    ("cilium_ipcache", "cilium_ipcache_v2", 18),
    ("cilium_node_map", "cilium_node_map_v2", 16),
    ("cilium_lb4_backends_v2", "cilium_lb4_backends_v3", 14),
    ("cilium_lb6_backends_v2", "cilium_lb6_backends_v3", 14),
];
/// How the policy maps of endpoints begin, whose sizes differ from release to release.
const POLICIES: &str = "cilium_policy_";

/// What is known of a map here: its id, its name, type and sizes.
type Known<'a> = (u32, &'a str, (u32, u32, u32));

/// Ids of those that no program uses while programs use others of their kind.
pub(super) fn unused(maps: &[Found], used: &HashSet<u32>) -> HashSet<u32> {
    of_kinds(&maps.iter().map(known).collect::<Vec<_>>(), used)
}

/// Ids of those that the release does not use, where no program tells.
pub(super) fn of_another_release(maps: &[Found], left: &HashSet<u32>, minor: u16) -> Vec<u32> {
    let maps: Vec<Known<'_>> = maps.iter().map(known).filter(|(id, ..)| !left.contains(id)).collect();
    let find = |name: &str| maps.iter().find(|(_, its, _)| *its == name).map(|(id, ..)| *id);
    let both = PAIRS.into_iter().filter_map(|(old, new, since)| Some((find(old)?, find(new)?, since)));
    both.map(|(old, new, since)| if minor >= since { old } else { new }).collect()
}

fn known(found: &Found) -> Known<'_> {
    (found.map.info.id, found.label(), found.subject(None, 0).shape())
}

fn of_kinds(maps: &[Known<'_>], used: &HashSet<u32>) -> HashSet<u32> {
    let mut left = HashSet::new();
    for (old, new, _) in PAIRS {
        let kind = maps.iter().filter(|(_, name, _)| *name == old || *name == new).map(|(id, ..)| *id);
        let (live, rest): (Vec<u32>, Vec<u32>) = kind.partition(|id| used.contains(id));
        left.extend(rest.into_iter().filter(|_| !live.is_empty()));
    }
    // A policy that is being made is used by nobody yet, but is like the others.
    let policies = || maps.iter().filter(|(_, name, _)| name.starts_with(POLICIES));
    let live: HashSet<_> = policies().filter(|(id, ..)| used.contains(id)).map(|(.., shape)| *shape).collect();
    let rest = policies().filter(|(_, _, shape)| !live.is_empty() && !live.contains(shape));
    left.extend(rest.map(|(id, ..)| *id));
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(maps: &[Known<'_>], used: &[u32], expected: &[u32]) {
        let mut left: Vec<u32> = of_kinds(maps, &used.iter().copied().collect()).into_iter().collect();
        left.sort_unstable();
        assert_eq!(left, expected);
    }

    #[test]
    fn what_programs_use_is_live() {
        let ipcaches = [(1, "cilium_ipcache", (11, 24, 12)), (2, "cilium_ipcache_v2", (11, 24, 24))];
        check(&ipcaches, &[1], &[2]);
        check(&ipcaches, &[2], &[1]);
        check(&ipcaches, &[1, 2], &[]);
        // Nobody tells.
        check(&ipcaches, &[], &[]);
    }

    #[test]
    fn a_policy_that_is_being_made_is_not_left_over() {
        let (old, new) = ((11, 12, 24), (11, 12, 8));
        let maps = [
            (1, "cilium_policy_00001", old),
            (2, "cilium_policy_v2_00001", new),
            (3, "cilium_policy_v2_00002", new),
            (4, "cilium_policystats", (10, 12, 16)),
        ];
        check(&maps, &[2], &[1]);
        check(&maps, &[], &[]);
    }
}
