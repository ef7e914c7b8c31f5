//! The object's maps: made by plain bpf(2) calls, read through aya.
//!
//! aya could make them too, but reads and parses all of the kernel's type information before it does, which we have done
//! already.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd},
    time::{Duration, Instant},
};

use aya::maps::{Map, MapData, PerCpuArray, RingBuf};
use aya_obj::EbpfSectionKind;
use tracer_common::{
    config::Chain,
    predicate::{PROGRAMS, Program},
};

use super::{
    error::Error,
    fold::Frozen,
    sys::{self, NewMap},
};

const EVENTS: &str = "EVENTS";
const FILTERS: &str = "FILTERS";
const IN_FORCE: &str = ".data.in_force";
const PROBES: &str = "PROBES";
const COUNTERS: &str = "COUNTERS";
const CHAINS: &str = "CHAINS";
/// Maps of notes, where the least recently used give way.
const NOTES: [&str; 4] = ["STACKS", "HEADS", "FRAMES", "RUNS"];

/// All maps by name, with what the object says of them.
pub(super) struct Handles(HashMap<String, (OwnedFd, aya_obj::Map)>);

impl Handles {
    /// Makes the maps that the object defines, and fills and freezes its constants.
    pub(super) fn make(object: &mut aya_obj::Object, ring_bytes: u32) -> Result<Self, Error> {
        let mut made = HashMap::new();
        for (name, definition) in std::mem::take(&mut object.maps) {
            let handle =
                make(&name, &definition, ring_bytes).map_err(|source| Error::MakeMap { name: name.clone(), source })?;
            made.insert(name, (handle, definition));
        }
        Ok(Self(made))
    }

    /// As `aya-obj` wants them for relocation.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, RawFd, &aya_obj::Map)> {
        self.0.iter().map(|(name, (handle, definition))| (name.as_str(), handle.as_raw_fd(), definition))
    }

    /// Maps whose values no longer change.
    pub(super) fn frozen(&self) -> impl Iterator<Item = Frozen<'_>> {
        let frozen = self.0.values().filter(|(_, definition)| definition.section_kind() == EbpfSectionKind::Rodata);
        frozen.map(|(handle, definition)| Frozen { descriptor: handle.as_raw_fd(), value: definition.data() })
    }

    /// The map `name`.
    pub(super) fn get(&self, name: &str) -> Result<BorrowedFd<'_>, Error> {
        match self.0.get(name) {
            Some((handle, _)) => Ok(handle.as_fd()),
            None => Err(Error::Object(format!("no map `{name}`"))),
        }
    }

    fn with_size(&self, name: &str) -> Result<(OwnedFd, u32), Error> {
        let most = self.0.get(name).map_or(0, |(_, definition)| definition.max_entries());
        Ok((self.duplicate(name)?, most))
    }

    fn duplicate(&self, name: &str) -> Result<OwnedFd, Error> {
        let failed = |source| Error::MakeMap { name: name.to_owned(), source };
        self.get(name)?.try_clone_to_owned().map_err(failed)
    }
}

fn make(name: &str, definition: &aya_obj::Map, ring_bytes: u32) -> io::Result<OwnedFd> {
    let mut new = NewMap {
        name,
        kind: definition.map_type(),
        key_bytes: definition.key_size(),
        value_bytes: definition.value_size(),
        entries: definition.max_entries(),
        flags: definition.map_flags(),
    };
    if name == EVENTS {
        new.entries = ring_bytes;
    }
    let handle = sys::create_map(&new)?;
    if definition.section_kind() == EbpfSectionKind::Rodata {
        sys::set_value(handle.as_fd(), 0, definition.data())?;
        sys::freeze(handle.as_fd())?;
    }
    Ok(handle)
}

/// Writes the member chains to read with each event.
pub(super) fn set_chains(handles: &Handles, chains: &[Chain]) -> Result<(), Error> {
    for (index, chain) in chains.iter().enumerate() {
        sys::set_value(handles.get(CHAINS)?, index as u32, bytemuck::bytes_of(chain))
            .map_err(|source| Error::MakeMap { name: CHAINS.to_owned(), source })?;
    }
    Ok(())
}

