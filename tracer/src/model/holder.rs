//! Who holds something in the kernel: processes, and the containers and pods that they belong to.

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What the kernel calls it; foreign bytes.
    pub comm: Vec<u8>,
}

/// A container, as the path of its control group tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Container {
    /// Who runs it (`containerd`, `docker`, `crio`, `podman`), where the path says so.
    pub runtime: Option<&'static str>,
    /// Its id, of 64 hexadecimal digits mostly.
    pub id: String,
    /// The pod that it belongs to.
    pub pod: Option<Pod>,
}

/// A Kubernetes pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Its uid.
    pub uid: String,
    /// Namespace and name, where the folder of its logs tells.
    pub name: Option<(String, String)>,
}

impl Container {
    /// `namespace/pod` where that is known, or else the pod's uid, or else runtime and the first digits of the id.
    pub fn label(&self) -> String {
        match &self.pod {
            Some(Pod { name: Some((namespace, name)), .. }) => format!("pod {namespace}/{name}"),
            Some(Pod { uid, .. }) => format!("pod {uid}"),
            None => format!("{} {}", self.runtime.unwrap_or("container"), self.id.get(..12).unwrap_or(&self.id)),
        }
    }
}
