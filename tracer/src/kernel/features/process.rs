//! What this process may do, from `/proc/self`.

use caps::Capability;

use super::{NO_MEMORY_LOCK, Release, Support};
use crate::kernel::Root;

/// Both are needed to load and attach tracing programs (5.8+); `CAP_SYS_ADMIN` stands for both.
const NEEDED: [Capability; 2] = [Capability::CAP_BPF, Capability::CAP_PERFMON];
/// Enough for all maps of a run, bytes.
const MEMORY: u64 = 256 << 20;

/// This process.
pub(super) struct Process {
    /// Bit mask of effective capabilities; `None` if `/proc` does not say.
    capabilities: Option<u64>,
    /// Capabilities count only outside of user namespaces.
    in_user_namespace: bool,
    /// Bytes; `None` without a limit.
    memory_limit: Option<u64>,
}

impl Process {
    pub(super) fn read(root: &Root) -> Self {
        let status = root.text("/proc/self/status").unwrap_or_default();
        let limits = root.text("/proc/self/limits").unwrap_or_default();
        let users = root.text("/proc/self/uid_map").unwrap_or_default();
        Self {
            capabilities: capabilities(&status),
            in_user_namespace: !users.is_empty() && users.split_whitespace().ne(["0", "0", "4294967295"]),
            memory_limit: memory_limit(&limits),
        }
    }

    pub(super) fn has(&self, capability: Capability) -> bool {
        !self.in_user_namespace && self.capabilities.is_some_and(|mask| mask & capability.bitmask() != 0)
    }

    pub(super) fn capabilities(&self) -> Support {
        const INSTEAD: &str = "nothing can be traced; recordings can be read";
        if self.capabilities.is_none() {
            return Support::Unknown("/proc/self/status cannot be read".to_owned());
        }
        if self.in_user_namespace {
            let why = "this process is in a user namespace, where capabilities do not reach the kernel";
            return Support::no(why, INSTEAD, "run outside of the container, or in a privileged one");
        }
        let missing: Vec<String> =
            NEEDED.iter().filter(|capability| !self.has(**capability)).map(ToString::to_string).collect();
        if missing.is_empty() || self.has(Capability::CAP_SYS_ADMIN) {
            return Support::Yes;
        }
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let why = format!("{} {verb} missing", missing.join(" and "));
        Support::no(why, INSTEAD, "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN")
    }

    pub(super) fn memory_lock(&self, release: &Release) -> Support {
        let enough = self.memory_limit.is_none_or(|limit| limit >= MEMORY);
        if *release >= NO_MEMORY_LOCK || enough || self.has(Capability::CAP_SYS_RESOURCE) {
            return Support::Yes;
        }
        let limit = self.memory_limit.unwrap_or_default() >> 10;
        Support::no(
            format!("only {limit} KiB of memory may be locked, and kernels before 5.11 count BPF maps as such"),
            "maps cannot be made",
            "ulimit -l unlimited, or grant CAP_SYS_RESOURCE",
        )
    }
}

fn capabilities(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn memory_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?;
    line.split_whitespace().next()?.parse().ok()
}
