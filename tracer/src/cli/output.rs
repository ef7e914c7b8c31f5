//! Where rows go: stdout or a file, which may begin anew at a size.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{caller::Caller, say::say};

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
    /// Opens the file with the rights of the caller, or stdout without one. 0 MB are no limit.
    pub(crate) fn open(caller: Caller, path: Option<&Path>, max_mb: u64, backups: usize) -> anyhow::Result<Self> {
        Ok(match path {
            None => Self::Stdout(io::stdout()),
            Some(path) => Self::File(Rotating::open(caller, path, max_mb.saturating_mul(1_000_000), backups)?),
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
    caller: Caller,
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    backups: usize,
}

impl Rotating {
    fn open(caller: Caller, path: &Path, limit: u64, backups: usize) -> anyhow::Result<Self> {
        let (file, regular) = create(caller, path)?;
        // What is written to a device or a pipe takes no room there, and nobody wants it renamed.
        let limit = if regular { limit } else { 0 };
        Ok(Self { caller, path: path.to_owned(), file, size: 0, limit, backups })
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
        while (self.backups == 0 || last < self.backups) && self.is_taken(last)? {
            last += 1;
        }
        for number in (1..last).rev() {
            self.rename(&self.numbered(number), &self.numbered(number + 1))?;
        }
        self.rename(&self.path, &self.numbered(1))?;
        (self.file, _) = create(self.caller, &self.path)?;
        self.size = 0;
        Ok(())
    }

    fn is_taken(&self, number: usize) -> anyhow::Result<bool> {
        let path = self.numbered(number);
        self.caller.attempt(|| fs::exists(&path)).with_context(|| format!("failed to look for `{}`", path.display()))
    }

    fn rename(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        let renamed = self.caller.attempt(|| fs::rename(from, to));
        renamed.with_context(|| format!("failed to put `{}` aside", self.path.display()))
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// The file, empty, and whether it is one: a device, a pipe or a terminal is taken as it is.
pub(crate) fn create(caller: Caller, path: &Path) -> anyhow::Result<(File, bool)> {
    let failed = || format!("failed to open `{}`", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(PRIVATE);
    let file = caller.attempt(|| options.open(path)).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    if metadata.is_file() {
        caller.give(&file);
        if metadata.permissions().mode() & !PRIVATE & 0o777 != 0
            && let Err(error) = caller.attempt(|| file.set_permissions(Permissions::from_mode(PRIVATE)))
        {
            say(format_args!("others may read `{}`, which cannot be changed: {error}", path.display()));
        }
    }
    Ok((file, metadata.is_file()))
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
        let mut file = Rotating::open(Caller::default(), &path, 4, 2).unwrap();
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
        let mut file = Rotating::open(Caller::default(), &path, 6, 0).unwrap();
        file.write(b"1\n22\n333\nmuch too long\n4\n").unwrap();
        assert_eq!(contents(&path), "4\n");
        assert_eq!(contents(&file.numbered(1)), "much too long\n");
        assert_eq!(contents(&file.numbered(2)), "333\n");
        assert_eq!(contents(&file.numbered(3)), "1\n22\n");
    }

    #[test]
    fn a_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        Rotating::open(Caller::default(), &path, 0, 0).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        Rotating::open(Caller::default(), &path, 0, 0).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_device_is_neither_changed_nor_put_aside() {
        let before = fs::metadata("/dev/null").unwrap().permissions();
        let mut file = Rotating::open(Caller::default(), Path::new("/dev/null"), 4, 2).unwrap();
        file.write(b"1\n2\n3\n4\n5\n").unwrap();
        assert_eq!(fs::metadata("/dev/null").unwrap().permissions(), before);
        assert!(!file.numbered(1).exists());
    }

    #[test]
    fn a_limit_beyond_all_numbers_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::open(Caller::default(), Some(&path), u64::MAX, 0).unwrap();
        output.write(b"1\n").unwrap();
        assert_eq!(contents(&path), "1\n");
    }
}
