//! Whether a dataplane is at work, said in a sentence and with what it rests on.

use std::process::ExitCode;

use super::{dataplane::Where, failure::Failure, show::show};
use crate::{model::finding::Status, view::lists};

/// Prints it; exit code 1 where it does not work as it should.
pub(crate) fn run(at: &Where, mut look: impl FnMut() -> Result<Status, Failure>) -> Result<ExitCode, Failure> {
    let mut works = true;
    let code = show(&at.show, |_| {
        let status = look()?;
        works = status.works;
        Ok(lists::findings(&status).into())
    })?;
    Ok(if works { code } else { ExitCode::FAILURE })
}
