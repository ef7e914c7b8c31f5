//! Filters from standard input: each line replaces the filter of a running trace.

use std::{io::BufRead as _, thread};

use super::{args::What, failure::Failure, say::say, settings};
use crate::{
    feed::live::control::{Answer, Command, Commands, control},
    kernel::Root,
};

/// Reads lines on a thread of its own; what they ask for is carried out by whoever has the commands. The flags of `what` that
/// are spellings of a filter hold for each line too.
pub(crate) fn filters(what: What) -> Commands {
    let (control, commands) = control();
    thread::spawn(move || {
        let root = Root::system();
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match settings::filter(&root, std::slice::from_ref(&line), &what) {
                Ok(filter) => {
                    if !control.send(Command::Filter(filter)) {
                        break;
                    }
                }
                Err(Failure::Usage(error) | Failure::Run(error)) => {
                    say(format_args!("the filter stays as it is: {error:#}"));
                }
            }
        }
    });
    commands
}

/// No commands.
pub(crate) fn none() -> Commands {
    control().1
}

/// Says what became of a line.
pub(crate) fn report(answer: Answer) {
    match answer {
        Answer::Filter { number, text } if text.is_empty() => {
            say(format_args!("filter {number} in force: every packet"));
        }
        Answer::Filter { number, text } => say(format_args!("filter {number} in force: {text}")),
        Answer::Refused(error) => say(format_args!("the filter stays as it is: {error}")),
    }
}
