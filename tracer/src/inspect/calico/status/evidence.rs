//! What is looked at.

use std::{
    collections::BTreeSet,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    time::{Duration, Instant},
};

use super::KubeProxy;
use crate::{
    inspect::{
        Error, dataplane, hooks,
        maps::decode::calico::{
            conntrack,
            counters::{COUNTERS, TOTAL, read_counters},
            interfaces::{STATES, read_state},
        },
        owners::{comm, processes},
        pods::Pods,
    },
    kernel::Root,
};

/// Where Calico pins its maps, below the BPF file system.
const FOLDER: &str = "tc/globals";
/// Releases by the map of counters that they have.
const RELEASES: [(&str, &str); 5] = [
    ("cali_counters6", "3.32 or later"),
    ("cali_counters5", "3.31"),
    ("cali_counters3", "3.30"),
    ("cali_counters2", "3.26 to 3.29"),
    ("cali_v4_nat_fe3", "3.24 or later"),
];
/// Connections that are looked through for the last one used.
const MOST_CONNECTIONS: u64 = 600_000;
/// Bytes at either end of a log that are searched.
const LOG_PART: u64 = 4 << 20;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Where pins were looked for.
    pub folder: String,
    /// Maps of Calico's that are pinned there.
    pub pins: Vec<String>,
    /// The release that has these maps.
    pub release: Option<&'static str>,
    /// Programs of Calico's that are loaded.
    pub loaded: usize,
    /// Interfaces where one runs.
    pub attached: Vec<String>,
    /// Interfaces that Calico holds for ready, of those that are in this namespace.
    pub ready: Vec<String>,
    /// Hooks of control groups where one runs.
    pub connect_time: Vec<String>,
    /// Packets counted, and how many of them while we looked.
    pub counted: Option<(u64, u64)>,
    /// How long that was.
    pub sampled: Duration,
    /// Connections tracked, and how long ago one was last used, nanoseconds.
    pub connections: Option<(u64, Option<i64>)>,
    /// Processes called `calico-node`.
    pub calico_node: usize,
    /// kube-proxy.
    pub kube_proxy: KubeProxy,
    /// What Felix's log says last.
    pub felix_log: Option<FelixLog>,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

/// What Felix's log says of the eBPF dataplane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FelixLog {
    /// It was started.
    Enabled,
    /// The kernel does not support it.
    Unsupported,
}

impl Evidence {
    /// Ready interfaces without a program.
    pub fn bare_interfaces(&self) -> Vec<String> {
        self.ready.iter().filter(|name| !self.attached.contains(name)).cloned().collect()
    }
}

