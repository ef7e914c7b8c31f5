//! Events of the running kernel: chooses a backend, has the kernel probed, and keeps what names functions, drop reasons and
//! namespaces.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tracer_common::{
    config::{ABSENT, Settings},
    event::{METADATA_VALUES, PACKET_BYTES},
    predicate::Program,
};

use crate::{
    collect::{
        self,
        attach::{self, Target, tracepoint::Tracepoint},
        object::Constants,
        session::{Backend, Request, Session},
    },
    kernel::{
        Root,
        btf::{self, Btf, Chain},
        features::{Features, Support},
        kallsyms::{self, SymbolTable},
        netns, offsets,
        reasons::Reasons,
    },
    model::Probe,
    probe::{self, Modules, Plan, Selection},
};

/// The tracepoint that tells of drops.
const DROP_TRACEPOINT: &str = "kfree_skb";

/// No process has this id.
const NOBODY: u32 = u32::MAX;

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
    pub filter: Box<Program>,
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
    /// Size of the ring, bytes.
    pub ring_bytes: u32,
}

/// Why no trace could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no type information.
    #[error(
        "failed to read the kernel's type information (BTF), without which nothing can be traced; boot a kernel built \
         with CONFIG_DEBUG_INFO_BTF=y"
    )]
    Btf(#[from] btf::Error),
    /// The machine or this process lacks what no backend works without.
    #[error("{why}; remedy: {remedy}")]
    Impossible {
        /// What is missing.
        why: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The functions could not be listed.
    #[error("failed to list the kernel's functions")]
    Probe(#[from] probe::Error),
    /// The kernel lacks what the chosen backend needs.
    #[error(
        "the backend `{backend}` cannot work here: {why}; remedy: {remedy}; or try `--backend {instead}`, or none for \
         the best that works"
    )]
    Backend {
        /// The backend asked for.
        backend: &'static str,
        /// What is missing.
        why: String,
        /// What the user can do.
        remedy: &'static str,
        /// The one that the kernel has.
        instead: &'static str,
    },
    /// No function is left to probe.
    #[error("no traceable function with an sk_buff matches; `skbtrail functions` lists what there is")]
    NoFunction,
    /// A member chain does not fit this kernel.
    #[error("cannot read `{expression}`")]
    Chain {
        /// As typed.
        expression: String,
        /// What is wrong with it.
        source: btf::Error,
    },
    /// More member chains than a record holds.
    #[error("at most {METADATA_VALUES} member chains can be read at once")]
    TooManyChains,
    /// A member that nothing works without.
    #[error("this kernel's `sk_buff` has no `{0}`: skbtrail does not know this kernel")]
    Member(String),
    /// Loading or attaching failed.
    #[error(transparent)]
    Collect(#[from] collect::Error),
}

impl Error {
    /// What was typed is wrong, rather than what was met.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoFunction | Self::Chain { .. } | Self::TooManyChains)
    }
}

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

/// What names the numbers and addresses in a run's events.
pub struct Names {
    /// Drop reasons, without `SKB_DROP_REASON_`.
    pub reasons: HashMap<u32, String>,
    /// Network namespaces by inode.
    pub namespaces: HashMap<u32, String>,
    /// Member chains that are read with each event.
    pub chains: Vec<Chain>,
    /// Symbols, read when the first address has to be named.
    pub symbols: LazySymbols,
}

impl Live {
    /// Probes the kernel as `options` ask.
    pub fn start(root: &Root, options: Options) -> Result<Self, Error> {
        let btf = btf::vmlinux(root)?;
        let features = Features::read(root, Some(&btf));
        if let Some(lack) = features.blockers().first() {
            return Err(Error::Impossible { why: lack.why.clone(), remedy: lack.remedy });
        }
        let backend = choose(options.backend, &features)?;
        let chains = chains(&btf, &options.metadata)?;
        // Opened while we may still see addresses; read only if one has to be named.
        let symbols = LazySymbols::new(kallsyms::open(root).ok());
        let mut notes = Vec::new();
        let found = find(root, &btf, backend, &options, &mut notes)?;
        let request = Request {
            backend,
            targets: found.targets,
            tracepoints: found.tracepoints,
            constants: constants(&btf, &options, chains.len())?,
            chains: chains.clone(),
            filter: options.filter,
            ring_bytes: options.ring_bytes,
            probes: found.probes,
        };
        let session = Session::start(request)?;
        let reasons = Reasons::read(root, &btf).iter().map(|(number, name)| (number, name.to_owned())).collect();
        let names = Names { reasons, namespaces: netns::names(root), chains, symbols };
        Ok(Self { session, names, backend, notes })
    }

