//! Where rows go: stdout or a file, which may begin anew at a size.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// A file's owner may read and write it, nobody else: it holds traffic.
const PRIVATE: u32 = 0o600;

/// Where rows go.
pub(crate) enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// A file of a bounded size, with older ones beside it.
    File(Rotating),
}

impl Output {
    /// Opens the file, or stdout without one.
    pub(crate) fn open(path: Option<&Path>, max_mb: u64, backups: usize) -> anyhow::Result<Self> {
        Ok(match path {
            None => Self::Stdout(io::stdout()),
            Some(path) => Self::File(Rotating::open(path, max_mb * 1_000_000, backups)?),
        })
    }

    /// Writes whole rows.
    pub(crate) fn write(&mut self, rows: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout(stdout) => {
                let mut stdout = stdout.lock();
                stdout.write_all(rows).and_then(|()| stdout.flush()).context("failed to write to stdout")
            }
            Self::File(file) => file.write(rows),
        }
    }
}

/// Whether the error is that nobody reads any more (`| head -1`).
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A file that is put aside at a size: `FILE` is the newest, `FILE.1` the one before, and so on.
pub(crate) struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    backups: usize,
}

impl Rotating {
    fn open(path: &Path, limit: u64, backups: usize) -> anyhow::Result<Self> {
        Ok(Self { path: path.to_owned(), file: create(path)?, size: 0, limit, backups })
    }

    fn write(&mut self, mut rows: &[u8]) -> anyhow::Result<()> {
        while !rows.is_empty() {
            let (fitting, rest) = rows.split_at(self.fitting(rows));
            if fitting.is_empty() {
                self.rotate()?;
                continue;
            }
            self.file.write_all(fitting).with_context(|| format!("failed to write `{}`", self.path.display()))?;
            self.size += fitting.len() as u64;
            rows = rest;
        }
        Ok(())
    }

    /// Bytes of the whole rows that this file still takes; an empty file takes one row in any case.
    fn fitting(&self, rows: &[u8]) -> usize {
        let room = self.limit.saturating_sub(self.size);
        if self.limit == 0 || rows.len() as u64 <= room {
            return rows.len();
        }
        let ends = |part: &[u8]| part.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let whole = ends(&rows[..room as usize]);
        if whole > 0 || self.size > 0 {
            return whole;
        }
        rows.iter().position(|&byte| byte == b'\n').map_or(rows.len(), |first| first + 1)
    }

    fn rotate(&mut self) -> anyhow::Result<()> {
        let mut last = 1;
        while self.numbered(last).exists() && (self.backups == 0 || last < self.backups) {
            last += 1;
        }
        for number in (1..last).rev() {
            self.rename(&self.numbered(number), &self.numbered(number + 1))?;
        }
        self.rename(&self.path, &self.numbered(1))?;
        self.file = create(&self.path)?;
        self.size = 0;
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        fs::rename(from, to).with_context(|| format!("failed to put `{}` aside", self.path.display()))
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PRIVATE)
        .open(path)
        .with_context(|| format!("failed to open `{}`", path.display()))?;
    give_to_caller(&file);
    Ok(file)
}

/// Under sudo the file belongs to the user who called. Not being able to say so is no reason to fail.
fn give_to_caller(file: &File) {
    let id = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) {
        let _ = std::os::unix::fs::fchown(file, Some(user), Some(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn older_files_move_up_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut file = Rotating::open(&path, 4, 2).unwrap();
        for rows in ["1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n"] {
            file.write(rows.as_bytes()).unwrap();
        }
        assert_eq!(contents(&path), "7\n");
        assert_eq!(contents(&file.numbered(1)), "5\n6\n");
        assert_eq!(contents(&file.numbered(2)), "3\n4\n");
        assert!(!file.numbered(3).exists());
    }

    #[test]
    fn rows_at_once_are_spread_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut file = Rotating::open(&path, 6, 0).unwrap();
        file.write(b"1\n22\n333\nmuch too long\n4\n").unwrap();
        assert_eq!(contents(&path), "4\n");
        assert_eq!(contents(&file.numbered(1)), "much too long\n");
        assert_eq!(contents(&file.numbered(2)), "333\n");
        assert_eq!(contents(&file.numbered(3)), "1\n22\n");
    }

    #[test]
    fn a_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        Rotating::open(&path, 0, 0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
