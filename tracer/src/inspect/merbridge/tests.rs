use super::*;
use crate::kernel::Root;

fn entry(source: &str, destination: &str, wanted: &str, pid: u32, flags: u16) -> (Pair, Origin) {
    let [source, destination, address] = [source, destination, wanted].map(|end| end.parse().unwrap());
    (Pair { source, destination }, Origin { address, pid, flags })
}

#[test]
fn what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::at(folder.path());
    std::fs::create_dir_all(root.path("/proc/4711")).unwrap();
    std::fs::write(root.path("/proc/4711/comm"), "curl\n").unwrap();
    std::fs::write(root.path("/proc/4711/environ"), "HELLOWORLD_SERVICE_HOST=10.96.203.65\0").unwrap();
    let first = entry("127.0.0.1:41234", "127.128.0.1:15001", "10.96.203.65:5000", 4711, 1);
    let tables = Tables {
        pairs: vec![
            entry("10.244.1.3:40000", "10.244.1.4:15003", "10.244.1.4:5000", 9, 1),
            first,
            entry("10.244.1.3:40001", "127.0.0.1:15001", "10.96.0.1:443", 0, 0),
            entry("10.244.7.7:40002", "10.244.1.4:15003", "10.244.1.4:5000", 0, Origin::TC),
            entry("10.244.1.4:40003", "10.244.1.4:5000", "10.244.1.4:5000", 9, 1),
        ],
        sockets: vec![first.0],
        processes: BTreeMap::new(),
    };
    let mut names = Names::new(&root, &tables.processes);
    let redirects = tables.redirects();
    let sentences: Vec<String> = redirects.iter().map(|one| one.sentence(&mut names)).collect();
    assert_eq!(
        sentences,
        [
            "127.0.0.1:15001 is the own sidecar of an unknown process, standing for 10.96.0.1:443",
            "127.128.0.1:15001 is the own sidecar of curl(4711), standing for helloworld (10.96.203.65:5000)",
            "10.244.1.4:5000 is 10.244.1.4:5000 itself; process 9 (ended) speaks to it",
            "10.244.1.4:15003 is the sidecar of pod 10.244.1.4 on this node, standing for its port 5000; process 9 (ended) \
             speaks to it",
            "10.244.1.4:15003 is the sidecar of pod 10.244.1.4 on this node, standing for its port 5000; a client elsewhere \
             speaks to it",
        ]
    );
    let spliced: Vec<bool> = redirects.iter().map(|one| one.spliced).collect();
    assert_eq!(spliced, [false, true, false, false, false]);
    assert!(redirects[1].concerns("127.128.0.1".parse().unwrap()));
    assert!(!redirects[1].concerns("10.0.0.1".parse().unwrap()));
}
