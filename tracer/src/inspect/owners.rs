//! Which processes hold maps, programs and links open.

use std::{collections::HashMap, fs};

use super::{
    fdinfo::{self, Held},
    sys::Object,
};
use crate::{kernel::Root, model::Process};

/// Bytes of a process's name that are kept: kernel threads have longer ones than the 15 of others.
const COMM_BYTES: usize = 63;

/// Who holds what.
#[derive(Debug, Default)]
pub struct Owners {
    held: HashMap<(Object, u32), Vec<Process>>,
    /// Processes whose descriptors could not be looked at.
    pub unreadable: u64,
}

impl Owners {
    /// Looks at every process below `/proc`.
    pub fn read(root: &Root) -> Self {
        let mut owners = Self::default();
        for pid in processes(root) {
            owners.look(root, pid);
        }
        owners
    }

    /// Those that hold the map, by their numbers.
    pub fn of_map(&self, id: u32) -> &[Process] {
        self.of(Object::Map, id)
    }

    /// Those that hold the program, or a link that has it.
    pub fn of_program(&self, id: u32) -> &[Process] {
        self.of(Object::Program, id)
    }

    /// Those that hold the link.
    pub fn of_link(&self, id: u32) -> &[Process] {
        self.of(Object::Link, id)
    }

    fn of(&self, object: Object, id: u32) -> &[Process] {
        self.held.get(&(object, id)).map_or(&[], Vec::as_slice)
    }

    fn look(&mut self, root: &Root, pid: u32) {
        let Ok(descriptors) = fs::read_dir(root.path(format!("/proc/{pid}/fd"))) else {
            // One that has ended meanwhile holds nothing.
            self.unreadable += u64::from(root.path(format!("/proc/{pid}")).exists());
            return;
        };
        let mut process = None;
        for descriptor in descriptors.flatten() {
            let is_bpf = |target: &str| target.starts_with("anon_inode:bpf");
            if !fs::read_link(descriptor.path()).is_ok_and(|target| target.to_str().is_some_and(is_bpf)) {
                continue;
            }
            let name = descriptor.file_name();
            let text = root.text(format!("/proc/{pid}/fdinfo/{}", name.to_string_lossy()));
            if let Some(held) = text.ok().and_then(|text| fdinfo::held(&text)) {
                let process = process.get_or_insert_with(|| Process { pid, comm: comm(root, pid) });
                self.note(held, process);
            }
        }
    }

    fn note(&mut self, held: Held, process: &Process) {
        let program = held.program.map(|program| (Object::Program, program));
        for what in [Some((held.object, held.id)), program].into_iter().flatten() {
            let holders = self.held.entry(what).or_default();
            if holders.last() != Some(process) {
                holders.push(process.clone());
            }
        }
    }
}

/// Numbers of all processes, in rising order.
pub(super) fn processes(root: &Root) -> Vec<u32> {
    let mut pids: Vec<u32> = root.list("/proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The name of a process; foreign bytes.
pub(super) fn comm(root: &Root, pid: u32) -> Vec<u8> {
    let mut comm = root.read(format!("/proc/{pid}/comm")).unwrap_or_default();
    comm.truncate(comm.iter().position(|&byte| byte == b'\n').unwrap_or(comm.len()).min(COMM_BYTES));
    comm
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn holders_are_found_by_their_descriptors() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        let holds = |pid: u32, number: u32, target: &str, text: &str| {
            for part in ["fd", "fdinfo"] {
                fs::create_dir_all(root.path(format!("/proc/{pid}/{part}"))).unwrap();
            }
            fs::write(root.path(format!("/proc/{pid}/comm")), "agent\n").unwrap();
            symlink(target, root.path(format!("/proc/{pid}/fd/{number}"))).unwrap();
            fs::write(root.path(format!("/proc/{pid}/fdinfo/{number}")), text).unwrap();
        };
        holds(20, 3, "anon_inode:bpf-map", "map_id:\t5\n");
        holds(20, 4, "anon_inode:bpf-map", "map_id:\t5\n");
        holds(3, 9, "anon_inode:bpf_link", "link_id:\t7\nprog_id:\t31\n");
        holds(3, 10, "/etc/passwd", "map_id:\t6\n");
        fs::create_dir_all(root.path("/proc/4")).unwrap();
        let owners = Owners::read(&root);
        let agent = |pid| Process { pid, comm: b"agent".to_vec() };
        assert_eq!(owners.of_map(5), [agent(20)]);
        assert_eq!(owners.of_program(31), [agent(3)]);
        assert_eq!(owners.of_link(7), [agent(3)]);
        assert!(owners.of_map(6).is_empty());
        assert_eq!(owners.unreadable, 1);
    }
}
