//! Which release's maps these are, as far as they tell.
//!
//! Upgrades leave pins behind, so what only newer releases have counts for more than what only older ones have.

use crate::inspect::maps::decode::{Subject, kind};

use super::super::{NEWEST, OLDEST};

/// Minor numbers of the releases that the maps may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// The oldest.
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
}

impl Releases {
    /// Those that have such maps.
    pub fn of<'a>(maps: impl IntoIterator<Item = Subject<'a>>) -> Self {
        let (mut least, mut most) = (OLDEST, NEWEST);
        let mut has_third_backends = false;
        let mut has_second_nodes = false;
        let mut has_long_ipcache = false;
        let maps: Vec<_> = maps.into_iter().collect();
        for map in &maps {
            least = least.max(oldest_with(map));
            has_third_backends |= map.label().contains("_backends_v3");
            has_second_nodes |= map.label() == "cilium_node_map_v2";
            has_long_ipcache |= map.label().starts_with("cilium_ipcache_");
        }
        for map in &maps {
            most = most.min(match map.label() {
                "cilium_ipcache" if !has_long_ipcache => 17,
                "cilium_lb4_backends_v2" | "cilium_lb6_backends_v2" if !has_third_backends => 13,
                "cilium_node_map" if map.value_size == 2 && !has_second_nodes => 15,
                _ => newest_with(map),
            });
        }
        Self { oldest: least, newest: most.max(least) }
    }
}

/// The oldest release that has such a map.
fn oldest_with(map: &Subject<'_>) -> u16 {
    match (map.label(), map.shape()) {
        ("cilium_subnet_map", _) => 19,
        (
            "cilium_policystats"
            | "cilium_snat_v4_alloc_retries"
            | "cilium_snat_v6_alloc_retries"
            | "cilium_egress_gw_policy_v6",
            _,
        ) => 18,
        ("cilium_node_map_v2", _) | ("cilium_node_map", (_, _, 4)) => 16,
        ("cilium_auth_map" | "cilium_node_map" | "cilium_lb4_backends_v3" | "cilium_lb6_backends_v3", _) => 14,
        (name, _) if name.starts_with("cilium_ipcache_") => 18,
        (name, shape) if name.starts_with("cilium_policy_v") => match shape {
            (kind::LPM_TRIE, 12, 12) => 19,
            (kind::LPM_TRIE, 12, 8) => 18,
            _ => 17,
        },
        (name, (kind::LPM_TRIE, 12, 24)) if name.starts_with("cilium_policy_") => 14,
        _ => OLDEST,
    }
}

/// The newest release that makes such a map and leaves no doubt of it: policies are made anew with each.
fn newest_with(map: &Subject<'_>) -> u16 {
    match (map.label(), map.shape()) {
        (name, shape) if name.starts_with("cilium_policy_v") => match shape {
            (kind::LPM_TRIE, 12, 8) => 18,
            (kind::LPM_TRIE, 12, 24) => 17,
            _ => NEWEST,
        },
        (name, (kind::LPM_TRIE, 12, 24)) if name.starts_with("cilium_policy_") => 16,
        (name, (kind::HASH, 8, 24)) if name.starts_with("cilium_policy_") => 13,
        _ => NEWEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::testing::subject;

    #[test]
    fn maps_tell_the_release() {
        let lxc = || subject("cilium_lxc", kind::HASH, 20, 48);
        let old = || subject("cilium_ipcache", kind::LPM_TRIE, 24, 12);
        let new = || subject("cilium_ipcache_v2", kind::LPM_TRIE, 24, 24);
        let policy = |name, kind, key, value| subject(name, kind, key, value);
        let check = |maps: Vec<Subject<'_>>, oldest, newest| {
            assert_eq!(Releases::of(maps), Releases { oldest, newest });
        };
        check(vec![lxc()], 12, 19);
        check(vec![lxc(), old()], 12, 17);
        check(vec![lxc(), new()], 18, 19);
        check(vec![lxc(), old(), new()], 18, 19);
        check(vec![new(), policy("cilium_policy_v2_00001", kind::LPM_TRIE, 12, 8)], 18, 18);
        check(vec![new(), policy("cilium_policy_v2_00001", kind::LPM_TRIE, 12, 12)], 19, 19);
        check(vec![old(), policy("cilium_policy_v2_00001", kind::LPM_TRIE, 12, 24)], 17, 17);
        check(vec![old(), policy("cilium_policy_00001", kind::LPM_TRIE, 12, 24)], 14, 16);
        check(vec![old(), policy("cilium_policy_00001", kind::HASH, 8, 24)], 12, 13);
        let nodes = || subject("cilium_node_map", kind::HASH, 20, 2);
        check(vec![old(), nodes(), policy("cilium_policy_00001", kind::LPM_TRIE, 12, 24)], 14, 15);
        check(vec![old(), nodes(), subject("cilium_node_map_v2", kind::HASH, 20, 4)], 16, 17);
        check(vec![old(), subject("cilium_lb4_backends_v2", kind::HASH, 4, 8)], 12, 13);
    }

    #[test]
    fn what_an_upgrade_left_does_not_mislead() {
        let left = subject("cilium_policy_00001", kind::LPM_TRIE, 12, 24);
        let live = subject("cilium_policy_v2_00002", kind::LPM_TRIE, 12, 8);
        assert_eq!(Releases::of([left, live]), Releases { oldest: 18, newest: 18 });
    }
}
