//! The object's maps: made by plain bpf(2) calls, read through aya.
//!
//! aya could make them too, but reads and parses all of the kernel's type information before it does, which we have done
//! already; and it makes map-in-maps with type information, into which before 6.2 no map fits that was made without
//! (`bpf_map_meta_equal` compares where a timer would be).

use std::{
    collections::HashMap,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd},
};

use aya::maps::{Map, MapData, PerCpuArray, RingBuf};
use aya_obj::{EbpfSectionKind, generated::bpf_map_type};
use tracer_common::{config::Chain, predicate::Program};

use super::{
    error::Error,
    sys::{self, NewMap},
};

const EVENTS: &str = "EVENTS";
const FILTER: &str = "FILTER";
const COUNTERS: &str = "COUNTERS";
const CHAINS: &str = "CHAINS";

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

    /// The map `name`.
    pub(super) fn get(&self, name: &str) -> Result<BorrowedFd<'_>, Error> {
        match self.0.get(name) {
            Some((handle, _)) => Ok(handle.as_fd()),
            None => Err(Error::Object(format!("no map `{name}`"))),
        }
    }

    fn duplicate(&self, name: &str) -> Result<OwnedFd, Error> {
        let failed = |source| Error::MakeMap { name: name.to_owned(), source };
        self.get(name)?.try_clone_to_owned().map_err(failed)
    }
}

fn make(name: &str, definition: &aya_obj::Map, ring_bytes: u32) -> std::io::Result<OwnedFd> {
    let mut new = NewMap {
        name,
        kind: definition.map_type(),
        key_bytes: definition.key_size(),
        value_bytes: definition.value_size(),
        entries: definition.max_entries(),
        flags: definition.map_flags(),
        inner: None,
    };
    if name == EVENTS {
        new.entries = ring_bytes;
    }
    if name == FILTER {
        let template = sys::create_map(&program_map())?;
        return sys::create_map(&NewMap { inner: Some(template.as_fd()), ..new });
    }
    let handle = sys::create_map(&new)?;
    if definition.section_kind() == EbpfSectionKind::Rodata {
        sys::set_value(handle.as_fd(), 0, definition.data())?;
        sys::freeze(handle.as_fd())?;
    }
    Ok(handle)
}

/// A map that holds one predicate program.
fn program_map() -> NewMap<'static> {
    NewMap {
        name: "program",
        kind: bpf_map_type::BPF_MAP_TYPE_ARRAY as u32,
        key_bytes: size_of::<u32>() as u32,
        value_bytes: size_of::<Program>() as u32,
        entries: 1,
        flags: 0,
        inner: None,
    }
}

/// Writes the member chains to read with each event.
pub(super) fn set_chains(handles: &Handles, chains: &[Chain]) -> Result<(), Error> {
    for (index, chain) in chains.iter().enumerate() {
        sys::set_value(handles.get(CHAINS)?, index as u32, bytemuck::bytes_of(chain))
            .map_err(|source| Error::MakeMap { name: CHAINS.to_owned(), source })?;
    }
    Ok(())
}

/// The maps that a running trace uses.
pub struct Maps {
    /// Events from the kernel.
    pub events: RingBuf<MapData>,
    /// The predicate program in force.
    pub filter: FilterMap,
    /// Counters of `tracer_common::config::counter`.
    pub counters: PerCpuArray<MapData, u64>,
}

impl Maps {
    pub(super) fn open(handles: &Handles) -> Result<Self, Error> {
        let data = |name| MapData::from_fd(handles.duplicate(name)?).map_err(|e| Error::map(name, e));
        Ok(Self {
            events: RingBuf::try_from(Map::RingBuf(data(EVENTS)?)).map_err(|e| Error::map(EVENTS, e))?,
            filter: FilterMap(handles.duplicate(FILTER)?),
            counters: PerCpuArray::try_from(Map::PerCpuArray(data(COUNTERS)?)).map_err(|e| Error::map(COUNTERS, e))?,
        })
    }
}

/// The place of the predicate program in force: a map that holds one map, which holds the program.
pub struct FilterMap(OwnedFd);

impl FilterMap {
    /// Puts `program` in force. From the return on, every hit is judged by it alone: the kernel waits for the programs
    /// that still run with its predecessor (`maybe_wait_bpf_programs`).
    pub fn replace(&mut self, program: &Program) -> Result<(), Error> {
        let put = || {
            let inner = sys::create_map(&program_map())?;
            sys::set_value(inner.as_fd(), 0, bytemuck::bytes_of(program))?;
            sys::set_value(self.0.as_fd(), 0, &inner.as_raw_fd().to_ne_bytes())
        };
        put().map_err(|source| Error::FilterMap { source })
    }
}