/// Looks at everything; counters twice, with `pause` in between.
pub fn read(root: &Root, bpffs: &Path, pause: Duration) -> Result<Evidence, Error> {
    let folder = bpffs.join(FOLDER);
    let pins: Vec<String> = names_in(&folder).into_iter().filter(|name| is_calicos(name)).collect();
    let release = RELEASES.iter().find(|(map, _)| pins.iter().any(|pin| pin == map)).map(|(_, release)| *release);
    let before = count(bpffs)?;
    let start = Instant::now();
    let mut evidence = Evidence { folder: folder.display().to_string(), pins, release, ..Evidence::default() };
    let devices = programs(root, &mut evidence)?;
    evidence.ready = ready(bpffs, &devices)?;
    evidence.connections = connections(bpffs)?;
    let names = processes(root).into_iter().map(|pid| comm(root, pid));
    evidence.calico_node = names.filter(|name| name == b"calico-node" || name == b"calico-felix").count();
    evidence.kube_proxy = KubeProxy::read(root);
    evidence.felix_log = felix_log(root);
    std::thread::sleep(pause.saturating_sub(start.elapsed()));
    evidence.sampled = start.elapsed();
    evidence.counted = before.zip(count(bpffs)?).map(|(before, after)| (after, after.saturating_sub(before)));
    Ok(evidence)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn is_calicos(name: &str) -> bool {
    name.starts_with("cali_") || name.starts_with("calico_")
}

/// Where programs run; the answer is what devices there are.
fn programs(root: &Root, evidence: &mut Evidence) -> Result<Vec<String>, Error> {
    let found = hooks::find(root, &BTreeSet::new(), is_calicos)?;
    evidence.loaded = found.loaded.len();
    evidence.notes = found.notes;
    let mut attached = BTreeSet::new();
    for hook in found.hooks {
        if hook.kind.starts_with("cgroup") {
            evidence.connect_time.push(format!("{} ({})", hook.kind, hook.name));
        } else {
            attached.insert(hook.place);
        }
    }
    evidence.attached = attached.into_iter().collect();
    Ok(found.devices)
}

/// Ready by `cali_iface`, and there: entries of interfaces that are gone are removed late.
fn ready(bpffs: &Path, devices: &[String]) -> Result<Vec<String>, Error> {
    /// `v4Ready`, `v6Ready`; one flag alone, up to 3.26.
    const READY: u32 = 0x2 | 0x4;
    let search = dataplane::search(&STATES, bpffs, None)?;
    let Some(found) = search.found.first() else { return Ok(Vec::new()) };
    let states = found.rows(read_state)?.rows.into_iter().filter(|state| state.flags & READY != 0);
    let names = states.map(|state| String::from_utf8_lossy(&state.name).into_owned());
    Ok(names.filter(|name| devices.contains(name)).collect())
}

/// Packets that all programs counted.
fn count(bpffs: &Path) -> Result<Option<u64>, Error> {
    let search = dataplane::search(&COUNTERS, bpffs, None)?;
    let Some(found) = search.found.first() else { return Ok(None) };
    let rows = found.rows(read_counters)?.rows;
    Ok(Some(rows.iter().filter_map(|row| row.values.get(TOTAL)).fold(0, |sum: u64, total| sum.wrapping_add(*total))))
}

fn connections(bpffs: &Path) -> Result<Option<(u64, Option<i64>)>, Error> {
    let search = dataplane::search(&conntrack::MAP, bpffs, Some(false))?;
    let Some(found) = search.found.first() else { return Ok(None) };
    let now = found.map.subject("", None).now.cast_signed();
    let (mut count, mut newest) = (0, None);
    let mut entries = found.map.entries()?;
    while let Some(entry) = entries.next_entry()?.filter(|_| count < MOST_CONNECTIONS) {
        let entry = crate::inspect::maps::decode::Entry { key: entry.key, value: entry.value.raw() };
        if let Ok(connection) = conntrack::read(&entry, found.version) {
            count += 1;
            newest = newest.max(Some(connection.last_seen));
        }
    }
    Ok(Some((count, newest.map(|newest| now.saturating_sub(newest)))))
}

/// The last of both sentences in the newest log of a container of calico-node.
fn felix_log(root: &Root) -> Option<FelixLog> {
    const SENTENCES: [(&str, FelixLog); 2] = [
        ("BPF enabled, starting BPF endpoint manager and map manager", FelixLog::Enabled),
        ("BPF dataplane mode enabled but not supported by the kernel", FelixLog::Unsupported),
    ];
    let pods = root.list(Pods::LOGS).into_iter().filter(|pod| pod.contains("_calico-node-"));
    let logs = pods.flat_map(|pod| {
        let folder = format!("{}/{pod}/calico-node", Pods::LOGS);
        root.list(&folder).into_iter().map(move |name| format!("{folder}/{name}"))
    });
    let newest = logs
        .filter(|log| Path::new(log).extension().is_some_and(|extension| extension == "log"))
        .max_by_key(|log| std::fs::metadata(root.path(log)).and_then(|metadata| metadata.modified()).ok())?;
    let text = ends_of(root, &newest)?;
    let last =
        SENTENCES.iter().filter_map(|(sentence, says)| Some((text.rfind(sentence)?, *says))).max_by_key(|at| at.0);
    last.map(|(_, says)| says)
}

/// The beginning and the end of a file that may be large.
fn ends_of(root: &Root, path: &str) -> Option<String> {
    let mut file = root.open(path).ok()?;
    let mut bytes = Vec::new();
    file.by_ref().take(LOG_PART).read_to_end(&mut bytes).ok()?;
    let size = file.metadata().ok()?.len();
    if size > LOG_PART {
        file.seek(SeekFrom::Start(size.saturating_sub(LOG_PART).max(LOG_PART))).ok()?;
        file.take(LOG_PART).read_to_end(&mut bytes).ok()?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sentence_of_the_log_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        assert_eq!(felix_log(&root), None);
        let log = root.path("/var/log/pods/calico-system_calico-node-x_1/calico-node/0.log");
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        let enabled = "t stdout F [INFO] BPF enabled, starting BPF endpoint manager and map manager.\n";
        let refused =
            "t stdout F [ERROR] BPF dataplane mode enabled but not supported by the kernel.  Disabling BPF mode.\n";
        for (text, expected) in [
            ("nothing\n".to_owned(), None),
            (format!("{refused}{enabled}"), Some(FelixLog::Enabled)),
            (format!("{enabled}{refused}"), Some(FelixLog::Unsupported)),
            // The beginning of a long log is read as well.
            (format!("{enabled}{}", "x\n".repeat(5 << 20)), Some(FelixLog::Enabled)),
        ] {
            std::fs::write(&log, text).unwrap();
            assert_eq!(felix_log(&root), expected);
        }
    }
}
