//! Programs attached to control groups (version 2), group by group.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::AsFd as _,
        unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use super::{
    Error,
    links::Links,
    pods::Pods,
    programs::Names,
    sys::{self, EFFECTIVE, Target},
};
use crate::{kernel::Root, model::CgroupRow};

/// Groups within groups that are followed.
const DEEPEST: usize = 64;

/// Hooks by number (`enum bpf_attach_type`), with bpftool's names.
const HOOKS: [(u32, &str); 29] = [
    (0, "cgroup_inet_ingress"),
    (1, "cgroup_inet_egress"),
    (2, "cgroup_inet_sock_create"),
    (3, "cgroup_sock_ops"),
    (6, "cgroup_device"),
    (8, "cgroup_inet4_bind"),
    (9, "cgroup_inet6_bind"),
    (10, "cgroup_inet4_connect"),
    (11, "cgroup_inet6_connect"),
    (12, "cgroup_inet4_post_bind"),
    (13, "cgroup_inet6_post_bind"),
    (14, "cgroup_udp4_sendmsg"),
    (15, "cgroup_udp6_sendmsg"),
    (18, "cgroup_sysctl"),
    (19, "cgroup_udp4_recvmsg"),
    (20, "cgroup_udp6_recvmsg"),
    (21, "cgroup_getsockopt"),
    (22, "cgroup_setsockopt"),
    (29, "cgroup_inet4_getpeername"),
    (30, "cgroup_inet6_getpeername"),
    (31, "cgroup_inet4_getsockname"),
    (32, "cgroup_inet6_getsockname"),
    (34, "cgroup_inet_sock_release"),
    (43, "lsm_cgroup"),
    (49, "cgroup_unix_connect"),
    (50, "cgroup_unix_sendmsg"),
    (51, "cgroup_unix_recvmsg"),
    (52, "cgroup_unix_getpeername"),
    (53, "cgroup_unix_getsockname"),
];

/// Where control groups of version 2 are mounted.
pub fn mount(root: &Root) -> Option<PathBuf> {
    let text = root.text("/proc/self/mountinfo").unwrap_or_default();
    let mut places = text.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (after.split(' ').next()? == "cgroup2").then(|| before.split(' ').nth(4).map(PathBuf::from)).flatten()
    });
    // One may be hidden below another mount.
    places.find(|place| root.path(place).is_dir())
}

/// What is attached at `top` and in the groups below it; with `effective` also what each inherits.
pub fn rows(root: &Root, top: &Path, effective: bool) -> Result<(Vec<CgroupRow>, Vec<String>), Error> {
    let mut tree = Tree {
        pods: Pods::read(root),
        links: Links::read()?,
        names: Names::default(),
        effective,
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let file = File::open(root.path(top)).map_err(|source| Error::Pin { path: top.to_owned(), source })?;
    tree.group(root, top, &file, 0)?;
    Ok((tree.rows, tree.notes))
}

struct Tree {
    pods: Pods,
    links: Links,
    names: Names,
    effective: bool,
    rows: Vec<CgroupRow>,
    notes: Vec<String>,
}

impl Tree {
    fn group(&mut self, root: &Root, path: &Path, file: &File, depth: usize) -> Result<(), Error> {
        let id = file.metadata().map_or(0, |metadata| metadata.ino());
        for (number, hook) in HOOKS {
            match self.hook(path, file, id, (number, hook)) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::EBADF) => {
                    return Err(Error::Other { path: path.to_owned(), what: "control group" });
                }
                // It is gone again.
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Ok(()),
                Err(error) => {
                    return Err(Error::asking("asking for programs of control groups", "CAP_NET_ADMIN", error));
                }
            }
        }
        if depth == DEEPEST {
            self.notes.push(format!("groups below `{}` are not looked at", path.display()));
            return Ok(());
        }
        let mut below: Vec<PathBuf> = fs::read_dir(root.path(path))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| path.join(entry.file_name()))
            .collect();
        below.sort_unstable();
        for path in below {
            match File::open(root.path(&path)) {
                Ok(file) => self.group(root, &path, &file, depth + 1)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.notes.push(format!("`{}` cannot be opened: {error}", path.display())),
            }
        }
        Ok(())
    }

    fn hook(&mut self, path: &Path, file: &File, id: u64, (number, hook): (u32, &str)) -> io::Result<()> {
        // Also what is inherited from groups above.
        let flags = if self.effective { EFFECTIVE } else { 0 };
        let attached = sys::query(Target::File(file.as_fd()), number, flags, false)?;
        for (place, &program) in attached.programs.iter().enumerate() {
            let known = self.names.known(program);
            let target = known.as_ref().map_or((0, 0), |known| known.target);
            self.rows.push(CgroupRow {
                path: path.as_os_str().as_bytes().to_vec(),
                container: self.pods.of_path(&path.to_string_lossy()),
                hook: hook.to_owned(),
                order: place as u32 + 1,
                flags: attached.each.get(place).copied().unwrap_or(attached.flags),
                program,
                name: known.map(|known| known.name).unwrap_or_default(),
                link: self.links.of_cgroup(id, number, program),
                target,
                function: (target.0 != 0).then(|| self.names.function(target.0, target.1)).flatten(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        assert_eq!(mount(&root), None);
        fs::create_dir_all(root.path("/proc/self")).unwrap();
        let text = "\
30 24 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro
31 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
";
        fs::write(root.path("/proc/self/mountinfo"), text).unwrap();
        assert_eq!(mount(&root), None);
        fs::create_dir_all(root.path("/sys/fs/cgroup/unified")).unwrap();
        assert_eq!(mount(&root), Some(PathBuf::from("/sys/fs/cgroup/unified")));
    }
}
