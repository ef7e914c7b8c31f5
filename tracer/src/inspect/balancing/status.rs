//! Is Balancing attached as it should be?

use std::{collections::BTreeSet, path::Path};

use crate::{
    inspect::{
        Error, dataplane,
        hooks::{self, Hooks},
        maps::decode::{
            balancing::{
                records::{AFFINITY, NAT_RECORDS},
                services::{BACKENDS, NODE_ADDRESSES, NODE_PROXIES, SERVICES, SETTINGS},
            },
            versions::Versions,
        },
    },
    kernel::Root,
    model::finding::{Finding, State, Status},
};

/// What was seen.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Each map by name, and whether it is there.
    pub maps: Vec<(&'static str, bool)>,
    /// Programs that use them, and where they run.
    pub hooks: Hooks,
    /// Maps with unknown sizes, in sentences.
    pub unknown: Vec<String>,
}

const MAPS: [&Versions; 7] = [&AFFINITY, &NAT_RECORDS, &SERVICES, &BACKENDS, &NODE_ADDRESSES, &NODE_PROXIES, &SETTINGS];

/// Hooks that it needs: bpftool's name, and what it is there for.
const WANTED: [(&str, &str); 4] = [
    ("cgroup_inet4_connect", "chooses a backend when a socket connects"),
    ("cgroup_udp4_sendmsg", "chooses one for each datagram"),
    ("cgroup_udp4_recvmsg", "gives answers the address that was asked"),
    ("cgroup_inet4_getpeername", "tells applications the address that they connected to"),
];

/// Looks at maps and hooks.
pub fn read(root: &Root, bpffs: &Path) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    let mut ids = BTreeSet::new();
    for versions in MAPS {
        let search = dataplane::search(versions, bpffs, None)?;
        ids.extend(search.found.iter().map(|found| found.map.info.id));
        evidence.maps.push((versions.known[0].name, !search.found.is_empty()));
        evidence.unknown.extend(search.unknown);
    }
    // Names of its programs are common ones: the maps that they use tell.
    evidence.hooks = hooks::find(root, &ids, |_| false)?;
    Ok(evidence)
}

/// What it comes to.
pub fn judge(evidence: &Evidence) -> Status {
    let (present, lacking): (Vec<_>, Vec<_>) = evidence.maps.iter().partition(|(_, is_there)| *is_there);
    let names = |maps: &[&(&'static str, bool)]| maps.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let mut findings = vec![match (present.as_slice(), lacking.as_slice()) {
        ([], _) => Finding::new(State::Bad, "maps", "none of Balancing's is pinned or loaded").with_remedy(
            "is the balancing-agent pod running on this node? in a container, --bpffs must lead to the host's",
        ),
        (present, []) => Finding::new(State::Good, "maps", names(present)),
        (present, lacking) => {
            Finding::new(State::Bad, "maps", format!("{}; not there: {}", names(present), names(lacking)))
                .with_remedy("restart the balancing-agent pod")
        }
    }];
    let mut missing = 0;
    for (hook, purpose) in WANTED {
        let at = evidence.hooks.hooks.iter().find(|at| at.kind == hook);
        missing += usize::from(at.is_none());
        findings.push(at.map_or_else(
            || {
                Finding::new(State::Bad, hook, format!("not attached: it {purpose}"))
                    .with_remedy("restart the balancing-agent pod; its log says what failed")
            },
            |at| Finding::new(State::Good, hook, format!("{} at {}", at.name, at.place)),
        ));
    }
    let unknown = evidence.unknown.iter().chain(&evidence.hooks.notes);
    findings.extend(unknown.map(|note| Finding::new(State::Unknown, "not looked at", note.clone())));
    let (verdict, works, summary) = match (present.len(), evidence.hooks.hooks.len(), missing + lacking.len()) {
        (0, _, _) => ("absent", false, "there is no sign of Balancing here".to_owned()),
        (_, 0, _) => ("inactive", false, "Balancing's maps are there, but no program that uses them runs".to_owned()),
        (_, _, 0) => ("active", true, "Balancing is attached as it should be".to_owned()),
        (_, _, faults) => {
            ("partly", false, format!("Balancing is attached in part: {faults} of its maps and hooks are missing"))
        }
    };
    Status { verdict, works, summary, findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::hooks::Hook;

    #[test]
    fn verdicts() {
        let hook = |(kind, _): &(&str, &str)| Hook {
            place: "/".to_owned(),
            kind: (*kind).to_owned(),
            program: 1,
            name: "c".to_owned(),
        };
        let of = |hooks: &[(&str, &str)], is_there: bool| {
            let maps = MAPS.iter().map(|map| (map.known[0].name, is_there)).collect();
            let hooks = Hooks { hooks: hooks.iter().map(hook).collect(), ..Hooks::default() };
            judge(&Evidence { maps, hooks, unknown: Vec::new() }).verdict
        };
        assert_eq!(of(&WANTED, true), "active");
        assert_eq!(of(&WANTED[..3], true), "partly");
        assert_eq!(of(&[], true), "inactive");
        assert_eq!(of(&[], false), "absent");
    }
}
