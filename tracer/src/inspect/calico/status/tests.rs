use std::time::Duration;

use super::*;

fn active() -> Evidence {
    Evidence {
        folder: "/sys/fs/bpf/tc/globals".to_owned(),
        pins: vec!["cali_v4_ct4".to_owned()],
        release: Some("3.31"),
        loaded: 4,
        attached: vec!["cali1".to_owned(), "eth0".to_owned()],
        ready: vec!["cali1".to_owned(), "eth0".to_owned()],
        counted: Some((100, 10)),
        sampled: Duration::from_secs(1),
        connections: Some((3, Some(1_000_000_000))),
        felix_log: Some(FelixLog::Enabled),
        ..Evidence::default()
    }
}

/// The verdict, and the subjects of what is not as it should be.
fn check(evidence: &Evidence, verdict: &str, bad: &[&str]) -> Status {
    let status = judge(evidence);
    assert_eq!(status.verdict, verdict, "{}", status.summary);
    let faults = status.findings.iter().filter(|finding| finding.state == State::Bad);
    assert_eq!(faults.map(|finding| finding.subject).collect::<Vec<_>>(), bad);
    assert!(status.findings.iter().all(|finding| finding.state != State::Bad || finding.remedy.is_some()));
    status
}

#[test]
fn at_work() {
    let status = check(&active(), "active", &[]);
    assert!(status.works);
    assert_eq!(status.summary, "Calico's eBPF dataplane is active: its programs run at 2 interfaces and see traffic");
    let quiet = Evidence { counted: Some((100, 0)), ..active() };
    assert!(check(&quiet, "active", &[]).summary.contains("none of them saw a packet"));
}

#[test]
fn kube_proxy_beside_it_is_a_fault() {
    let proxy = KubeProxy { processes: vec![7], ..KubeProxy::default() };
    let status = check(&Evidence { kube_proxy: proxy, ..active() }, "active", &["kube-proxy"]);
    let remedy = status.findings.iter().find_map(|finding| finding.remedy.clone()).unwrap();
    assert!(remedy.contains("bpfKubeProxyIptablesCleanupEnabled: false"), "{remedy}");
    let rules = KubeProxy { chains: vec!["nat KUBE-SERVICES".to_owned()], ..KubeProxy::default() };
    check(&Evidence { kube_proxy: rules, ..active() }, "active", &[]);
}

#[test]
fn not_at_work() {
    let bare = Evidence { attached: vec!["eth0".to_owned()], ..active() };
    check(&bare, "partly", &["interfaces"]);
    let left = Evidence { attached: Vec::new(), ready: Vec::new(), ..active() };
    check(&left, "inactive", &["programs", "kube-proxy"]);
    let fallback = Evidence {
        pins: Vec::new(),
        loaded: 0,
        felix_log: Some(FelixLog::Unsupported),
        kube_proxy: KubeProxy { processes: vec![7], ..KubeProxy::default() },
        ..left.clone()
    };
    check(&fallback, "fallback", &["maps", "programs", "Felix's log"]);
    let iptables = Evidence { felix_log: None, calico_node: 1, ..fallback };
    check(&iptables, "inactive", &["maps", "programs"]);
    check(&Evidence::default(), "absent", &["maps", "programs", "kube-proxy"]);
}
