//! Is Merbridge attached as it should be?

use std::{collections::BTreeSet, path::Path};

use crate::{
    inspect::{
        Error, dataplane,
        hooks::{self, Hooks},
        maps::decode::{
            merbridge::{
                pods::{CGROUPS, MARKS, PODS, PROCESSES},
                redirects::{COOKIES, PAIRS, SOCKETS},
            },
            versions::{Version, Versions},
        },
    },
    kernel::Root,
    model::finding::{Finding, State, Status},
};

/// What was seen.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Each kind of map: its first name, and the layout in use.
    pub maps: Vec<(&'static str, Option<&'static Version>)>,
    /// Pods with a sidecar on this node.
    pub pods: usize,
    /// Programs, and where they run.
    pub hooks: Hooks,
    /// Maps with unknown sizes, in sentences.
    pub unknown: Vec<String>,
}

const MAPS: [&Versions; 7] = [&COOKIES, &PAIRS, &SOCKETS, &PODS, &PROCESSES, &MARKS, &CGROUPS];

/// Hooks that it needs: bpftool's name, what it is there for, and whether it is for IPv6 (0.7.2 on, where that is on).
const WANTED: [(&str, &str, bool); 11] = [
    ("cgroup_inet4_connect", "leads connections to sidecars", false),
    ("cgroup_sock_ops", "remembers where they wanted to go", false),
    ("cgroup_getsockopt", "tells sidecars where (SO_ORIGINAL_DST)", false),
    ("sk_msg_verdict", "hands data from socket to socket", false),
    ("cgroup_inet4_bind", "lets sidecars listen in pods of Merbridge's own", false),
    ("cgroup_udp4_sendmsg", "leads DNS questions to sidecars", false),
    ("cgroup_udp4_recvmsg", "gives DNS answers their sender back", false),
    ("cgroup_inet6_connect", "the same for IPv6", true),
    ("cgroup_udp6_sendmsg", "the same for IPv6", true),
    ("cgroup_udp6_recvmsg", "the same for IPv6", true),
    ("clsact/ingress", "leads clients elsewhere to sidecars", true),
];

/// Looks at maps and hooks.
pub fn read(root: &Root, bpffs: &Path) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    let mut ids = BTreeSet::new();
    for versions in MAPS {
        let search = dataplane::search(versions, bpffs, None)?;
        ids.extend(search.found.iter().map(|found| found.map.info.id));
        evidence.unknown.extend(search.unknown);
        if versions.name == PODS.name
            && let Some(found) = search.found.first()
        {
            evidence.pods = found.rows(crate::inspect::maps::decode::merbridge::pods::read_pod)?.rows.len();
        }
        evidence.maps.push((versions.known[0].name, search.found.first().map(|found| found.version)));
    }
    // `mb_bind` uses no map, so the name has to do.
    evidence.hooks = hooks::find(root, &ids, |name| name.starts_with("mb_") || name.starts_with("osm_"))?;
    Ok(evidence)
}

