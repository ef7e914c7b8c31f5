//! Events of the running kernel: chooses a backend and has the kernel probed.

mod constants;
pub mod control;
mod error;
mod targets;

use std::{sync::OnceLock, time::Duration};

use super::names::{LazySymbols, Names};
use crate::{
    collect::{
        attach::programs,
        session::{Backend, Request, Session},
    },
    filter::Compiled,
    kernel::{
        Root, btf,
        features::{Features, Support},
        kallsyms, netns,
        reasons::Reasons,
    },
    model::Probe,
    probe::{Modules, Selection, lifecycle, others::Globs},
};
pub use error::Error;

/// What a run asks for.
pub struct Options {
    /// Backend to insist on.
    pub backend: Option<Backend>,
    /// Functions to probe.
    pub selection: Selection,
    /// The whole set is wanted, so the drop tracepoint joins it whatever its name.
    pub all_functions: bool,
    /// Modules to look into.
    pub modules: Modules,
    /// The filter to begin with.
    pub filter: Compiled,
    /// Another filter may be put in force later.
    pub swaps: bool,
    /// Follow packets that matched.
    pub follow: bool,
    /// Follow one in so many of them; 0 and 1: all.
    pub sample: u32,
    /// Packets after which no other is taken up; 0: no limit.
    pub most_packets: u32,
    /// Functions without a packet, to show where they are called in the work on a followed one.
    pub others: Globs,
    /// Follow packets that appear in the work on a followed one.
    pub follow_stacks: bool,
    /// Read return addresses.
    pub caller: bool,
    /// Read kernel stacks.
    pub stack: bool,
    /// Hide the netlink and unix-socket buffers of this process.
    pub hide_own: bool,
    /// Packet bytes wanted with each event.
    pub packet_bytes: u32,
    /// Member chains to read with each event (`skb->dev->ifindex`).
    pub metadata: Vec<String>,
    /// BPF programs to trace.
    pub programs: programs::Wanted,
    /// Size of the ring, bytes.
    pub ring_bytes: u32,
}

impl Options {
    /// Which stack works on which packet matters.
    fn watches_stacks(&self) -> bool {
        self.follow_stacks || !self.others.is_empty()
    }
}
/// Said where they are asked for and packets cannot be followed.
const UNTRACED: &str = "BPF programs are not traced, since that takes following";

/// A running trace and the names of what it shows.
pub struct Live {
    /// The trace.
    pub session: Session,
    /// What names things in its events.
    pub names: Names,
    /// How functions are attached.
    pub backend: Backend,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// A trace that is ready to be attached, and the names of what it will show.
pub struct Planned {
    /// What is to be attached.
    pub plan: Plan,
    /// What names things in its events.
    pub names: Names,
    /// How functions will be attached.
    pub backend: Backend,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// What is to be loaded and attached: nothing in the kernel has changed yet.
pub struct Plan {
    request: Request,
    follow: bool,
}

impl Plan {
    /// Functions and tracepoints that it names.
    pub fn probes(&self) -> &[Probe] {
        &self.request.probes
    }

