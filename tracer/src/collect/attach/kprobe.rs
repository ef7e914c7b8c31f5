//! Kprobes one by one, for kernels without FPROBE: slow to attach and slower to let go, so both happen in a process of
//! their own ([`super::holder`]) while events already flow.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::fd::{AsRawFd as _, OwnedFd},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::{Attached, Refused, Target, holder, load_programs};
use crate::collect::{error::Error, object::Object, privileges};

/// A line of the holder.
#[derive(Debug)]
enum Answer {
    /// 0, or the kernel's error number for one function.
    Errno(i32),
    /// Why it gave up.
    Failed(String),
}

/// Kprobes that are being attached, or are.
#[derive(Debug)]
pub struct Probes {
    /// Its input: closing it lets go of everything.
    input: Option<File>,
    child: Child,
    answers: Receiver<Answer>,
    /// Functions in the order asked for; those before `answered` have their answer.
    functions: Vec<String>,
    answered: usize,
    /// The holder has said its last word.
    finished: bool,
}

impl Probes {
    /// Loads the programs and has the holder begin; returns before the first function is attached.
    pub fn start(object: &Object, targets: &[Target]) -> Result<(Self, Attached), Error> {
        let (judge, programs) = load_programs(object, targets, false)?;
        let mut by_program: Vec<(&'static str, i32)> = Vec::new();
        let mut attached = Attached { wanted: targets.len(), ..Attached::default() };
        for (descriptor, members) in programs {
            inherit(&descriptor, true).map_err(Error::Holder)?;
            if let Some(first) = members.first() {
                by_program.push((first.program, descriptor.as_raw_fd()));
            }
            attached.programs.push(descriptor);
        }
        let child = spawn(by_program.iter().map(|(_, descriptor)| *descriptor));
        for descriptor in &attached.programs {
            inherit(descriptor, false).map_err(Error::Holder)?;
        }
        let mut child = child.map_err(Error::Holder)?;
        attached.programs.push(judge);
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Holder(io::Error::other("no pipes")));
        };
        let input = ask(input, targets, &by_program).map_err(Error::Holder)?;
        let functions = targets.iter().map(|target| target.function.clone()).collect();
        let probes =
            Self { input: Some(input), child, answers: listen(output), functions, answered: 0, finished: false };
        Ok((probes, attached))
    }

    /// Takes the answers that have come in; returns whether there may be more.
    pub fn update(&mut self, attached: &mut Attached) -> bool {
        while !self.finished {
            match self.answers.try_recv() {
                Ok(answer) => self.note(answer, attached),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => self.finish("it ended early", attached),
            }
        }
        false
    }

    /// Functions with an answer, and functions in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.answered, self.functions.len())
    }

    /// Process id of the holder.
    pub fn holder(&self) -> u32 {
        self.child.id()
    }

    /// An error if the holder has ended, and all its probes with it.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(Some(status)) if self.finished => Err(Error::HolderEnded(status)),
            _ => Ok(()),
        }
    }

    fn note(&mut self, answer: Answer, attached: &mut Attached) {
        let answer = match answer {
            Answer::Errno(number) => number,
            Answer::Failed(why) => return self.finish(&why, attached),
        };
        if answer == 0 {
            attached.count += 1;
        } else if let Some(function) = self.functions.get(self.answered) {
            let error = io::Error::from_raw_os_error(answer);
            attached.refused.push(Refused { function: function.clone(), error });
        }
        self.answered += 1;
        self.finished = self.answered >= self.functions.len();
    }

    /// The holder ended before its time: what it did not answer is not attached.
    fn finish(&mut self, why: &str, attached: &mut Attached) {
        for function in self.functions.drain(self.answered..) {
            let error = io::Error::other(format!("the process that holds the probes: {why}"));
            attached.refused.push(Refused { function, error });
        }
        self.finished = true;
    }
}

impl Drop for Probes {
    /// Closes the holder's input. It is not waited for: letting go may take a minute.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.try_wait();
    }
}

fn spawn(programs: impl Iterator<Item = i32>) -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg(holder::COMMAND)
        .args(programs.map(|descriptor| descriptor.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn inherit(descriptor: &OwnedFd, inherited: bool) -> io::Result<()> {
    let flags = if inherited { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    fcntl(descriptor, FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// Writes all requests from a thread of its own, since the pipe holds fewer than there are; gives the pipe back with a
/// second handle, so that it stays open.
fn ask(input: ChildStdin, targets: &[Target], programs: &[(&'static str, i32)]) -> io::Result<File> {
    let mut text = String::new();
    for target in targets {
        if let Some((_, descriptor)) = programs.iter().find(|(program, _)| *program == target.program) {
            let _ = writeln!(text, "{descriptor} {} {}", target.address, target.function);
        }
    }
    text.push_str(holder::END);
    let mut writer = File::from(OwnedFd::from(input));
    let kept = writer.try_clone()?;
    on_a_thread(move || {
        // An end of the holder is noticed where its answers are read.
        let _ = writer.write_all(text.as_bytes());
    });
    Ok(kept)
}

/// A thread that talks to the holder. It outlives the moment when the process gives up its privileges, so it does so first.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        if privileges::drop_all().is_ok() {
            work();
        }
    });
}

fn listen(output: ChildStdout) -> Receiver<Answer> {
    let (sender, receiver) = channel();
    on_a_thread(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let answer = line.parse().map_or(Answer::Failed(line), Answer::Errno);
            if sender.send(answer).is_err() {
                break;
            }
        }
    });
    receiver
}
