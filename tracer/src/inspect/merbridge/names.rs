//! Names for numbers in Merbridge's maps, from what this node's processes tell.
//!
//! A process's container and pod come from its control group. The name of a service comes from the environment of the process
//! that asked for it: Kubernetes gives every container `NAME_SERVICE_HOST=ADDRESS` for the services of its namespace. Nothing
//! else of an environment is looked at, for it holds secrets.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    io::Read as _,
    net::IpAddr,
};

use crate::{
    inspect::{owners::comm, pods::Pods},
    kernel::Root,
};

/// Bytes of an environment that are read.
const MOST_ENVIRONMENT: u64 = 1 << 20;

/// Looks names up, each once.
pub struct Names<'a> {
    root: &'a Root,
    pods: Pods,
    processes: HashMap<u32, Who>,
    services: HashMap<u32, HashMap<IpAddr, String>>,
    /// A process of each pod with a sidecar.
    by_address: BTreeMap<IpAddr, u32>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Its number; 0 where none is known.
    pub pid: u32,
    /// Its name; foreign bytes, empty where it has ended.
    pub comm: Vec<u8>,
    /// Its pod, or its container.
    pub container: Option<String>,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.comm.as_slice()) {
            (0, _) => f.write_str("an unknown process"),
            (pid, []) => write!(f, "process {pid} (ended)"),
            (pid, comm) => write!(f, "{}({pid})", String::from_utf8_lossy(comm)),
        }?;
        self.container.as_ref().map_or(Ok(()), |container| write!(f, " in {container}"))
    }
}

impl<'a> Names<'a> {
    /// Nothing is looked up yet. `processes` are sidecars with their pods' addresses.
    pub fn new(root: &'a Root, processes: &BTreeMap<u32, IpAddr>) -> Self {
        Self {
            root,
            pods: Pods::read(root),
            processes: HashMap::new(),
            services: HashMap::new(),
            by_address: processes.iter().map(|(pid, address)| (*address, *pid)).collect(),
        }
    }

    /// Who a process is.
    pub fn process(&mut self, pid: u32) -> Who {
        if pid == 0 {
            return Who::default();
        }
        let (root, pods) = (self.root, &self.pods);
        let look = || Who {
            pid,
            comm: comm(root, pid),
            container: pods.of_process(root, pid).map(|container| container.label()),
        };
        self.processes.entry(pid).or_insert_with(look).clone()
    }

    /// The pod that has an address, by its sidecar's process.
    pub fn pod(&mut self, address: IpAddr) -> Option<String> {
        let pid = *self.by_address.get(&address)?;
        self.process(pid).container
    }

    /// The service that has an address, as the process was told.
    pub fn service(&mut self, address: IpAddr, pid: u32) -> Option<String> {
        if pid == 0 {
            return None;
        }
        let root = self.root;
        self.services.entry(pid).or_insert_with(|| services(root, pid)).get(&address).cloned()
    }
}

/// Services by address, from `NAME_SERVICE_HOST` in the environment of a process.
fn services(root: &Root, pid: u32) -> HashMap<IpAddr, String> {
    let mut environment = Vec::new();
    let opened = root.open(format!("/proc/{pid}/environ"));
    if opened.and_then(|file| file.take(MOST_ENVIRONMENT).read_to_end(&mut environment)).is_err() {
        return HashMap::new();
    }
    let variables = environment.split(|&byte| byte == 0).filter_map(|variable| str::from_utf8(variable).ok());
    let found = variables.filter_map(|variable| {
        let (name, address) = variable.split_once('=')?;
        let name = name.strip_suffix("_SERVICE_HOST").filter(|name| !name.is_empty())?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let address = address.parse().ok().filter(|_| is_name)?;
        Some((address, name.to_ascii_lowercase().replace('_', "-")))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_tell() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        let write = |path: &str, text: &str| {
            let path = root.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let uid = "8c6f0a52-13d7-4c2e-9b1f-6d0a7e3b5c4f";
        let id = "2f".repeat(32);
        std::fs::create_dir_all(root.path(format!("/var/log/pods/ebpf-test_sleep-1_{uid}"))).unwrap();
        write("/proc/7/comm", "curl\n");
        write("/proc/7/cgroup", &format!("0::/kubepods/pod{uid}/{id}\n"));
        write(
            "/proc/7/environ",
            "SECRET=x\0HELLO_WORLD_SERVICE_HOST=10.96.203.65\0A;B_SERVICE_HOST=10.0.0.1\0X_SERVICE_HOST=no\0",
        );
        let address = "10.244.1.3".parse().unwrap();
        let mut names = Names::new(&root, &BTreeMap::from([(7, address)]));
        assert_eq!(names.process(7).to_string(), "curl(7) in pod ebpf-test/sleep-1");
        assert_eq!(names.process(8).to_string(), "process 8 (ended)");
        assert_eq!(names.process(0).to_string(), "an unknown process");
        assert_eq!(names.pod(address).as_deref(), Some("pod ebpf-test/sleep-1"));
        assert_eq!(names.service("10.96.203.65".parse().unwrap(), 7).as_deref(), Some("hello-world"));
        assert_eq!(names.service("10.0.0.1".parse().unwrap(), 7), None);
        assert_eq!(names.service("10.96.203.65".parse().unwrap(), 8), None);
    }
}
