//! The programs that follow packets through copies, merges and frees: fentry and fexit, beside any backend.

use std::os::fd::AsFd as _;

use super::{Attached, Refused, Steps};
use crate::{
    collect::{error::Error, object::Object, sys},
    probe::lifecycle::{self, Hook, Role},
};

/// Attaches to all hooks; returns whether the end of each packet is seen, so that packets can be followed.
pub fn attach(object: &Object, hooks: &[Hook], attached: &mut Attached, steps: &mut Steps<'_>) -> bool {
    let mut done = Vec::new();
    // What sees an end comes first, so that nothing is followed whose end is not seen.
    for hook in hooks.iter().rev() {
        steps.add(1);
        let program = match object.load_traced(program_for(hook.role), hook.id, hook.instance) {
            Ok(program) => program,
            Err(error) => {
                attached.refused.push(refused(hook, error));
                continue;
            }
        };
        match sys::attach_traced(program.as_fd()) {
            Ok(link) => {
                attached.links.push(link);
                attached.followers.push(program);
                done.push(hook.function);
            }
            Err(error) => attached.refused.push(Refused { function: hook.function.to_owned(), error }),
        }
    }
    lifecycle::suffice(&done)
}

fn refused(hook: &Hook, error: Error) -> Refused {
    let error = match error {
        Error::Load { source, .. } => source,
        other => std::io::Error::other(other),
    };
    Refused { function: hook.function.to_owned(), error }
}

fn program_for(role: Role) -> &'static str {
    match role {
        Role::Copied => "copied",
        Role::Split => "split",
        Role::Merged => "merged",
        Role::Released => "released",
        Role::Stolen => "stolen",
        Role::Freed => "freed",
        Role::HandedOut => "handed_out",
        Role::Gone => "gone",
        Role::PartlyFreed => "partly_freed",
        Role::FreedTogether => "freed_together",
    }
}
