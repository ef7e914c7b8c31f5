//! Writes the files that are asked for in the view, on a thread of its own: of the caller alone, and never over one that is
//! there.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use crate::{
    cli::caller::Caller,
    tui::{engine::Answer, run::Mailbox, state::ToWrite},
};

/// Starts the thread, which ends when the sender has gone and all is written.
pub(super) fn start(caller: Caller, mailbox: Mailbox) -> io::Result<(Sender<ToWrite>, JoinHandle<()>)> {
    let (sender, files) = channel::<ToWrite>();
    let work = move || {
        for (path, bytes) in files {
            mailbox.answer(match write(caller, &path, &bytes) {
                Ok(()) => Answer::Recorded(format!("`{}` is written, {} bytes", path.display(), bytes.len())),
                Err(error) => Answer::Refused(refusal(&path, &error)),
            });
        }
    };
    Ok((sender, thread::Builder::new().name("files".to_owned()).spawn(work)?))
}

fn write(caller: Caller, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = caller.attempt(|| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))?;
    caller.give(&file);
    file.write_all(bytes)
}

fn refusal(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => format!("`{}` exists already; name another file", path.display()),
        _ => format!("failed to write `{}`: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packet.txt");
        write(Caller::default(), &path, b"first").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let error = write(Caller::default(), &path, b"second").unwrap_err();
        assert!(refusal(&path, &error).contains("exists already"));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        let error = write(Caller::default(), &folder.path().join("no/such"), b"").unwrap_err();
        assert!(refusal(&path, &error).starts_with("failed to write `"));
    }
}
