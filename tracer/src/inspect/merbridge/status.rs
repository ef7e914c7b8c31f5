//! Is Merbridge attached as it should be?

use std::path::Path;

use crate::{
    inspect::{
        Error,
        attached::{Attached, Wanted},
        maps::decode::{
            merbridge::{
                pods::{CGROUPS, MARKS, PODS, PROCESSES, read_pod},
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
    /// Maps and hooks.
    pub attached: Attached,
    /// Pods with a sidecar on this node.
    pub pods: usize,
}

const MAPS: [&Versions; 7] = [&COOKIES, &PAIRS, &SOCKETS, &PODS, &PROCESSES, &MARKS, &CGROUPS];

/// Hooks that it needs: bpftool's name, what it is there for, and whether it is for IPv6 (0.7.2 on, where that is on).
const WANTED: [Wanted; 11] = [
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

const REMEDY: &str = "restart the merbridge pod (its log says what failed); another program may have replaced it";

/// Looks at maps and hooks.
pub fn read(root: &Root, bpffs: &Path) -> Result<Evidence, Error> {
    let mut pods = 0;
    let count = |versions: &Versions, found: &crate::inspect::dataplane::Found| {
        if versions.name == PODS.name {
            pods = found.rows(read_pod)?.rows.len();
        }
        Ok(())
    };
    // `mb_bind` uses no map, so the name has to do.
    let is_ours = |name: &str| name.starts_with("mb_") || name.starts_with("osm_");
    let attached = Attached::read(root, bpffs, &MAPS, count, is_ours)?;
    Ok(Evidence { attached, pods })
}

/// What it comes to.
pub fn judge(evidence: &Evidence) -> Status {
    let attached = &evidence.attached;
    let present = attached.present();
    let mut findings = vec![maps(attached, &present)];
    // Where nothing is here at all, each hook that lacks would only say so again.
    if !present.is_empty() || !attached.hooks.hooks.is_empty() {
        findings.extend(WANTED.map(|wanted| attached.judge(wanted, REMEDY)));
    }
    let faults = findings[1..].iter().filter(|finding| finding.state == State::Bad).count();
    if !present.is_empty() {
        let state = if evidence.pods == 0 { State::Note } else { State::Good };
        findings.push(Finding::new(state, "pods", format!("{} on this node have a sidecar", evidence.pods)));
    }
    findings.extend(attached.notes());
    let (verdict, works, summary) = match (present.len(), attached.hooks.hooks.len(), faults) {
        (0, 0, _) => ("absent", false, "there is no sign of Merbridge here".to_owned()),
        (_, 0, _) => ("inactive", false, "Merbridge's maps are there, but no program of it runs".to_owned()),
        (_, _, 0) => ("active", true, "Merbridge is attached as it should be".to_owned()),
        (_, _, faults) => {
            ("partly", false, format!("Merbridge is attached in part: {faults} of its hooks are not as they should be"))
        }
    };
    Status { verdict, works, summary, findings }
}

fn maps(attached: &Attached, present: &[&Version]) -> Finding {
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
    let lacking = attached.lacking();
    let lacking = if lacking.is_empty() { String::new() } else { format!("; not there: {}", lacking.join(", ")) };
    Finding::new(State::Good, SUBJECT, format!("{}{release}{lacking}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::hooks::{Hook, Hooks};

    fn evidence(kinds: &[&str], with_maps: bool) -> Evidence {
        let hook = |kind: &&str| Hook {
            place: "/sys/fs/cgroup".to_owned(),
            kind: (*kind).to_owned(),
            program: 1,
            name: "mb".to_owned(),
            maps: Vec::new(),
            map: None,
        };
        let hooks = Hooks { hooks: kinds.iter().map(hook).collect(), ..Hooks::default() };
        let maps = MAPS.iter().map(|map| (map.known[0].name, with_maps.then_some(&map.known[0]))).collect();
        Evidence { attached: Attached { maps, hooks, ..Attached::default() }, pods: 2 }
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
        let absent = judge(&evidence(&[], false));
        assert_eq!((absent.verdict, absent.findings.len()), ("absent", 1));
    }

    #[test]
    fn the_layout_tells_the_release() {
        let status = judge(&evidence(&[], true));
        assert!(status.findings[0].seen.contains("0.7.2 or later"), "{}", status.findings[0].seen);
    }
}
