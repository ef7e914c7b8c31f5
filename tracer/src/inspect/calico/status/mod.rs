//! Is Calico's eBPF dataplane really at work on this node? Felix falls back to iptables where the kernel lacks something, and
//! says so only in its log; this looks at what is there instead.

mod evidence;
mod kube_proxy;

pub use evidence::{Evidence, FelixLog, read};
pub use kube_proxy::KubeProxy;

use crate::{
    inspect::maps::decode::words::go_duration,
    model::finding::{Finding, State, Status},
};

/// What the evidence comes to.
pub fn judge(evidence: &Evidence) -> Status {
    let mut findings = vec![pins(evidence), programs(evidence)];
    findings.extend(interfaces(evidence));
    findings.push(counters(evidence));
    findings.extend(connections(evidence));
    findings.push(connect_time(evidence));
    findings.push(kube_proxy(evidence));
    findings.push(felix_log(evidence));
    findings.extend(evidence.notes.iter().map(|note| Finding::new(State::Unknown, "not looked at", note.clone())));
    let (verdict, works, summary) = summary(evidence);
    Status { verdict, works, summary, findings }
}

fn summary(evidence: &Evidence) -> (&'static str, bool, String) {
    let at_work = evidence.attached.len();
    let bare = evidence.bare_interfaces();
    if at_work > 0 && bare.is_empty() {
        let traffic = match evidence.counted {
            Some((_, 0)) => ", though none of them saw a packet while it was looked at",
            Some(_) => " and see traffic",
            None => "",
        };
        let sentence = format!("Calico's eBPF dataplane is active: its programs run at {at_work} interfaces{traffic}");
        return ("active", true, sentence);
    }
    if at_work > 0 {
        let sentence = format!(
            "Calico's eBPF dataplane is active in part: {} of the interfaces that it holds for ready have no program of it",
            bare.len()
        );
        return ("partly", false, sentence);
    }
    if evidence.felix_log == Some(FelixLog::Unsupported) {
        let sentence = "Calico's eBPF dataplane is not active: Felix found that this kernel does not support it and fell \
                        back to the standard dataplane, which has no services of its own";
        return ("fallback", false, sentence.to_owned());
    }
    if !evidence.pins.is_empty() {
        let sentence = "Calico's eBPF dataplane is not active: its maps are there, but no program of it runs at any \
                        interface of this network namespace";
        return ("inactive", false, sentence.to_owned());
    }
    if evidence.calico_node > 0 {
        let sentence = "Calico runs here, but not with its eBPF dataplane: there are neither maps nor programs of it";
        return ("inactive", false, sentence.to_owned());
    }
    ("absent", false, "there is no sign of Calico's eBPF dataplane here".to_owned())
}

fn pins(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "maps";
    match evidence.pins.len() {
        0 => Finding::new(State::Bad, SUBJECT, format!("none of Calico's is pinned below `{}`", evidence.folder))
            .with_remedy(
                "in a container, /sys/fs/bpf of the host must be mounted; elsewhere --bpffs says where pins are",
            ),
        count => {
            let release = evidence.release.map(|release| format!(", of release {release}")).unwrap_or_default();
            Finding::new(State::Good, SUBJECT, format!("{count} pinned below `{}`{release}", evidence.folder))
        }
    }
}

fn programs(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "programs";
    let places = listed(&evidence.attached);
    match (evidence.attached.len(), evidence.loaded) {
        (0, 0) => Finding::new(State::Bad, SUBJECT, "none of Calico's is loaded")
            .with_remedy("FelixConfiguration: bpfEnabled: true; then see what calico-node's log says"),
        (0, loaded) => {
            Finding::new(State::Bad, SUBJECT, format!("{loaded} are loaded, but none runs at an interface here"))
                .with_remedy("look from the host's network namespace (nsenter -t 1 -n), or restart calico-node")
        }
        (count, _) => Finding::new(State::Good, SUBJECT, format!("run at {count} interfaces: {places}")),
    }
}