/// What it comes to.
pub fn judge(evidence: &Evidence) -> Status {
    let present = evidence.maps.iter().filter_map(|(_, version)| *version).collect::<Vec<_>>();
    let mut findings = vec![maps(evidence, &present)];
    let mut missing = 0;
    for (hook, purpose, optional) in WANTED {
        let places: Vec<_> = evidence.hooks.hooks.iter().filter(|at| at.kind == hook).collect();
        let finding = match places.as_slice() {
            [] if optional => {
                Finding::new(State::Note, hook, format!("not attached, which need not be a fault ({purpose})"))
            }
            [] => {
                missing += 1;
                Finding::new(State::Bad, hook, format!("not attached: it {purpose}")).with_remedy(
                    "restart the merbridge pod (its log says what failed); another program may have replaced it",
                )
            }
            [one] => Finding::new(State::Good, hook, format!("{} at {}", one.name, one.place)),
            [one, rest @ ..] => {
                Finding::new(State::Good, hook, format!("{} at {} and {} more", one.name, one.place, rest.len()))
            }
        };
        findings.push(finding);
    }
    if !present.is_empty() {
        let state = if evidence.pods == 0 { State::Note } else { State::Good };
        findings.push(Finding::new(state, "pods", format!("{} on this node have a sidecar", evidence.pods)));
    }
    let unknown = evidence.unknown.iter().chain(&evidence.hooks.notes);
    findings.extend(unknown.map(|note| Finding::new(State::Unknown, "not looked at", note.clone())));
    let (verdict, works, summary) = match (present.len(), evidence.hooks.hooks.len(), missing) {
        (0, 0, _) => ("absent", false, "there is no sign of Merbridge here".to_owned()),
        (_, 0, _) => ("inactive", false, "Merbridge's maps are there, but no program of it runs".to_owned()),
        (_, _, 0) => ("active", true, "Merbridge is attached as it should be".to_owned()),
        (_, _, missing) => (
            "partly",
            false,
            format!("Merbridge is attached in part: {missing} of the hooks that it needs have no program"),
        ),
    };
    Status { verdict, works, summary, findings }
}

fn maps(evidence: &Evidence, present: &[&Version]) -> Finding {
    const SUBJECT: &str = "maps";
    let release =
        match present.iter().find(|version| version.name == "cookie_original_dst" || version.name == "osm_cki_fib") {
            Some(version) if version.name.starts_with("osm_") => ", in the layout of OSM Edge's interceptor (1.3)",
            Some(version) if version.is_ipv6 => ", in a layout of 0.7.2 or later",
            Some(_) => ", in a layout of up to 0.7.1 (OSM Edge 1.2)",
            None => "",
        };
    let names: Vec<&str> = present.iter().map(|version| version.name).collect();
    if names.is_empty() {
        return Finding::new(State::Bad, SUBJECT, "none of Merbridge's is pinned or loaded")
            .with_remedy("is the merbridge pod running on this node? in a container, --bpffs must lead to the host's");
    }
    let lacking: Vec<&str> =
        evidence.maps.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| *name).collect();
    let lacking = if lacking.is_empty() { String::new() } else { format!("; not there: {}", lacking.join(", ")) };
    Finding::new(State::Good, SUBJECT, format!("{}{release}{lacking}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::hooks::Hook;

    fn evidence(kinds: &[&str], with_maps: bool) -> Evidence {
        let hook = |kind: &&str| Hook {
            place: "/sys/fs/cgroup".to_owned(),
            kind: (*kind).to_owned(),
            program: 1,
            name: "mb".to_owned(),
        };
        let hooks = Hooks { hooks: kinds.iter().map(hook).collect(), ..Hooks::default() };
        let maps = MAPS.iter().map(|map| (map.known[0].name, with_maps.then_some(&map.known[0]))).collect();
        Evidence { maps, pods: 2, hooks, unknown: Vec::new() }
    }

    #[test]
    fn verdicts() {
        let needed: Vec<&str> = WANTED.iter().filter(|(_, _, optional)| !optional).map(|(hook, ..)| *hook).collect();
        assert_eq!(judge(&evidence(&needed, true)).verdict, "active");
        let partly = judge(&evidence(&needed[1..], true));
        assert_eq!((partly.verdict, partly.works), ("partly", false));
        assert!(
            partly
                .findings
                .iter()
                .any(|finding| finding.subject == "cgroup_inet4_connect" && finding.state == State::Bad)
        );
        assert_eq!(judge(&evidence(&[], true)).verdict, "inactive");
        assert_eq!(judge(&evidence(&[], false)).verdict, "absent");
    }

    #[test]
    fn the_layout_tells_the_release() {
        let status = judge(&evidence(&[], true));
        assert!(status.findings[0].seen.contains("0.7.2 or later"), "{}", status.findings[0].seen);
    }
}
