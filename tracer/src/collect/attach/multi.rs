//! kprobe-multi: one link for all functions that share a program (FPROBE, 5.18 and later).

use std::os::fd::{AsFd as _, BorrowedFd};

use super::{Attached, Refused, Steps, Target, load_programs};
use crate::collect::{error::Error, object::Object, sys};

/// Attaches to all `targets`. One function that the kernel refuses fails a whole link, so a link that fails is tried again
/// in halves, down to the function.
pub fn attach(object: &Object, targets: &[Target], steps: &mut Steps<'_>) -> Result<Attached, Error> {
    let mut attached = Attached { wanted: targets.len(), ..Attached::default() };
    let (judge, groups) = load_programs(object, targets, true)?;
    attached.programs.push(judge);
    for (program, members) in groups {
        attach_some(program.as_fd(), &members, &mut attached);
        steps.add(members.len());
        attached.programs.push(program);
    }
    attached.check()?;
    Ok(attached)
}

fn attach_some(program: BorrowedFd<'_>, targets: &[&Target], attached: &mut Attached) {
    let addresses: Vec<u64> = targets.iter().map(|target| target.address).collect();
    match (sys::attach_multi(program, &addresses), targets) {
        (Ok(link), _) => {
            attached.links.push(link);
            attached.count += targets.len();
        }
        (Err(error), [target]) => attached.refused.push(Refused { function: target.function.clone(), error }),
        // The kernel itself cannot, whatever the functions: halving would only repeat the answer.
        (Err(error), _) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            let all = targets.iter().map(|target| {
                let error = std::io::Error::from_raw_os_error(libc::EOPNOTSUPP);
                Refused { function: target.function.clone(), error }
            });
            attached.refused.extend(all);
        }
        (Err(_), _) => {
            let (left, right) = targets.split_at(targets.len() / 2);
            attach_some(program, left, attached);
            attach_some(program, right, attached);
        }
    }
}
