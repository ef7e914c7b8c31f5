//! Is Balancing attached as it should be?

use std::path::Path;

use crate::{
    inspect::{
        Error,
        attached::{Attached, Wanted},
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

const MAPS: [&Versions; 7] = [&AFFINITY, &NAT_RECORDS, &SERVICES, &BACKENDS, &NODE_ADDRESSES, &NODE_PROXIES, &SETTINGS];

/// Hooks that it needs: bpftool's name, and what it is there for.
const WANTED: [Wanted; 4] = [
    ("cgroup_inet4_connect", "chooses a backend when a socket connects", false),
    ("cgroup_udp4_sendmsg", "chooses one for each datagram", false),
    ("cgroup_udp4_recvmsg", "gives answers the address that was asked", false),
    ("cgroup_inet4_getpeername", "tells applications the address that they connected to", false),
];

const REMEDY: &str = "restart the balancing-agent pod; its log says what failed";

/// Looks at maps and hooks.
pub fn read(root: &Root, bpffs: &Path) -> Result<Attached, Error> {
    // Names of its programs are common ones: the maps that they use tell.
    Attached::read(root, bpffs, &MAPS, |_, _| Ok(()), |_| false)
}

/// What it comes to.
pub fn judge(attached: &Attached) -> Status {
    let present: Vec<&str> = attached.present().iter().map(|version| version.name).collect();
    let lacking = attached.lacking();
    let mut findings = vec![maps(&present, &lacking)];
    // Where nothing is here at all, each hook that lacks would only say so again.
    if !present.is_empty() || !attached.hooks.hooks.is_empty() {
        findings.extend(WANTED.map(|wanted| attached.judge(wanted, REMEDY)));
    }
    let faults = findings[1..].iter().filter(|finding| finding.state == State::Bad).count();
    findings.extend(attached.notes());
    let (verdict, works, summary) = match (present.len(), attached.hooks.hooks.len(), faults + lacking.len()) {
        (0, _, _) => ("absent", false, "there is no sign of Balancing here".to_owned()),
        (_, 0, _) => ("inactive", false, "Balancing's maps are there, but no program that uses them runs".to_owned()),
        (_, _, 0) => ("active", true, "Balancing is attached as it should be".to_owned()),
        (_, _, faults) => (
            "partly",
            false,
            format!("Balancing is attached in part: {faults} of its maps and hooks are not as they should be"),
        ),
    };
    Status { verdict, works, summary, findings }
}

fn maps(present: &[&str], lacking: &[&str]) -> Finding {
    const SUBJECT: &str = "maps";
    if present.is_empty() {
        return Finding::new(State::Bad, SUBJECT, "none of Balancing's is pinned or loaded").with_remedy(
            "is the balancing-agent pod running on this node? in a container, --bpffs must lead to the host's",
        );
    }
    let names = present.join(", ");
    if lacking.is_empty() {
        return Finding::new(State::Good, SUBJECT, names);
    }
    Finding::new(State::Bad, SUBJECT, format!("{names}; not there: {}", lacking.join(", "))).with_remedy(REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::hooks::{Hook, Hooks};

    #[test]
    fn verdicts() {
        let hook = |(kind, ..): &Wanted| Hook {
            place: "/".to_owned(),
            kind: (*kind).to_owned(),
            program: 1,
            name: "c".to_owned(),
            maps: Vec::new(),
            map: None,
        };
        let of = |hooks: &[Wanted], is_there: bool| {
            let maps = MAPS.iter().map(|map| (map.known[0].name, is_there.then_some(&map.known[0]))).collect();
            let hooks = Hooks { hooks: hooks.iter().map(hook).collect(), ..Hooks::default() };
            judge(&Attached { maps, hooks, ..Attached::default() }).verdict
        };
        assert_eq!(of(&WANTED, true), "active");
        assert_eq!(of(&WANTED[..3], true), "partly");
        assert_eq!(of(&[], true), "inactive");
        assert_eq!(of(&[], false), "absent");
    }
}
