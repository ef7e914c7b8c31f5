//! A running trace: attached programs, the ring they write to, and the counts.

use std::{
    collections::HashMap,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tracer_common::{
    config::{Settings, counter},
    predicate::{Program, REJECT},
};

use super::{
    attach::{
        Attached, Refused, Steps, Target, follow,
        kprobe::Probes,
        multi,
        programs::{self, Programs},
        tracepoint,
        tracepoint::Tracepoint,
    },
    counts::Counts,
    decode::{Found, Wanted, decode},
    error::Error,
    maps::Maps,
    object::{Constants, Object},
    sys,
};
use crate::{
    kernel::btf::Chain,
    model::{EventKind, Probe, ProbeId, Record},
    probe::{AddressIndex, lifecycle::Hook},
};

/// Bytes of the ring unless a run asks for another size.
pub const RING_BYTES: u32 = 128 << 20;

/// How functions are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One link per program (FPROBE, 5.18 and later).
    KprobeMulti,
    /// One perf event per function.
    Kprobe,
    /// Raw tracepoints only.
    Tracepoint,
}

impl Backend {
    /// All, best first, with the names of `--backend`.
    pub const NAMES: [(Self, &'static str); 3] =
        [(Self::KprobeMulti, "kprobe-multi"), (Self::Kprobe, "kprobe"), (Self::Tracepoint, "tracepoint")];

    /// Name as `--backend` takes it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(backend, _)| *backend == self).map_or("", |(_, name)| name)
    }
}

/// All that a run needs.
pub struct Request {
    /// How to attach.
    pub backend: Backend,
    /// Functions, in the order in which single kprobes are to be attached.
    pub targets: Vec<Target>,
    /// Tracepoints to attach beside them, or instead.
    pub tracepoints: Vec<Tracepoint>,
    /// Struct offsets, settings, kfunc.
    pub constants: Constants,
    /// Member chains to read with each event.
    pub chains: Vec<Chain>,
    /// The filter to begin with.
    pub filter: Box<Program>,
    /// Where packets are followed; nothing is, where there is none.
    pub hooks: Vec<Hook>,
    /// BPF programs to trace; none where packets cannot be followed.
    pub programs: programs::Wanted,
    /// Size of the ring, bytes: a power of two.
    pub ring_bytes: u32,
    /// Functions and tracepoints by [`ProbeId`].
    pub probes: Vec<Probe>,
    /// Hooks that an attempt before this one found refused.
    pub unfollowed: Vec<Refused>,
}

/// While it lives, the kernel counts how long BPF programs run, all of them: that costs some nanoseconds a run.
#[derive(Debug)]
pub struct RunTime(#[expect(dead_code, reason = "closing it ends the counting")] OwnedFd);

impl RunTime {
    /// Has it counted from now on. It takes `CAP_SYS_ADMIN`.
    pub fn count() -> Result<Self, Error> {
        sys::count_run_time().map(Self).map_err(Error::RunTime)
    }
}

/// A running trace. Dropping it detaches everything.
pub struct Session {
    maps: Maps,
    /// Holds the map that leads to the program that judges: the kernel empties it when nobody does.
    object: Arc<Object>,
    attached: Attached,
    kprobes: Option<Probes>,
    wanted: Wanted,
    probes: Vec<Probe>,
    places: Places,
    /// The kernel side knows the probes' numbers.
    numbered: bool,
    follows: bool,
    /// Filters may turn to the packet inside.
    layers: bool,
    shown: u64,
    changes: u64,
    undecodable: u64,
    /// The most notes that had to make room, as far as that was seen.
    evicted: AtomicU64,
}

impl Session {
    /// Loads and attaches, and tells how many of how many things are attached as it gets on. With [`Backend::Kprobe`] it returns
    /// while functions are still being attached: [`Session::progress`] tells of those.
    pub fn start(request: Request, told: &mut dyn FnMut(usize, usize)) -> Result<Self, Error> {
        let settings: Settings = request.constants.settings;
        let chains: Vec<_> = request.chains.iter().map(Chain::config).collect();
        let (object, maps) = Object::open(&request.constants, &chains, request.ring_bytes)?;
        let object = Arc::new(object);
        let mut following = Attached::default();
        let mut steps = Steps::of(&request, told);
        if settings.follow != 0 && !follow::attach(&object, &request.hooks, &mut following, &mut steps) {
            // The programs are told before they are loaded whether packets are followed.
            return Self::start(without_following(request, following.refused), told);
        }
        let (mut attached, kprobes) = match request.backend {
            Backend::KprobeMulti => (multi::attach(&object, &request.targets, &mut steps)?, None),
            Backend::Kprobe => {
                let (probes, attached) = Probes::start(&object, &request.targets)?;
                (attached, Some(probes))
            }
            Backend::Tracepoint => (Attached::default(), None),
        };
        attached.links.append(&mut following.links);
        attached.followers.append(&mut following.followers);
        attached.refused.append(&mut following.refused);
        attached.refused.extend(request.unfollowed);
        tracepoint::attach(&object, &request.tracepoints, &mut attached, &mut steps)?;
        let wanted =
            Wanted { caller: settings.want_caller != 0, stack: settings.want_stack != 0, chains: request.chains };
        let places = Places::new(&request.probes);
        let mut session = Self {
            maps,
            object,
            attached,
            kprobes,
            wanted,
            probes: request.probes,
            places,
            numbered: false,
            follows: settings.follow != 0,
            layers: settings.layers != 0,
            shown: 0,
            changes: 0,
            undecodable: 0,
            evicted: AtomicU64::new(0),
        };
        session.replace_filter(&request.filter)?;
        if session.follows && request.programs.any() {
            session.places.programs = Some(Programs::start(Arc::clone(&session.object), request.programs));
        }
        Ok(session)
    }

    /// Hands the records that wait in the ring to `sink`, at most `limit`; returns how many there were.
    ///
    /// The sink gets the probe table too, which grows when a function reports that was not known by its address.
    pub fn poll(&mut self, limit: usize, mut sink: impl FnMut(Record, &[Probe])) -> usize {
        let mut taken = 0;
        if let Some(programs) = &mut self.places.programs {
            programs.hear();
        }
        while taken < limit
            && let Some(record) = self.maps.events.next()
        {
            taken += 1;
            let (probes, places) = (&mut self.probes, &mut self.places);
            match decode(&record, &self.wanted, |found| places.find(&found, probes)) {
                Some(Record::Change(change)) => {
                    self.changes += 1;
                    sink(Record::Change(change), &self.probes);
                }
                Some(Record::Hit(mut event)) => {
                    self.shown += 1;
                    // The argument behind the `sk_buff` was read whatever it is: only the probe knows whether it is a reason.
                    let takes_reason = self.probes.get(event.probe.0 as usize).is_some_and(|probe| probe.takes_reason);
                    if event.kind == EventKind::Call && !takes_reason {
                        event.reason = None;
                    }
                    sink(Record::Hit(event), &self.probes);
                }
                None => self.undecodable += 1,
            }
        }
        taken
    }

    /// Puts another filter in force, without reloading or attaching anything again; returns its number, which hits carry.
    pub fn replace_filter(&mut self, program: &Program) -> Result<u32, Error> {
        if program.turns_inside() && !self.layers {
            return Err(Error::NoLayers);
        }
        if program.reads_functions() && !self.numbered {
            let numbers = self.probes.iter().zip(0u32..).filter(|(probe, _)| probe.address != 0);
            self.object.number_probes(numbers.map(|(probe, number)| (probe.address, number)))?;
            self.numbered = true;
        }
        self.maps.filters.replace(program)
    }

    /// Packets that match are followed wherever they go.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// BPF programs that are traced.
    pub fn traced_programs(&self) -> usize {
        self.places.programs.as_ref().map_or(0, Programs::count)
    }

    /// What the user should know of BPF programs found since the last question, a sentence each.
    pub fn take_notes(&mut self) -> Vec<String> {
        self.places.programs.as_mut().map(Programs::take_notes).unwrap_or_default()
    }

    /// Ends the flow of events: from now on no hit matches. What is in the ring can still be read.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.maps.filters.replace(&Program::constant(REJECT))?;
        Ok(())
    }

    /// Single kprobes attached so far and in all, while that goes on.
    pub fn progress(&mut self) -> Option<(usize, usize)> {
        let kprobes = self.kprobes.as_mut()?;
        kprobes.update(&mut self.attached).then(|| kprobes.progress())
    }

    /// An error if tracing has ended by itself: the process that holds single kprobes is gone.
    pub fn check(&mut self) -> Result<(), Error> {
        self.kprobes.as_mut().map_or(Ok(()), Probes::check)
    }

    /// Nanoseconds that the programs have run, on all CPUs together, if that is counted ([`RunTime`]).
    pub fn run_time(&self) -> Option<u64> {
        let others = self.places.programs.iter().flat_map(Programs::handles);
        let programs = self.attached.programs.iter().chain(&self.attached.followers).chain(others);
        programs.map(|program| sys::run_time(program.as_fd()).ok()).sum()
    }

    /// What is attached, and what was refused.
    pub fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Process that lets go of single kprobes when this one ends.
    pub fn holder(&self) -> Option<u32> {
        self.kprobes.as_ref().map(Probes::holder)
    }

    /// Functions and tracepoints by [`ProbeId`].
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// Counts so far; `not_read` is what is still in the ring.
    pub fn counts(&self) -> Result<Counts, Error> {
        let mut counts = Counts {
            seen: self.count(counter::SEEN)?,
            shown: self.shown,
            ring_full: self.count(counter::RING_FULL)?,
            undecodable: self.undecodable,
            undecidable: self.count(counter::UNDECIDABLE)?,
            own: self.count(counter::OWN)?,
            sampled_out: self.count(counter::SAMPLED_OUT)?,
            beyond_limit: self.count(counter::BEYOND_LIMIT)?,
            not_followed: self.count(counter::NOT_FOLLOWED)?,
            changes_lost: self.count(counter::CHANGES_LOST)?,
            evicted: self.evicted()?,
            not_read: 0,
            not_written: 0,
            missed: self.missed(),
        };
        counts.not_read = counts.seen.saturating_sub(counts.shown + counts.ring_full + counts.undecodable);
        Ok(counts)
    }

    /// Notes that had to make room. Read in this order, so that what happens meanwhile makes it less, never more.
    fn evicted(&self) -> Result<u64, Error> {
        let kept = self.count(counter::NOTES_KEPT)?;
        if kept == 0 {
            return Ok(0);
        }
        let present = self.maps.notes()?;
        let evicted = kept.saturating_sub(present + self.count(counter::NOTES_TAKEN_BACK)?);
        Ok(self.evicted.fetch_max(evicted, Relaxed).max(evicted))
    }

    fn count(&self, counter: u32) -> Result<u64, Error> {
        let values = self.maps.counters.get(&counter, 0).map_err(|e| Error::map("COUNTERS", e))?;
        Ok(values.iter().sum())
    }

    fn missed(&self) -> Option<u64> {
        let others = self.places.programs.iter().flat_map(Programs::handles);
        let programs = self.attached.programs.iter().chain(others);
        programs.map(|program| sys::recursion_misses(program.as_fd()).ok()).sum()
    }
}

fn without_following(mut request: Request, refused: Vec<Refused>) -> Request {
    request.constants.settings.follow = 0;
    request.unfollowed = refused;
    request
}

/// The probes of a run by their addresses.
struct Places {
    known: AddressIndex,
    /// Those that reported without being in the table; it grew by them.
    others: HashMap<u64, ProbeId>,
    /// BPF programs, by their ids.
    programs: Option<Programs>,
}

impl Places {
    fn new(probes: &[Probe]) -> Self {
        let places = probes.iter().enumerate().map(|(index, probe)| (probe.address, ProbeId(index as u32)));
        Self { known: AddressIndex::new(places), others: HashMap::new(), programs: None }
    }

    /// The probe of a hit; one that is not in the table gets a place there, named by its address.
    fn find(&mut self, found: &Found, probes: &mut Vec<Probe>) -> ProbeId {
        let &Found { kind, func, place } = found;
        if let (EventKind::Tc | EventKind::Xdp, Some(programs)) = (kind, &mut self.programs) {
            return programs.probe(func as u32, place, probes);
        }
        if kind != EventKind::Call && func < probes.len() as u64 {
            return ProbeId(func as u32);
        }
        self.known.get(func).unwrap_or_else(|| {
            *self.others.entry(func).or_insert_with(|| {
                probes.push(Probe { name: format!("{func:#x}"), module: None, address: func, takes_reason: false });
                ProbeId(probes.len() as u32 - 1)
            })
        })
    }
}
