//! Every network namespace that a name, a mount or a process leads to, and a way to look around in each.
//!
//! One that nothing but an open descriptor or a socket holds is not found.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    thread,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
};

use super::{DIRECTORIES, Error, Netns, at, open, own, reach};
use crate::kernel::Root;

/// A namespace with what leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The namespace.
    pub netns: Netns,
    /// Names under `/run/netns`, and files elsewhere that it is mounted to.
    pub names: Vec<String>,
    /// Processes in it, in rising order.
    pub processes: Vec<u32>,
}

/// All of them, by their numbers.
pub fn places(root: &Root) -> Vec<Place> {
    let mut found = Found(BTreeMap::new());
    for directory in DIRECTORIES {
        for name in root.list(directory) {
            if let Ok(netns) = at(root.path(directory).join(&name)) {
                found.named(netns, name);
            }
        }
    }
    for path in mounted(&root.text("/proc/self/mountinfo").unwrap_or_default()) {
        if let Ok(netns) = at(root.path(&path)) {
            found.named(netns, path);
        }
    }
    let mut pids: Vec<u32> = root.list("/proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        let path = root.path(format!("/proc/{pid}/ns/net"));
        // The link's text tells the number without opening anything.
        if let Some(inode) = fs::read_link(&path).ok().and_then(|link| inode(&link)) {
            found.entry(Netns { inode, path: Some(path) }).processes.push(pid);
        }
    }
    found.0.into_values().collect()
}

/// The one namespace that is meant, this process's own without, with what leads to it.
pub fn place(root: &Root, wanted: Option<&Netns>) -> Result<Place, Error> {
    let netns = wanted.map_or_else(|| own(root), |netns| Ok(netns.clone()))?;
    let known = places(root).into_iter().find(|place| place.netns.inode == netns.inode);
    Ok(known.unwrap_or(Place { netns, names: Vec::new(), processes: Vec::new() }))
}

/// Looks around in namespaces, one after the other, on a thread that ends right after: nothing else is moved.
pub fn visit<T: Send>(
    root: &Root,
    places: &[Place],
    mut look: impl FnMut(&Place, &File) -> T + Send,
) -> Vec<Result<T, Error>> {
    let visited = thread::scope(|scope| {
        let all = scope.spawn(|| {
            places.iter().map(|place| enter(root, &place.netns).map(|file| look(place, &file))).collect::<Vec<_>>()
        });
        all.join().ok()
    });
    visited.unwrap_or_else(|| {
        let failed = |place: &Place| {
            Err(Error::Enter { inode: place.netns.inode, source: io::Error::other("the thread failed") })
        };
        places.iter().map(failed).collect()
    })
}

/// The file that stands for a namespace; `None` where nothing leads there any more.
pub fn file(root: &Root, netns: &Netns) -> Option<File> {
    found(root, netns).ok()
}

fn enter(root: &Root, netns: &Netns) -> Result<File, Error> {
    let file = found(root, netns)?;
    let failed = |error: Errno| Error::Enter { inode: netns.inode, source: error.into() };
    setns(&file, CloneFlags::CLONE_NEWNET).map_err(failed)?;
    Ok(file)
}

fn found(root: &Root, netns: &Netns) -> Result<File, Error> {
    let inode = netns.inode;
    let is_meant = |file: &File| file.metadata().is_ok_and(|metadata| metadata.ino() as u32 == inode);
    // The process that led there may have ended, and its number gone to another.
    let direct = netns.path.as_deref().and_then(|path| open(path).ok()).filter(is_meant);
    direct.map_or_else(|| reach(root, &Netns { inode, path: None }), Ok)
}

struct Found(BTreeMap<u32, Place>);

impl Found {
    fn entry(&mut self, netns: Netns) -> &mut Place {
        let new = |netns| Place { netns, names: Vec::new(), processes: Vec::new() };
        self.0.entry(netns.inode).or_insert_with(|| new(netns))
    }

    fn named(&mut self, netns: Netns, name: String) {
        let names = &mut self.entry(netns).names;
        let known = |known: &String| *known == name || Path::new(&name).ends_with(known);
        if !names.iter().any(known) {
            names.push(name);
        }
    }
}

/// Where namespaces are mounted, by the file that stands for them.
fn mounted(mountinfo: &str) -> Vec<String> {
    let rows = mountinfo.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (kind, place) = (fields.next()?, fields.next()?);
        kind.starts_with("net:[").then(|| place.to_owned())
    });
    rows.collect()
}

/// The number in `net:[4026531840]`.
fn inode(link: &Path) -> Option<u32> {
    link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn processes_and_mounts_lead_to_namespaces() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        for (pid, target) in [(7, "net:[40]"), (3, "net:[40]"), (9, "net:[41]"), (10, "mnt:[40]")] {
            fs::create_dir_all(root.path(format!("/proc/{pid}/ns"))).unwrap();
            symlink(target, root.path(format!("/proc/{pid}/ns/net"))).unwrap();
        }
        let found: Vec<_> = places(&root).into_iter().map(|place| (place.netns.inode, place.processes)).collect();
        assert_eq!(found, [(40, vec![3, 7]), (41, vec![9])]);
        let mountinfo = "\
99 23 0:4 net:[4026532201] /run/netns/web rw shared:2 - nsfs nsfs rw
98 23 0:4 mnt:[4026532202] /run/x rw - nsfs nsfs rw
";
        assert_eq!(mounted(mountinfo), ["/run/netns/web"]);
    }

    #[test]
    fn one_place_has_one_name() {
        let mut found = Found(BTreeMap::new());
        let netns = Netns { inode: 40, path: None };
        for name in ["web", "/run/netns/web", "/run/docker/netns/4f", "web"] {
            found.named(netns.clone(), name.to_owned());
        }
        assert_eq!(found.0[&40].names, ["web", "/run/docker/netns/4f"]);
    }
}