/// Interfaces that Calico holds for ready, but that have no program.
fn interfaces(evidence: &Evidence) -> Option<Finding> {
    let bare = evidence.bare_interfaces();
    if bare.is_empty() {
        return None;
    }
    let seen = format!("{} are ready by cali_iface, but have no program: {}", bare.len(), listed(&bare));
    Some(Finding::new(State::Bad, "interfaces", seen).with_remedy(
        "another program may have replaced the qdisc or the filters: see `skbtrail net`, then restart calico-node",
    ))
}

fn counters(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "counters";
    let seconds = evidence.sampled.as_secs_f64();
    match evidence.counted {
        None => Finding::new(State::Unknown, SUBJECT, "there is no map of counters"),
        Some((total, 0)) => {
            Finding::new(State::Note, SUBJECT, format!("{total} packets so far, none in the last {seconds:.1} s"))
        }
        Some((total, gained)) => {
            let rate = gained as f64 / seconds.max(f64::MIN_POSITIVE);
            Finding::new(State::Good, SUBJECT, format!("{total} packets so far, {rate:.0} a second just now"))
        }
    }
}

fn connections(evidence: &Evidence) -> Option<Finding> {
    let (count, newest) = evidence.connections?;
    let seen = match newest {
        None => "none is tracked".to_owned(),
        Some(age) => format!("{count} tracked, the last one used {} ago", go_duration(age)),
    };
    Some(Finding::new(State::Note, "connections", seen))
}

fn connect_time(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "connect-time load balancing";
    match evidence.connect_time.as_slice() {
        [] => Finding::new(State::Note, SUBJECT, "not attached: services are translated packet by packet"),
        hooks => Finding::new(State::Good, SUBJECT, hooks.join(", ")),
    }
}

fn kube_proxy(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "kube-proxy";
    let KubeProxy { processes, chains, ipvs, unknown, .. } = &evidence.kube_proxy;
    let rules = evidence.kube_proxy.rules();
    let unread = if unknown.is_empty() { String::new() } else { format!(" ({})", unknown.join("; ")) };
    let runs = !processes.is_empty();
    let active = !evidence.attached.is_empty();
    match (active, runs, rules) {
        (true, true, _) => Finding::new(State::Bad, SUBJECT, format!("runs too, as {}{unread}", pids(processes))).with_remedy(
            "stop kube-proxy, or set bpfKubeProxyIptablesCleanupEnabled: false: Felix removes its rules and it writes them anew",
        ),
        (true, false, true) => Finding::new(
            State::Note,
            SUBJECT,
            format!("does not run, but left rules behind ({} chains, {ipvs} IPVS services){unread}", chains.len()),
        )
        .with_remedy("kube-proxy --cleanup, or bpfKubeProxyIptablesCleanupEnabled: true"),
        (true, false, false) => Finding::new(State::Good, SUBJECT, format!("neither runs nor has rules{unread}")),
        (false, true, _) => Finding::new(State::Good, SUBJECT, format!("runs as {}: services are its matter{unread}", pids(processes))),
        (false, false, true) => Finding::new(State::Note, SUBJECT, format!("has rules, but no process that is seen from here{unread}")),
        (false, false, false) => Finding::new(State::Bad, SUBJECT, format!("neither runs nor has rules{unread}"))
            .with_remedy("nothing translates services on this node: start kube-proxy, or make the eBPF dataplane work"),
    }
}

fn felix_log(evidence: &Evidence) -> Finding {
    const SUBJECT: &str = "Felix's log";
    match evidence.felix_log {
        Some(FelixLog::Enabled) => Finding::new(State::Good, SUBJECT, "\"BPF enabled, starting BPF endpoint manager and map manager.\""),
        Some(FelixLog::Unsupported) => Finding::new(
            State::Bad,
            SUBJECT,
            "\"BPF dataplane mode enabled but not supported by the kernel.  Disabling BPF mode.\"",
        )
        .with_remedy("`skbtrail doctor` says what this kernel can; Calico asks for 5.3 (RHEL 8: 4.18.0-193) or newer and a BPF file system"),
        None => Finding::new(State::Unknown, SUBJECT, "says nothing of it, or is not on this node (/var/log/pods)"),
    }
}

fn pids(processes: &[u32]) -> String {
    let numbers: Vec<String> = processes.iter().map(|pid| format!("process {pid}")).collect();
    numbers.join(", ")
}

/// Some names, and how many more.
fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

#[cfg(test)]
mod tests;
