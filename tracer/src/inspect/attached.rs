//! Are the programs of a dataplane attached as they should be: each at its hook, for all processes, to the maps that are in
//! use? What is found comes from [`hooks`]; this judges.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    Error, dataplane,
    dataplane::Found,
    hooks::{self, Hook, Hooks},
    maps::decode::versions::{Version, Versions},
};
use crate::{
    kernel::Root,
    model::finding::{Finding, State},
};

/// A hook that should have a program: bpftool's name, what it is there for, and whether it may be missing.
pub(super) type Wanted = (&'static str, &'static str, bool);

/// What was seen of a dataplane whose maps are told by [`Versions`].
#[derive(Debug, Default)]
pub struct Attached {
    /// Each kind of map: its first name, and the layout in use.
    pub maps: Vec<(&'static str, Option<&'static Version>)>,
    /// Ids of the maps in use.
    pub live: BTreeSet<u32>,
    /// Other maps of the same kinds, by id.
    pub former: BTreeMap<u32, String>,
    /// Programs, and where they run.
    pub hooks: Hooks,
    /// Maps with unknown sizes, in sentences.
    pub unknown: Vec<String>,
}

impl Attached {
    /// Looks at maps and hooks. `found` is told of each kind of map that is there; `is_ours` knows programs by their names.
    pub(super) fn read(
        root: &Root,
        bpffs: &Path,
        kinds: &[&'static Versions],
        mut found: impl FnMut(&Versions, &Found) -> Result<(), Error>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Self, Error> {
        let mut seen = Self::default();
        for versions in kinds {
            let search = dataplane::search(versions, bpffs, None)?;
            seen.live.extend(search.found.iter().map(|found| found.map.info.id));
            seen.unknown.extend(search.unknown);
            if let Some(newest) = search.found.first() {
                found(versions, newest)?;
            }
            seen.maps.push((versions.known[0].name, search.found.first().map(|found| found.version)));
        }
        seen.former = dataplane::others(kinds, &seen.live)?;
        let all = seen.live.iter().chain(seen.former.keys()).copied().collect();
        seen.hooks = hooks::find(root, &all, is_ours)?;
        Ok(seen)
    }

    /// Layouts of the maps that are there.
    pub(super) fn present(&self) -> Vec<&'static Version> {
        self.maps.iter().filter_map(|(_, version)| *version).collect()
    }

    /// Names of the kinds of maps that are not there.
    pub(super) fn lacking(&self) -> Vec<&'static str> {
        self.maps.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| *name).collect()
    }

    /// What a hook comes to; `remedy` is for one that is not as it should be.
    pub(super) fn judge(&self, (hook, purpose, optional): Wanted, remedy: &str) -> Finding {
        let at: Vec<&Hook> = self.hooks.hooks.iter().filter(|at| at.kind == hook).collect();
        let Some(first) = at.first() else {
            return if optional {
                Finding::new(State::Note, hook, format!("not attached, which need not be a fault ({purpose})"))
            } else {
                Finding::new(State::Bad, hook, format!("not attached: it {purpose}")).with_remedy(remedy)
            };
        };
        if let Some(fault) = self.fault(&at) {
            return Finding::new(State::Bad, hook, fault).with_remedy(remedy);
        }
        let more = if at.len() > 1 { format!(" and {} more", at.len() - 1) } else { String::new() };
        Finding::new(State::Good, hook, format!("{} at {}{more}", first.name, first.place))
    }

    /// What is wrong with the programs at a hook, the worst first.
    fn fault(&self, at: &[&Hook]) -> Option<String> {
        let strangers = at.iter().find_map(|hook| self.former_map(hook));
        strangers.or_else(|| self.wrong_map(at)).or_else(|| self.wrong_group(at)).or_else(|| twice(at))
    }

    /// A program of a former start writes where nobody reads.
    fn former_map(&self, at: &Hook) -> Option<String> {
        let (id, name) = at.maps.iter().find_map(|id| Some((id, self.former.get(id)?)))?;
        Some(format!("{} at {} uses a map `{name}` ({id}) that is not the one in use", at.name, at.place))
    }

    /// It runs for the sockets of another map.
    fn wrong_map(&self, at: &[&Hook]) -> Option<String> {
        let wrong = |hook: &&Hook| hook.map.is_some_and(|map| !self.live.contains(&map));
        let first = at.iter().find(|hook| hook.map.is_some())?;
        at.iter().all(wrong).then(|| {
            let map = first.map.unwrap_or_default();
            format!("{} is at the map `{}` ({map}), which is not the one in use", first.name, first.place)
        })
    }

    /// In a group that is not the topmost, it does not run for the processes of others.
    fn wrong_group(&self, at: &[&Hook]) -> Option<String> {
        let top = self.hooks.groups.as_ref()?;
        let first = at.iter().find(|hook| hook.kind.starts_with("cgroup"))?;
        let is_everywhere = at.iter().any(|hook| hook.place == *top);
        (!is_everywhere).then(|| format!("{} is at {} alone: processes elsewhere do without", first.name, first.place))
    }

    /// What could not be looked at.
    pub(super) fn notes(&self) -> impl Iterator<Item = Finding> {
        let notes = self.unknown.iter().chain(&self.hooks.notes);
        notes.map(|note| Finding::new(State::Unknown, "not looked at", note.clone()))
    }
}