    /// Real time minus kernel time, nanoseconds: turns an event's time into a date.
    pub fn clock_offset() -> i64 {
        let now = |clock| nix::time::clock_gettime(clock).map(Duration::from).unwrap_or_default();
        let real = now(nix::time::ClockId::CLOCK_REALTIME).as_nanos() as i64;
        real - now(nix::time::ClockId::CLOCK_MONOTONIC).as_nanos() as i64
    }
}

/// The kernel's symbols, read at the first question; the file was opened before privileges were dropped.
pub struct LazySymbols {
    file: std::cell::RefCell<Option<std::fs::File>>,
    table: std::cell::OnceCell<Option<SymbolTable>>,
}

impl LazySymbols {
    /// Symbols of an open `/proc/kallsyms`; `None` knows none.
    pub fn new(file: Option<std::fs::File>) -> Self {
        Self { file: std::cell::RefCell::new(file), table: std::cell::OnceCell::new() }
    }
}

impl crate::symbol::Symbols for LazySymbols {
    fn resolve(&self, address: u64) -> Option<crate::symbol::Symbol<'_>> {
        let read = || self.file.borrow_mut().take().and_then(|mut file| SymbolTable::read(&mut file).ok());
        let found = self.table.get_or_init(read).as_ref()?.lookup(address)?;
        Some(crate::symbol::Symbol { name: found.name, module: found.module, offset: found.offset })
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

struct Found {
    targets: Vec<Target>,
    tracepoints: Vec<Tracepoint>,
    probes: Vec<Probe>,
}

/// Functions and tracepoints of this run; the position in `probes` is the probe's id.
fn find(
    root: &Root,
    btf: &Arc<Btf>,
    backend: Backend,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Found, Error> {
    let mut found = Found { targets: Vec::new(), tracepoints: Vec::new(), probes: Vec::new() };
    if backend != Backend::Tracepoint {
        functions(root, btf, options, &mut found, notes)?;
    }
    for tracepoint in probe::tracepoints(root, btf, &options.modules) {
        let dropped = tracepoint.name == DROP_TRACEPOINT && tracepoint.reason.is_some();
        let chosen = options.all_functions || options.selection.matches(&tracepoint.name);
        if !chosen || tracepoint.double || !(dropped || backend == Backend::Tracepoint) {
            continue;
        }
        let program = if dropped {
            Some(attach::tracepoint::DROPPED)
        } else {
            attach::tracepoint::program_for(tracepoint.position)
        };
        let Some(program) = program else { continue };
        let instance = found.probes.len() as u32;
        let name = match tracepoint.group {
            Some(group) => format!("{group}:{}", tracepoint.name),
            None => tracepoint.name.clone(),
        };
        found.probes.push(Probe { name, module: tracepoint.module.clone(), address: 0, takes_reason: false });
        found.tracepoints.push(Tracepoint { name: tracepoint.name, program, instance });
    }
    if found.probes.is_empty() { Err(Error::NoFunction) } else { Ok(found) }
}

fn functions(
    root: &Root,
    btf: &Arc<Btf>,
    options: &Options,
    found: &mut Found,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let discovery = probe::discover(root, btf, &options.modules)?;
    notes.extend(discovery.notes);
    let plan = Plan::new(&discovery.functions, &options.selection);
    for index in plan.order {
        let function = &discovery.functions[index];
        let Some(program) = attach::program_for(function.position, function.double) else { continue };
        found.targets.push(Target { program, address: function.address, function: function.name.clone() });
        found.probes.push(function.probe());
    }
    Ok(())
}

fn chains(btf: &Btf, expressions: &[String]) -> Result<Vec<Chain>, Error> {
    if expressions.len() > METADATA_VALUES {
        return Err(Error::TooManyChains);
    }
    let chain = |expression: &String| {
        btf.chain(expression).map_err(|source| Error::Chain { expression: expression.clone(), source })
    };
    expressions.iter().map(chain).collect()
}

fn constants(btf: &Btf, options: &Options, chains: usize) -> Result<Constants, Error> {
    let found = offsets::read(btf);
    let offsets = found.offsets;
    let needed = [("head", offsets.skb_head), ("len", offsets.skb_len), ("network_header", offsets.skb_network_header)];
    if let Some((name, _)) = needed.iter().find(|(_, offset)| *offset == ABSENT) {
        return Err(Error::Member((*name).to_owned()));
    }
    let direct = offsets::direct_loads(btf);
    let extra = options.stack || options.packet_bytes > 0 || chains > 0;
    Ok(Constants {
        offsets,
        rdonly_cast: direct.as_ref().map_or(0, |direct| direct.kfunc),
        settings: Settings {
            window: direct.as_ref().map_or(0, |direct| direct.window),
            own_pid: if options.hide_own { std::process::id() } else { NOBODY },
            want_caller: options.caller.into(),
            want_extra: extra.into(),
            want_stack: options.stack.into(),
            packet_bytes: options.packet_bytes.min(PACKET_BYTES as u32),
            metadata: chains as u32,
            reserved: 0,
        },
    })
}
