//! The three backends: each attaches the programs to what a plan names, and letting go of what it returns detaches.

pub mod follow;
pub mod holder;
pub mod kprobe;
pub mod multi;
pub mod programs;
pub mod tracepoint;

use std::{io, os::fd::OwnedFd};

use super::{
    error::Error,
    object::Object,
    session::{Backend, Request},
};
use crate::probe::lifecycle::{Freeing, Lacks};

/// A function that could not be probed, with the kernel's answer.
#[derive(Debug)]
pub struct Refused {
    /// Name of the function.
    pub function: String,
    /// What the kernel said.
    pub error: io::Error,
}

/// Functions that one program is attached to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name of the program in the object.
    pub program: &'static str,
    /// Address to attach at; 0 where only the name is known.
    pub address: u64,
    /// Name of the function.
    pub function: String,
}

/// What keeps programs attached, and what became of the functions asked for.
#[derive(Debug, Default)]
pub struct Attached {
    /// Programs, for their counts.
    pub programs: Vec<OwnedFd>,
    /// Those that follow packets.
    pub followers: Vec<OwnedFd>,
    /// Links; closing one detaches it.
    pub links: Vec<OwnedFd>,
    /// Functions or tracepoints attached so far.
    pub count: usize,
    /// Tracepoints among them.
    pub tracepoints: usize,
    /// Functions asked for.
    pub wanted: usize,
    /// Those that could not be.
    pub refused: Vec<Refused>,
}

/// How far attaching has got, for whoever waits for it.
pub struct Steps<'a> {
    done: usize,
    all: usize,
    told: &'a mut dyn FnMut(usize, usize),
}

impl<'a> Steps<'a> {
    /// Before the first of what a run asks for. Single kprobes are not among it: a process of their own attaches them.
    pub fn of(request: &Request, told: &'a mut dyn FnMut(usize, usize)) -> Self {
        let functions = if request.backend == Backend::Kprobe { 0 } else { request.targets.len() };
        let hooks = if request.constants.settings.follow == 0 { 0 } else { request.hooks.len() };
        let all = functions + hooks + request.tracepoints.len();
        told(0, all);
        Self { done: 0, all, told }
    }

    /// So many more are attached, or refused.
    pub fn add(&mut self, count: usize) {
        self.done += count;
        (self.told)(self.done, self.all);
    }
}

impl Attached {
    /// An error if nothing of what was asked for could be attached.
    pub fn check(&self) -> Result<(), Error> {
        let no_function = self.wanted > 0 && self.count == self.tracepoints;
        match self.refused.first() {
            Some(first) if no_function || self.count == 0 => Err(Error::NothingAttached {
                count: self.refused.len(),
                first: format!("{}: {}", first.function, first.error),
            }),
            _ => Ok(()),
        }
    }
}

/// Name of the program for an `sk_buff` at `position` (1 to 5), directly or behind a pointer (`double`).
pub fn program_for(position: u8, double: bool) -> Option<&'static str> {
    const DIRECT: [&str; 5] = ["skb_arg1", "skb_arg2", "skb_arg3", "skb_arg4", "skb_arg5"];
    const DOUBLE: [&str; 5] =
        ["skb_pointer_arg1", "skb_pointer_arg2", "skb_pointer_arg3", "skb_pointer_arg4", "skb_pointer_arg5"];
    let names = if double { &DOUBLE } else { &DIRECT };
    names.get(usize::from(position.checked_sub(1)?)).copied()
}

/// Name of the program for a function that is part of freeing its `sk_buff`, the first argument.
pub fn program_for_freeing(freeing: Freeing) -> &'static str {
    match freeing {
        Freeing::Whole => "freeing_arg1",
        Freeing::Headless => "headless_arg1",
    }
}

/// Name of the program for a function whose `sk_buff` at `position` is being made; none where there is no such program.
pub fn program_for_unfinished(lacks: Lacks, position: u8) -> Option<&'static str> {
    match (lacks, position) {
        (Lacks::Bytes, 1) => Some("blank_arg1"),
        (Lacks::Bytes, 2) => Some("blank_arg2"),
        (Lacks::Transport, 1) => Some("transport_to_come_arg1"),
        _ => None,
    }
}

/// Name of the program for a function without an `sk_buff`.
pub const WITHOUT: &str = "no_skb";

/// A program with the functions that it is for.
type Group<'a> = (OwnedFd, Vec<&'a Target>);

/// Loads the program that judges hits, and each program that `targets` name, once.
fn load_programs<'a>(object: &Object, targets: &'a [Target], multi: bool) -> Result<(OwnedFd, Vec<Group<'a>>), Error> {
    let judge = object.load_judge(multi)?;
    let mut groups: Vec<(&str, Vec<&Target>)> = Vec::new();
    for target in targets {
        match groups.iter_mut().find(|(program, _)| *program == target.program) {
            Some((_, members)) => members.push(target),
            None => groups.push((target.program, vec![target])),
        }
    }
    let load = |(program, members)| Ok((object.load(program, multi)?, members));
    Ok((judge, groups.into_iter().map(load).collect::<Result<_, Error>>()?))
}