/// Two of them at one place do everything twice.
fn twice(at: &[&Hook]) -> Option<String> {
    let same = |one: &Hook, other: &Hook| (&one.place, one.map) == (&other.place, other.map);
    let (one, other) = at.iter().enumerate().find_map(|(number, one)| {
        let other = at[number + 1..].iter().find(|other| same(one, other))?;
        Some((one, other))
    })?;
    Some(format!(
        "{} (program {}) and {} ({}) are both at {}",
        one.name, one.program, other.name, other.program, one.place
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(place: &str, kind: &str, maps: &[u32], map: Option<u32>) -> Hook {
        Hook {
            place: place.to_owned(),
            kind: kind.to_owned(),
            program: 5,
            name: "c".to_owned(),
            maps: maps.to_vec(),
            map,
        }
    }

    fn check(hooks: &[Hook], kind: &'static str, state: State, seen: &str) {
        let hooks = Hooks { hooks: hooks.to_vec(), groups: Some("/sys/fs/cgroup".to_owned()), ..Hooks::default() };
        let former = BTreeMap::from([(7, "map_service".to_owned())]);
        let attached = Attached { live: BTreeSet::from([9]), former, hooks, ..Attached::default() };
        let finding = attached.judge((kind, "chooses a backend", false), "restart it");
        assert_eq!((finding.state, finding.seen.as_str()), (state, seen));
        assert_eq!(finding.remedy.is_some(), state == State::Bad);
    }

    #[test]
    fn right_and_wrong_attachments() {
        let connect = "cgroup_inet4_connect";
        let right = hook("/sys/fs/cgroup", connect, &[9], None);
        check(&[], connect, State::Bad, "not attached: it chooses a backend");
        check(std::slice::from_ref(&right), connect, State::Good, "c at /sys/fs/cgroup");
        let below = hook("/sys/fs/cgroup/a", connect, &[9], None);
        check(
            std::slice::from_ref(&below),
            connect,
            State::Bad,
            "c is at /sys/fs/cgroup/a alone: processes elsewhere do without",
        );
        check(&[below, right.clone()], connect, State::Good, "c at /sys/fs/cgroup/a and 1 more");
        let former = hook("/sys/fs/cgroup", connect, &[7], None);
        let sentence = "c at /sys/fs/cgroup uses a map `map_service` (7) that is not the one in use";
        check(&[right.clone(), former], connect, State::Bad, sentence);
        let sentence = "c (program 5) and c (5) are both at /sys/fs/cgroup";
        check(&[right.clone(), right], connect, State::Bad, sentence);
    }

    #[test]
    fn programs_at_maps_of_sockets() {
        let verdict = "sk_msg_verdict";
        check(&[hook("socks", verdict, &[], Some(9))], verdict, State::Good, "c at socks");
        let sentence = "c is at the map `socks` (3), which is not the one in use";
        check(&[hook("socks", verdict, &[], Some(3))], verdict, State::Bad, sentence);
    }
}
