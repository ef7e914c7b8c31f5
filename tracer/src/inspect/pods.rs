//! Which container and pod a process belongs to, by the path of its control group.
//!
//! ```text
//! …/kubepods-burstable.slice/kubepods-burstable-pod8c…_4f.slice/cri-containerd-2f….scope     systemd names
//! …/kubepods/besteffort/pod8c…-4f/2f…                                                          plain names
//! …/system.slice/docker-2f….scope   /docker/2f…   …/machine.slice/libpod-2f….scope             without Kubernetes
//! ```
//! Kubernetes' names stand in no such path; the kubelet's folder of logs, `NAMESPACE_NAME_UID`, has them.

use std::collections::HashMap;

use crate::{
    kernel::Root,
    model::{Container, Pod},
};

/// Digits of a container's id.
const ID_DIGITS: usize = 64;

/// Where names of pods are looked up.
#[derive(Debug, Default)]
pub struct Pods {
    /// Namespace and name by uid.
    names: HashMap<String, (String, String)>,
}

impl Pods {
    /// The kubelet's folder of logs.
    pub const LOGS: &str = "/var/log/pods";

    /// Reads the names that the kubelet's logs tell.
    pub fn read(root: &Root) -> Self {
        let named = root.list(Self::LOGS).into_iter().filter_map(|folder| {
            let mut parts = folder.splitn(3, '_');
            let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
            Some((uid.to_owned(), (namespace.to_owned(), name.to_owned())))
        });
        Self { names: named.collect() }
    }

    /// The container that a process runs in, if it runs in one.
    pub fn of_process(&self, root: &Root, pid: u32) -> Option<Container> {
        let text = root.text(format!("/proc/{pid}/cgroup")).ok()?;
        text.lines().find_map(|line| self.of_path(line.splitn(3, ':').nth(2)?))
    }

    /// The container whose control group has this path, or one above it.
    pub fn of_path(&self, path: &str) -> Option<Container> {
        let parts: Vec<&str> = path.split('/').collect();
        let (place, (runtime, id)) =
            parts.iter().enumerate().rev().find_map(|(place, part)| Some((place, container(part)?)))?;
        let parent = place.checked_sub(1).and_then(|place| parts.get(place)).copied().unwrap_or_default();
        let runtime = runtime.or(match parent {
            "docker" => Some("docker"),
            _ => None,
        });
        let pod = parts[..place].iter().rev().find_map(|part| uid(part));
        let pod = pod.map(|uid| Pod { name: self.names.get(&uid).cloned(), uid });
        Some(Container { runtime, id, pod })
    }
}

/// Runtime and id of a part of a path that is a container.
fn container(part: &str) -> Option<(Option<&'static str>, String)> {
    const RUNTIMES: [(&str, &str); 4] =
        [("cri-containerd-", "containerd"), ("docker-", "docker"), ("crio-", "crio"), ("libpod-", "podman")];
    let part = part.strip_suffix(".scope").unwrap_or(part);
    let known = RUNTIMES.iter().find_map(|(start, name)| Some((Some(*name), part.strip_prefix(start)?)));
    let (runtime, id) = known.unwrap_or((None, part));
    let is_id = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| (runtime, id.to_owned()))
}

/// The uid in a part of a path that is a pod.
fn uid(part: &str) -> Option<String> {
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let uid = part.strip_prefix("pod").or_else(|| part.rsplit_once("-pod").map(|(_, uid)| uid))?;
    let is_uid = uid.len() >= 32 && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b'_');
    is_uid.then(|| uid.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "2f0c5e7a9b1d3f5a7c9e1b3d5f7a9c1e3b5d7f9a1c3e5b7d9f1a3c5e7b9d1f3a";
    const UID: &str = "8c6f0a52-13d7-4c2e-9b1f-6d0a7e3b5c4f";

    fn check(path: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        std::fs::create_dir_all(root.path(format!("{}/shop_cart-7d9f_{UID}", Pods::LOGS))).unwrap();
        std::fs::create_dir_all(root.path("/proc/7")).unwrap();
        std::fs::write(root.path("/proc/7/cgroup"), format!("1:name=x:/\n0::{path}\n")).unwrap();
        let found = Pods::read(&root).of_process(&root, 7);
        let shown = found.map(|found| format!("{} {}", found.runtime.unwrap_or("-"), found.label()));
        assert_eq!(shown.as_deref(), expected, "{path}");
    }

    #[test]
    fn paths() {
        let under = UID.replace('-', "_");
        let slice = format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{under}.slice");
        check(&format!("{slice}/cri-containerd-{ID}.scope"), Some("containerd pod shop/cart-7d9f"));
        check(&format!("{slice}/crio-{ID}.scope/inner"), Some("crio pod shop/cart-7d9f"));
        check(&format!("/kubepods/besteffort/pod{UID}/{ID}"), Some("- pod shop/cart-7d9f"));
        let other = UID.replace('8', "9");
        check(&format!("/kubepods/pod{other}/{ID}"), Some(&format!("- pod {other}")));
        check(&format!("/system.slice/docker-{ID}.scope"), Some("docker docker 2f0c5e7a9b1d"));
        check(&format!("/docker/{ID}"), Some("docker docker 2f0c5e7a9b1d"));
        check(&format!("/machine.slice/libpod-{ID}.scope"), Some("podman podman 2f0c5e7a9b1d"));
        check("/system.slice/ssh.service", None);
        check("/", None);
        check("", None);
    }
}
