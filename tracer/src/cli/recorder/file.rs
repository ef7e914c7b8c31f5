//! The file that a recording goes to. It is whole at any time but during a write: what a write could not bring to its end is
//! taken back.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    cli::{caller::Caller, output},
    record::format::index::Index,
};

/// A file, or stdout.
pub(super) struct Target {
    /// `None` for stdout.
    file: Option<(File, PathBuf)>,
    /// It can be cut: not a pipe or a device.
    regular: bool,
    index: Index,
    failed: bool,
    ended: bool,
}

impl Target {
    /// Opens the file with the rights of the caller; `-` is stdout.
    pub(super) fn open(caller: Caller, path: &Path) -> anyhow::Result<Self> {
        let new = |file, regular| Self { file, regular, index: Index::default(), failed: false, ended: false };
        if path.as_os_str() == "-" {
            return Ok(new(None, false));
        }
        let (file, regular) = output::create(caller, path)?;
        Ok(new(Some((file, path.to_owned())), regular))
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or("stdout".to_owned(), |(_, path)| format!("`{}`", path.display()))
    }

    /// Bytes written.
    pub(super) fn written(&self) -> u64 {
        self.index.written
    }

    /// Hits and changes written.
    pub(super) fn records(&self) -> u64 {
        self.index.records()
    }

    /// A write has failed: there will be no other.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// The index is written: there is nothing to add.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Writes whole blocks. Where that fails, those that were written before stay.
    pub(super) fn write(&mut self, blocks: &[u8]) -> anyhow::Result<()> {
        let (done, written) = if let Some((file, _)) = &mut self.file {
            write_counted(file, blocks)
        } else {
            let mut stdout = io::stdout().lock();
            let (done, written) = write_counted(&mut stdout, blocks);
            (done, written.and_then(|()| stdout.flush()))
        };
        self.index.written(&blocks[..done]);
        written.map_err(|error| self.take_back(error))
    }

    /// Cuts off what a write left behind that failed.
    fn take_back(&mut self, error: io::Error) -> anyhow::Error {
        self.failed = true;
        let error = anyhow::Error::new(error);
        match &self.file {
            Some((file, path)) if self.regular => {
                // Where even this fails, readers say that the last block was cut off.
                let _ = file.set_len(self.index.written);
                error.context(format!(
                    "failed to write `{}`, which can be read up to here ({} hits)",
                    path.display(),
                    self.index.records()
                ))
            }
            _ => error.context(format!("failed to write {}", self.name())),
        }
    }

    /// Writes the index.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        let mut index = Vec::new();
        self.index.write(&mut index);
        self.write(&index)?;
        self.ended = true;
        match &self.file {
            Some((file, path)) if self.regular => {
                file.sync_data().with_context(|| format!("failed to write `{}`", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Writes all, or as many bytes as it can.
fn write_counted(out: &mut impl io::Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        match out.write(&bytes[done..]) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample::{SETTINGS, journeys, recording};

    /// A disk with room for so many bytes.
    struct Small(usize);

    impl io::Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = bytes.len().min(self.0);
            self.0 -= written;
            if written == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(written) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_fits_is_counted_by_whole_blocks() {
        let bytes = recording(SETTINGS, 25, &journeys(100));
        for room in (0..bytes.len()).step_by(61) {
            let (done, written) = write_counted(&mut Small(room), &bytes);
            assert_eq!((done, written.is_err()), (room, true));
            let mut index = Index::default();
            index.written(&bytes[..done]);
            assert!(index.written as usize <= room);
            // What is cut off there can be read without a word of damage.
            if let Ok((records, reader)) = crate::record::tests::sample::read(&bytes[..index.written as usize]) {
                assert_eq!(records.len() as u64, index.records());
                assert_eq!((reader.missing().tail, reader.missing().damaged), (0, 0));
            }
        }
    }
}
