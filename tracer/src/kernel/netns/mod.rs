//! Network namespaces: which one an argument means, and which interfaces it has.

mod enter;
mod interface;
mod kind;
mod places;

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{Root, nearest::nearest};
pub use enter::within;
pub use interface::interface;
pub use places::{Place, file, place, places, visit};

/// Where `ip netns add` puts names; the second is the first on most machines.
const DIRECTORIES: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netns {
    /// Number that identifies it.
    pub inode: u32,
    /// Something to open it by; `None` if only its number was given.
    pub path: Option<PathBuf>,
}

/// Why a namespace or an interface is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Behind `inode:` or `pid:` there is no number.
    #[error("`{0}` holds no number: a namespace is given as a path, a name, `inode:N` or `pid:N`")]
    Number(String),
    /// No namespace has that name.
    #[error("no network namespace is called `{name}`{}", hint(nearest.as_deref()))]
    Name {
        /// As typed.
        name: String,
        /// A name that exists.
        nearest: Option<String>,
    },
    /// There is no such process.
    #[error("there is no process {0}")]
    Process(u32),
    /// The file cannot be opened.
    #[error("failed to open `{}` as a network namespace (`lsns -t net` lists them)", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{}` is no network namespace", .0.display())]
    Other(PathBuf),
    /// No name and no process leads to the namespace.
    #[error("no process and no name under /run/netns leads to the network namespace {0}")]
    Unreachable(u32),
    /// The namespace cannot be entered.
    #[error("failed to enter the network namespace {inode} (this needs CAP_SYS_ADMIN)")]
    Enter {
        /// Its number.
        inode: u32,
        /// Why.
        source: io::Error,
    },
    /// The namespace has no such interface.
    #[error("there is no interface `{name}`{}", hint(nearest.as_deref()))]
    Interface {
        /// As typed.
        name: String,
        /// One that exists.
        nearest: Option<String>,
    },
    /// The interfaces could not be asked for.
    #[error("failed to look up the interface `{name}`")]
    Lookup {
        /// As typed.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The namespace, or what led to it, is there no more.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Open { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Process(_) | Self::Unreachable(_) => true,
            _ => false,
        }
    }
}

/// The namespace that an argument means: a path, which has a slash, `inode:N`, `pid:N`, or a name under `/run/netns`.
pub fn resolve(root: &Root, argument: &str) -> Result<Netns, Error> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| Error::Number(argument.to_owned()));
    if let Some(inode) = argument.strip_prefix("inode:") {
        Ok(Netns { inode: number(inode)?, path: None })
    } else if let Some(pid) = argument.strip_prefix("pid:") {
        of_process(root, number(pid)?)
    } else if argument.starts_with('/') {
        at(root.path(argument))
    } else if argument.contains('/') {
        at(PathBuf::from(argument))
    } else {
        at(named(root, argument)?)
    }
}

/// The namespace of this process.
pub fn own(root: &Root) -> Result<Netns, Error> {
    at(root.path("/proc/self/ns/net"))
}

/// Names by inode, for display.
pub fn names(root: &Root) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for directory in DIRECTORIES {
        for name in root.list(directory) {
            if let Ok(netns) = at(root.path(directory).join(&name)) {
                names.entry(netns.inode).or_insert(name);
            }
        }
    }
    names
}

fn of_process(root: &Root, pid: u32) -> Result<Netns, Error> {
    match at(root.path(format!("/proc/{pid}/ns/net"))) {
        Err(Error::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound => Err(Error::Process(pid)),
        other => other,
    }
}

fn named(root: &Root, name: &str) -> Result<PathBuf, Error> {
    // A name is no path: `..` would lead out of the directory.
    let is_name = Path::new(name).file_name().is_some_and(|last| last == name);
    let found = DIRECTORIES.iter().map(|directory| root.path(directory).join(name)).find(|path| path.exists());
    found.filter(|_| is_name).ok_or_else(|| {
        let names: Vec<String> = DIRECTORIES.iter().flat_map(|directory| root.list(directory)).collect();
        let nearest = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        Error::Name { name: name.to_owned(), nearest }
    })
}

/// The namespace behind a file, if it is one.
fn at(path: PathBuf) -> Result<Netns, Error> {
    let file = open(&path)?;
    let inode = file.metadata().ok().filter(|_| kind::is_network_namespace(&file)).map(|metadata| metadata.ino());
    match inode {
        Some(inode) => Ok(Netns { inode: inode as u32, path: Some(path) }),
        None => Err(Error::Other(path)),
    }
}

/// Opens a file that may be anything: a pipe must not make us wait, nor a device come to life.
fn open(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::Other(path.to_owned()));
    }
    File::open(path).map_err(failed)
}

/// The file that leads to a namespace, for entering it.
fn reach(root: &Root, netns: &Netns) -> Result<File, Error> {
    if let Some(path) = &netns.path {
        return open(path);
    }
    let found = paths(root).find(|path| at(path.clone()).is_ok_and(|found| found.inode == netns.inode));
    open(&found.ok_or(Error::Unreachable(netns.inode))?)
}

/// All that may lead to a namespace: names, then processes.
fn paths(root: &Root) -> impl Iterator<Item = PathBuf> {
    let named = DIRECTORIES.iter().flat_map(|directory| {
        let directory = root.path(directory);
        root.list(&directory).into_iter().map(move |name| directory.join(name))
    });
    let processes = root.list("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    named.chain(processes.map(|pid| root.path(format!("/proc/{pid}/ns/net"))))
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(argument: &str, expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        fs::create_dir_all(root.path("/run/netns")).unwrap();
        fs::write(root.path("/run/netns/web"), "left behind").unwrap();
        let shown = match resolve(&root, argument) {
            Ok(netns) => format!("{} {:?}", netns.inode, netns.path),
            Err(error) => error.to_string().replace(directory.path().to_str().unwrap(), ""),
        };
        assert_eq!(shown, expected, "{argument}");
        assert!(names(&root).is_empty());
    }

    #[test]
    fn arguments_are_told_apart() {
        check("inode:4026531840", "4026531840 None");
        check("inode:x", "`inode:x` holds no number: a namespace is given as a path, a name, `inode:N` or `pid:N`");
        check("inode:-1", "`inode:-1` holds no number: a namespace is given as a path, a name, `inode:N` or `pid:N`");
        check("pid:7", "there is no process 7");
        check("/run/netns/none", "failed to open `/run/netns/none` as a network namespace (`lsns -t net` lists them)");
        check("/run/netns/web", "`/run/netns/web` is no network namespace");
        check("/run/netns", "`/run/netns` is no network namespace");
        check("web", "`/run/netns/web` is no network namespace");
        check("wen", "no network namespace is called `wen`, did you mean `web`?");
        check("zzzzzzz", "no network namespace is called `zzzzzzz`");
        check("./no/such/web", "failed to open `./no/such/web` as a network namespace (`lsns -t net` lists them)");
        check("src/lib.rs", "`src/lib.rs` is no network namespace");
        check("..", "no network namespace is called `..`");
        check("", "no network namespace is called ``");
    }

    #[test]
    fn a_number_that_nothing_leads_to_cannot_be_entered() {
        let root = Root::at("/nonexistent-root");
        let netns = Netns { inode: 5, path: None };
        let error = reach(&root, &netns).unwrap_err().to_string();
        assert_eq!(error, "no process and no name under /run/netns leads to the network namespace 5");
    }
}
