//! The thread that finds programs and attaches to them.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SendError, Sender},
    },
    thread,
    time::Duration,
};

use aya_obj::generated::bpf_prog_type::{BPF_PROG_TYPE_SCHED_ACT, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP};

use super::{News, Traced, Wanted};
use crate::collect::{
    error::Error,
    lookup::{self, Description},
    object::Object,
    privileges, sys,
};

/// Between two looks for programs that are new.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// A kind of programs that can be traced.
struct Kind {
    name: &'static str,
    /// Names of our programs for it, in the order in which they are attached.
    ours: &'static [&'static str],
}

const TC: Kind = Kind { name: "tc", ours: &["tc_program"] };
/// What is noted at the entry is taken up at the end, which therefore comes first.
const XDP: Kind = Kind { name: "XDP", ours: &["xdp_end", "xdp_begin"] };

/// Begins to look; goes on until the other side of `asked` is gone, or that of `news`. Who asks wants to know of all links.
pub(super) fn start(object: Arc<Object>, wanted: Wanted, news: Sender<News>, asked: Receiver<()>) {
    thread::spawn(move || {
        // Ids are only given to CAP_SYS_ADMIN; the rest of the process does without.
        if let Err(error) = privileges::drop_all_but_attaching() {
            let _ = news.send(News::Note(format!("BPF programs are not traced: {error}")));
            return;
        }
        let _ = Watch { object, wanted, news, last: 0, last_link: 0 }.go_on(&asked);
    });
}

struct Watch {
    object: Arc<Object>,
    wanted: Wanted,
    news: Sender<News>,
    /// Id of the last program looked at. The kernel counts them upwards.
    last: u32,
    /// That of the last link.
    last_link: u32,
}

impl Watch {
    fn go_on(&mut self, asked: &Receiver<()>) -> Result<(), SendError<News>> {
        loop {
            self.look()?;
            match asked.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(()) => {
                    self.last_link = 0;
                    self.look_at_links()?;
                    self.news.send(News::Looked)?;
                }
            }
        }
    }

    /// Looks at the links that are new.
    fn look_at_links(&mut self) -> Result<(), SendError<News>> {
        while let Ok(id) = lookup::next_link(self.last_link) {
            self.last_link = id;
            if let Some((program, to)) = lookup::link(id) {
                self.news.send(News::Link { id: program, to })?;
            }
        }
        Ok(())
    }

    /// Looks at the programs that are new; an error when nobody listens any more.
    fn look(&mut self) -> Result<(), SendError<News>> {
        let first = self.last == 0;
        loop {
            match lookup::next_program(self.last) {
                Ok(id) => {
                    self.last = id;
                    self.meet(id, !first)?;
                }
                Err(error) => {
                    if first && error.raw_os_error() != Some(libc::ENOENT) {
                        self.news.send(News::Note(format!("BPF programs are not traced: {error}")))?;
                    }
                    break;
                }
            }
        }
        self.look_at_links()?;
        if first { self.news.send(News::Looked) } else { Ok(()) }
    }

    /// Traces a program if it is one of those wanted; says so of one that was loaded `later` than the run began.
    fn meet(&self, id: u32, later: bool) -> Result<(), SendError<News>> {
        // One that is gone again is none.
        let Ok(program) = lookup::program(id) else { return Ok(()) };
        let Ok(description) = lookup::describe(program.as_fd()) else { return Ok(()) };
        let Some(kind) = self.kind(&description) else { return Ok(()) };
        let (name, function) = match main_function(&description) {
            Ok(found) => found,
            Err(why) => return self.skip(kind, id, &description.name, why),
        };
        self.news.send(News::Found { id, name: name.clone() })?;
        match self.attach(kind, program.as_fd(), function, id) {
            Ok(traced) => {
                self.news.send(News::Attached(traced))?;
                if later { self.say(kind, id, &name, "is traced from now on") } else { Ok(()) }
            }
            Err(error) => self.skip(kind, id, &name, &reason(error)),
        }
    }

    fn kind(&self, description: &Description) -> Option<&'static Kind> {
        match description.kind {
            kind if kind == BPF_PROG_TYPE_SCHED_CLS as u32 || kind == BPF_PROG_TYPE_SCHED_ACT as u32 => {
                self.wanted.tc.then_some(&TC)
            }
            kind if kind == BPF_PROG_TYPE_XDP as u32 => self.wanted.xdp.then_some(&XDP),
            _ => None,
        }
    }

    fn attach(&self, kind: &Kind, target: BorrowedFd<'_>, function: u32, id: u32) -> Result<Traced, Error> {
        let mut traced = Traced::default();
        for ours in kind.ours {
            let program = self.object.load_on(ours, target, function, id)?;
            let failed = |source| Error::Attach { place: (*ours).to_owned(), source };
            traced.links.push(sys::attach_traced(program.as_fd()).map_err(failed)?);
            traced.programs.push(program);
        }
        Ok(traced)
    }

    fn skip(&self, kind: &Kind, id: u32, name: &str, why: &str) -> Result<(), SendError<News>> {
        self.say(kind, id, name, &format!("is not traced: {why}"))
    }

    fn say(&self, kind: &Kind, id: u32, name: &str, what: &str) -> Result<(), SendError<News>> {
        self.news.send(News::Note(format!("the {} program {name} (id {id}) {what}", kind.name)))
    }
}

/// Name and id of the function that the program begins with.
fn main_function(description: &Description) -> Result<(String, u32), &'static str> {
    const WITHOUT: &str = "it was loaded without type information (BTF); build it with debug information (clang -g)";
    let (Some(types), Some(function)) = (description.types, description.function) else { return Err(WITHOUT) };
    let btf = lookup::types(types).map_err(|_| "its type information (BTF) cannot be read")?;
    // The kernel keeps 15 bytes of a program's name; its function has the whole.
    let name = btf.get(function).map(|of| btf.name(of)).filter(|name| !name.is_empty());
    Ok((name.unwrap_or(&description.name).to_owned(), function))
}

/// What the kernel or its verifier said.
fn reason(error: Error) -> String {
    match error {
        Error::Load { ref log, .. } if !log.trim().is_empty() => error.to_string(),
        Error::Load { source, .. } | Error::Attach { source, .. } => refusal(&source),
        other => other.to_string(),
    }
}

fn refusal(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EBUSY) => "something else has changed its entry (an freplace program, for instance)".to_owned(),
        _ => format!("the kernel refused ({error})"),
    }
}
