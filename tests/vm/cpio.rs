//! Writes a cpio archive in the `newc` form, which is what the kernel unpacks as its first root file system.
//!
//! Archives may be concatenated, a later one wins; so the image is a cached base and a small overlay. Written here
//! rather than by cpio(1), because a device node in an archive needs no privilege while one in a staging folder does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

const DIRECTORY: u32 = 0o040_755;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;

pub(crate) struct Archive<W> {
    out: W,
    /// Written so far; the format pads to four bytes, so the position counts.
    position: usize,
    inode: u32,
    directories: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, position: 0, inode: 0, directories: BTreeSet::new() }
    }

    /// The file at `from` on this machine, its mode kept, as `to` in the archive.
    pub(crate) fn file(&mut self, from: &Path, to: &str) -> Result<()> {
        let context = || format!("failed to read `{}`", from.display());
        let data = fs::read(from).with_context(context)?;
        let mode = fs::metadata(from).with_context(context)?.permissions().mode() & 0o777;
        self.bytes(to, mode, &data)
    }

    pub(crate) fn bytes(&mut self, to: &str, mode: u32, data: &[u8]) -> Result<()> {
        self.parents(to)?;
        Ok(self.entry(to, REGULAR | mode, (0, 0), data)?)
    }

    pub(crate) fn link(&mut self, to: &str, target: &str) -> Result<()> {
        self.parents(to)?;
        Ok(self.entry(to, LINK, (0, 0), target.as_bytes())?)
    }

    pub(crate) fn device(&mut self, to: &str, number: (u32, u32)) -> Result<()> {
        self.parents(to)?;
        Ok(self.entry(to, CHARACTER_DEVICE, number, &[])?)
    }

    pub(crate) fn directory(&mut self, to: &str) -> Result<()> {
        self.parents(&format!("{to}/"))
    }

    /// Every file below `from`, as below `to`.
    pub(crate) fn tree(&mut self, from: &Path, to: &str) -> Result<()> {
        let entries = fs::read_dir(from).with_context(|| format!("failed to read `{}`", from.display()))?;
        let mut names = entries.map(|e| Ok(e?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let (from, to) = (from.join(&name), format!("{to}/{}", name.to_string_lossy()));
            if from.is_dir() {
                self.tree(&from, &to)?;
            } else {
                self.file(&from, &to)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        // The next archive starts at a multiple of 512, as cpio(1) leaves it.
        self.pad(512)?;
        Ok(self.out.flush()?)
    }

    fn parents(&mut self, path: &str) -> Result<()> {
        for (at, _) in path.match_indices('/') {
            let parent = &path[..at];
            if !parent.is_empty() && self.directories.insert(parent.to_owned()) {
                self.entry(parent, DIRECTORY, (0, 0), &[])?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), data: &[u8]) -> io::Result<()> {
        self.inode += 1;
        let path = path.trim_start_matches('/');
        let size = u32::try_from(data.len()).map_err(io::Error::other)?;
        let header = format!(
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{size:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{path}\0",
            self.inode,
            0,
            0,
            1,
            0,
            0,
            0,
            device.0,
            device.1,
            path.len() + 1,
            0,
        );
        self.write(header.as_bytes())?;
        self.pad(4)?;
        self.write(data)?;
        self.pad(4)
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.position += data.len();
        self.out.write_all(data)
    }

    fn pad(&mut self, to: usize) -> io::Result<()> {
        let missing = self.position.next_multiple_of(to) - self.position;
        self.write(&[0; 512][..missing])
    }
}