/// Writes the numbers of probes by the addresses of their functions, for filters that ask for functions.
pub(super) fn set_probes(handles: &Handles, probes: impl Iterator<Item = (u64, u32)>) -> Result<(), Error> {
    let map = handles.get(PROBES)?;
    for (address, number) in probes {
        sys::set_value_at(map, &address.to_ne_bytes(), &number.to_ne_bytes())
            .map_err(|source| Error::MakeMap { name: PROBES.to_owned(), source })?;
    }
    Ok(())
}

/// Entries of a map with keys of 8 bytes, which may change meanwhile.
fn count_entries(map: BorrowedFd<'_>, most: u32) -> io::Result<u64> {
    let (mut key, mut next) = (None, [0; 8]);
    let mut count = 0;
    while count < u64::from(most) && sys::next_key(map, key.as_ref().map(<[u8; 8]>::as_slice), &mut next)? {
        key = Some(next);
        count += 1;
    }
    Ok(count)
}

/// The maps that a running trace uses.
pub struct Maps {
    /// Events from the kernel.
    pub events: RingBuf<MapData>,
    /// The predicate programs.
    pub filters: Filters,
    /// Counters of `tracer_common::config::counter`.
    pub counters: PerCpuArray<MapData, u64>,
    notes: Vec<(OwnedFd, u32)>,
}

impl Maps {
    /// Notes that are kept at present.
    pub(super) fn notes(&self) -> Result<u64, Error> {
        let count = |(map, most): &(OwnedFd, u32)| count_entries(map.as_fd(), *most);
        self.notes.iter().map(count).sum::<io::Result<u64>>().map_err(|source| Error::Notes { source })
    }

    pub(super) fn open(handles: &Handles) -> Result<Self, Error> {
        let data = |name| MapData::from_fd(handles.duplicate(name)?).map_err(|e| Error::map(name, e));
        Ok(Self {
            events: RingBuf::try_from(Map::RingBuf(data(EVENTS)?)).map_err(|e| Error::map(EVENTS, e))?,
            filters: Filters {
                programs: handles.duplicate(FILTERS)?,
                in_force: handles.duplicate(IN_FORCE)?,
                next: 0,
                generation: 0,
                left: [None; PROGRAMS],
            },
            counters: PerCpuArray::try_from(Map::PerCpuArray(data(COUNTERS)?)).map_err(|e| Error::map(COUNTERS, e))?,
            notes: NOTES.iter().map(|name| handles.with_size(name)).collect::<Result<_, _>>()?,
        })
    }
}

/// The predicate programs of a run, of which one is in force.
pub struct Filters {
    programs: OwnedFd,
    in_force: OwnedFd,
    /// The place that the next program is written to.
    next: u32,
    /// Programs put in force so far.
    generation: u32,
    /// When each place was last left; from then on no hit begins to be judged by it.
    left: [Option<Instant>; PROGRAMS],
}

/// Longer than the kernel takes to judge one hit, interrupts included.
const STILL_READ: Duration = Duration::from_millis(10);

impl Filters {
    /// Puts `program` in force, and says which number it got: every hit that begins after the return is judged by it alone.
    ///
    /// Hits that are being judged meanwhile keep the program they began with: its place is only written to again when the
    /// others have been used, and not before [`STILL_READ`] has passed.
    pub fn replace(&mut self, program: &Program) -> Result<u32, Error> {
        let failed = |source| Error::FilterMap { source };
        let mut program = *program;
        self.generation += 1;
        program.generation = self.generation;
        program.wants_function = program.reads_functions().into();
        let place = self.next;
        self.wait_for(place as usize);
        sys::set_value(self.programs.as_fd(), place, bytemuck::bytes_of(&program)).map_err(failed)?;
        sys::set_value(self.in_force.as_fd(), 0, &place.to_ne_bytes()).map_err(failed)?;
        let count = PROGRAMS as u32;
        if let Some(left) = self.left.get_mut(((place + count - 1) % count) as usize) {
            *left = Some(Instant::now());
        }
        self.next = (place + 1) % count;
        Ok(self.generation)
    }

    fn wait_for(&self, place: usize) {
        let passed = self.left.get(place).copied().flatten().map(|left| left.elapsed());
        if let Some(rest) = passed.and_then(|passed| STILL_READ.checked_sub(passed)) {
            std::thread::sleep(rest);
        }
    }
}
