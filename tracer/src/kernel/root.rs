//! The directory that stands for `/`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Where `/sys`, `/proc` and `/run` are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The running system.
    pub fn system() -> Self {
        Self(PathBuf::from("/"))
    }

    /// A directory that holds `sys`, `proc` and whatever else is asked for.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Where the absolute `path` is found.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Opens a file for reading.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        File::open(self.path(path))
    }

    /// The whole file.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        fs::read(self.path(path))
    }

    /// The whole file as text, without white space at its ends.
    pub fn text(&self, path: impl AsRef<Path>) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.read(path)?).trim().to_owned())
    }

    /// Names in a directory, sorted; none if it cannot be listed.
    pub fn list(&self, path: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(path)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

impl Default for Root {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_stay_below_the_root() {
        let root = Root::at("/fake");
        assert_eq!(root.path("/proc/kallsyms"), Path::new("/fake/proc/kallsyms"));
        assert_eq!(root.path("proc"), Path::new("/fake/proc"));
        assert_eq!(Root::system().path("/sys"), Path::new("/sys"));
    }

    #[test]
    fn a_directory_that_is_not_there_is_empty() {
        assert!(Root::at("/nonexistent-root").list("/run/netns").is_empty());
    }
}