    /// Has the kernel probed, and tells how many of how many things are attached as it gets on. With the trace comes what the
    /// user should know, a sentence each.
    pub fn attach(self, told: &mut dyn FnMut(usize, usize)) -> Result<(Session, Vec<String>), Error> {
        let programs = self.request.programs.any();
        let session = Session::start(self.request, told)?;
        let mut notes = Vec::new();
        if self.follow && !session.follows() {
            notes.push("the kernel refused the programs that follow packets: each hit is judged by itself".to_owned());
            if programs {
                notes.push(UNTRACED.to_owned());
            }
        }
        Ok((session, notes))
    }
}

impl Planned {
    /// Finds out how to probe the kernel as `options` ask.
    pub fn new(root: &Root, mut options: Options) -> Result<Self, Error> {
        let btf = btf::vmlinux(root)?;
        let features = Features::read(root, Some(&btf));
        if let Some(lack) = features.blockers().first() {
            return Err(Error::Impossible { why: lack.why.clone(), remedy: lack.remedy });
        }
        let backend = choose(options.backend, &features)?;
        let mut notes = Vec::new();
        if let Some(lack) = features.following.lack().filter(|_| options.follow) {
            if options.sample > 1 || options.most_packets > 0 || options.watches_stacks() {
                return Err(Error::Unfollowed { why: lack.why.clone(), remedy: lack.remedy });
            }
            notes.push(format!("{}: {}", lack.why, lack.instead));
            options.follow = false;
            if options.programs.any() {
                notes.push(UNTRACED.to_owned());
                options.programs = programs::Wanted::default();
            }
        }
        let chains = constants::chains(&btf, &options.metadata)?;
        // Opened while we may still see addresses; read only if one has to be named.
        let symbols = Box::new(LazySymbols::new(kallsyms::open(root).ok()));
        let found = targets::find(root, &btf, backend, &options, &mut notes)?;
        options.filter.bind(&found.probes)?;
        if options.programs.tc && !options.all_functions {
            notes.push("tc programs show only packets that have passed a function of --filter-func before".to_owned());
        }
        let request = Request {
            backend,
            targets: found.targets,
            tracepoints: found.tracepoints,
            constants: constants::constants(root, &btf, &options, chains.len(), &mut notes)?,
            chains: chains.clone(),
            hooks: if options.follow { lifecycle::hooks(&btf) } else { Vec::new() },
            filter: options.filter.program,
            unfollowed: Vec::new(),
            programs: options.programs,
            ring_bytes: options.ring_bytes,
            probes: found.probes,
        };
        let reasons = Reasons::read(root, &btf).iter().map(|(number, name)| (number, name.to_owned())).collect();
        let names = Names { reasons, namespaces: netns::names(root), chains, symbols, facts: None };
        Ok(Self { plan: Plan { request, follow: options.follow }, names, backend, notes })
    }
}

impl Live {
    /// Probes the kernel as `options` ask.
    pub fn start(root: &Root, options: Options) -> Result<Self, Error> {
        let Planned { plan, names, backend, mut notes } = Planned::new(root, options)?;
        let (session, more) = plan.attach(&mut |_, _| {})?;
        notes.extend(more);
        Ok(Self { session, names, backend, notes })
    }

    /// Real time minus kernel time, nanoseconds: turns an event's time into a date. Looked at once, so that what is shown and
    /// what is recorded of a run agree.
    pub fn clock_offset() -> i64 {
        static OFFSET: OnceLock<i64> = OnceLock::new();
        let now = |clock| nix::time::clock_gettime(clock).map(Duration::from).unwrap_or_default().as_nanos() as i64;
        *OFFSET.get_or_init(|| {
            let real = now(nix::time::ClockId::CLOCK_REALTIME);
            real - now(nix::time::ClockId::CLOCK_MONOTONIC)
        })
    }
}

/// The best backend that works, or the one asked for if it does.
fn choose(wanted: Option<Backend>, features: &Features) -> Result<Backend, Error> {
    let works = |backend| match backend {
        Backend::KprobeMulti => &features.fprobe,
        Backend::Kprobe => &features.kprobes,
        Backend::Tracepoint => &Support::Yes,
    };
    let best = Backend::NAMES
        .iter()
        .map(|(backend, _)| *backend)
        .find(|backend| works(*backend).is_yes())
        .unwrap_or(Backend::Tracepoint);
    let Some(backend) = wanted else { return Ok(best) };
    match works(backend) {
        Support::No(lack) => {
            let (why, remedy) = (lack.why.clone(), lack.remedy);
            Err(Error::Backend { backend: backend.name(), why, remedy, instead: best.name() })
        }
        _ => Ok(backend),
    }
}
