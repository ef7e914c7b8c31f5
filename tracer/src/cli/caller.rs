//! The user who called sudo. Files are theirs, and made with their rights.
//!
//! Without `CAP_DAC_OVERRIDE`, which is dropped before the first row, root may not write into the folder of somebody else.
//! That it may act as its own real user needs no capability at all, so that user becomes the one who called.

use std::{fs::File, io, os::unix::fs::MetadataExt as _};

use nix::unistd::{Gid, Uid, fchown, setfsgid, setfsuid};

use crate::collect::privileges;

/// Who called, if not this process's own user.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller(Option<(Uid, Gid)>);

impl Caller {
    /// Makes the caller the real user of this thread, and of those that it starts from then on. The effective user stays root,
    /// and with it the capabilities.
    ///
    /// It is for after the last program was executed: another one would take differing users for a reason to distrust
    /// its environment.
    pub(crate) fn adopt() -> Self {
        let id = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
        let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) else { return Self(None) };
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        if user.is_root() || !Uid::effective().is_root() {
            return Self(None);
        }
        Self(privileges::set_real_user(user, group).is_ok().then_some((user, group)))
    }

    /// Does something to a file as the caller, or as this process where the caller may not. `work` must have done nothing
    /// when it is refused.
    pub(crate) fn attempt<T>(self, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let Some((user, group)) = self.0 else { return work() };
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        match as_user(user, group, &work) {
            Err(error) if refused(&error) => work(),
            done => done,
        }
    }

    /// Makes the caller the owner of a file that is not theirs yet. Once privileges are gone this cannot be, which is no
    /// failure: the file is in a folder where only root may write.
    pub(crate) fn give(self, file: &File) {
        let theirs = |user: Uid| file.metadata().is_ok_and(|metadata| metadata.uid() == user.as_raw());
        if let Some((user, group)) = self.0.filter(|(user, _)| !theirs(*user)) {
            let _ = fchown(file, Some(user), Some(group));
        }
    }
}

/// Only this thread acts as the user, and only until `work` is done.
fn as_user<T>(user: Uid, group: Gid, work: impl Fn() -> T) -> T {
    struct Back(Uid, Gid);
    impl Drop for Back {
        fn drop(&mut self) {
            setfsuid(self.0);
            setfsgid(self.1);
        }
    }
    let group = setfsgid(group);
    let _back = Back(setfsuid(user), group);
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Counts how often the work was tried; acting as oneself needs no privileges.
    fn tries(caller: Caller, result: Result<(), io::ErrorKind>) -> u32 {
        let tries = Cell::new(0);
        let done = caller.attempt(|| {
            tries.set(tries.get() + 1);
            result.map_err(io::Error::from)
        });
        assert_eq!(done.map_err(|error| error.kind()), result);
        tries.get()
    }

    #[test]
    fn what_the_caller_may_not_is_tried_once_more() {
        let myself = Caller(Some((Uid::effective(), Gid::effective())));
        assert_eq!(tries(myself, Ok(())), 1);
        assert_eq!(tries(myself, Err(io::ErrorKind::NotFound)), 1);
        assert_eq!(tries(myself, Err(io::ErrorKind::PermissionDenied)), 2);
        assert_eq!(tries(Caller::default(), Err(io::ErrorKind::PermissionDenied)), 1);
    }
}
