//! Recordings from outside: what is replayed is what a live run would have shown, other tools read the same file, and a bad
//! file gets one sentence.

mod bad_input;
mod diff;
mod export;
mod fixtures;
mod packets;
mod replay;
mod sample;
mod timeline;
mod wireshark;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sample::Sample;

/// A folder with the sample's recording in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let sample = Sample::new();
        sample.write(&folder.path("sample.pcapng"), false, &sample.records);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs skbtrail here.
    fn skbtrail(&self, args: &[&str]) -> Output {
        skbtrail(self.0.path(), args)
    }

    /// What skbtrail prints here when all is well.
    fn stdout(&self, args: &[&str]) -> String {
        let output = self.skbtrail(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{args:?}");
        text(&output.stdout)
    }
}

fn skbtrail(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skbtrail"));
    command.args(args).current_dir(folder).env("NO_COLOR", "1").env("TZ", "UTC").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
