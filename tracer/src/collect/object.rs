//! The eBPF object: its maps, made once, and its programs, loaded one by one as a backend needs them.
//!
//! aya makes the maps. Programs go through a loader of our own over `aya-obj`, since aya can neither load for a
//! kprobe-multi link nor patch instructions: the placeholder calls of `tracer-ebpf/src/read.rs` become the kfunc
//! `bpf_rdonly_cast` and the number of the program's instance.

use std::{
    collections::HashSet,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya::{
    EbpfLoader,
    maps::{Array, Map, MapData, PerCpuArray, RingBuf},
};
use aya_obj::generated::{bpf_insn, bpf_prog_type};
use tracer_common::{
    config::{Chain, Offsets, Settings},
    predicate::Program,
};

use super::{
    error::Error,
    sys::{self, Load},
};

/// The built object; `tracer-ebpf/rebuild` makes it.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../assets/skbtrail.bpf.o");

/// The map that we make ourselves.
const FILTER: &str = "FILTER";
/// The map that leads to the program that judges.
const JUDGE: &str = "JUDGE";
const JUDGE_PROGRAM: &str = "judge";

/// Helper numbers that stand for what only the loader knows; `tracer-ebpf/src/read.rs` has the same.
const RDONLY_CAST: i32 = 0x7f01;
const INSTANCE: i32 = 0x7f02;

/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// `BPF_ALU64 | BPF_MOV | BPF_K`.
const MOVE: u8 = 0xb7;
/// `BPF_PSEUDO_KFUNC_CALL`.
const KFUNC: u8 = 2;

/// What the programs are told before they are loaded.
pub struct Constants {
    /// Where struct members lie.
    pub offsets: Offsets,
    /// What the run wants.
    pub settings: Settings,
    /// BTF id of the kfunc `bpf_rdonly_cast`; 0 where there is none.
    pub rdonly_cast: u32,
}

/// The maps, ready for use.
pub struct Maps {
    /// Events from the kernel.
    pub events: RingBuf<MapData>,
    /// The predicate program in force.
    pub filter: FilterMap,
    /// Counters of `tracer_common::config::counter`.
    pub counters: PerCpuArray<MapData, u64>,
}

/// A program of `tracer-common` as aya wants its map values.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct MapValue<T>(T);

// SAFETY: only used for the padding-free structs of `tracer-common`.
#[expect(unsafe_code, reason = "aya's marker for plain data")]
unsafe impl<T: bytemuck::Pod> aya::Pod for MapValue<T> {}

/// The place of the predicate program in force: a map that holds one map, which holds the program.
///
/// Made here and not by aya: before 6.2 a map made with type information does not fit into one made without
/// (`bpf_map_meta_equal` compares where a timer would be), and aya makes the outer one with, the inner ones without.
pub struct FilterMap(OwnedFd);

impl FilterMap {
    fn new() -> Result<Self, Error> {
        let failed = |source| Error::FilterMap { source };
        let template = sys::create_array(size_of::<Program>() as u32).map_err(failed)?;
        Ok(Self(sys::create_array_of_maps(template.as_fd()).map_err(failed)?))
    }

    /// Puts `program` in force. From the return on, every hit is judged by it alone: the kernel waits for the programs
    /// that still run with its predecessor.
    pub fn replace(&mut self, program: &Program) -> Result<(), Error> {
        let failed = |source| Error::FilterMap { source };
        let inner = sys::create_array(size_of::<Program>() as u32).map_err(failed)?;
        sys::set_only_value(inner.as_fd(), bytemuck::bytes_of(program)).map_err(failed)?;
        sys::set_only_value(self.0.as_fd(), &inner.as_raw_fd().to_ne_bytes()).map_err(failed)
    }
}

/// The object with its maps made: programs can be loaded.
pub struct Object {
    parsed: aya_obj::Object,
    btf: OwnedFd,
    rdonly_cast: u32,
    /// Keeps the maps that user space does not touch again; a program cannot be loaded once one is gone.
    _chains: Array<MapData, MapValue<Chain>>,
    others: aya::Ebpf,
}

impl Object {
    /// Makes the maps, with a ring of `ring_bytes` (a power of two, at least a page).
    pub fn open(constants: &Constants, chains: &[Chain], ring_bytes: u32) -> Result<(Self, Maps), Error> {
        let mut ebpf = EbpfLoader::new()
            .btf(None)
            .override_global("OFFSETS", bytemuck::bytes_of(&constants.offsets), true)
            .override_global("SETTINGS", bytemuck::bytes_of(&constants.settings), true)
            .map_max_entries("EVENTS", ring_bytes)
            .load(OBJECT)
            .map_err(Error::maps)?;
        let filter = FilterMap::new()?;
        let mut parsed = relocated(&ebpf, &filter)?;
        let btf = type_information(&mut parsed)?;
        let maps = Maps {
            events: RingBuf::try_from(take(&mut ebpf, "EVENTS")?).map_err(|e| Error::map("EVENTS", e))?,
            filter,
            counters: PerCpuArray::try_from(take(&mut ebpf, "COUNTERS")?).map_err(|e| Error::map("COUNTERS", e))?,
        };
        let mut table = Array::<MapData, MapValue<Chain>>::try_from(take(&mut ebpf, "CHAINS")?)
            .map_err(|e| Error::map("CHAINS", e))?;
        for (index, chain) in chains.iter().enumerate() {
            table.set(index as u32, MapValue(*chain), 0).map_err(|e| Error::map("CHAINS", e))?;
        }
        Ok((Self { parsed, btf, rdonly_cast: constants.rdonly_cast, _chains: table, others: ebpf }, maps))
    }

    /// Loads the program that judges the hits of functions, and has the programs at the functions jump to it.
    ///
    /// It stays in force as long as this process holds the map of programs.
    pub fn load_judge(&self, multi: bool) -> Result<OwnedFd, Error> {
        let judge = self.load(JUDGE_PROGRAM, multi, 0)?;
        let map = self.others.map(JUDGE).and_then(descriptor).ok_or_else(|| Error::Object(format!("no map `{JUDGE}`")))?;
        sys::set_only_value(map, &judge.as_raw_fd().to_ne_bytes())
            .map_err(|source| Error::Attach { place: JUDGE.to_owned(), source })?;
        Ok(judge)
    }

    /// Loads the program `name` for a function (`multi`: through a kprobe-multi link) or a tracepoint.
    pub fn load(&self, name: &str, multi: bool, instance: u32) -> Result<OwnedFd, Error> {
        let unknown = || Error::Object(format!("no program `{name}`"));
        let program = self.parsed.programs.get(name).ok_or_else(unknown)?;
        let function = self.parsed.functions.get(&program.function_key()).ok_or_else(unknown)?;
        let kind = match program.section {
            aya_obj::ProgramSection::RawTracePoint => bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT,
            _ => bpf_prog_type::BPF_PROG_TYPE_KPROBE,
        };
        let mut instructions = function.instructions.clone();
        patch(&mut instructions, self.rdonly_cast, instance);
        let load = Load {
            name,
            kind,
            multi,
            instructions: &instructions,
            license: &self.parsed.license,
            btf: self.btf.as_fd(),
            functions: &function.func_info.func_info_bytes(),
        };
        sys::load_program(&load).map_err(|(source, log)| Error::Load { program: name.to_owned(), source, log })
    }
}

fn take(ebpf: &mut aya::Ebpf, name: &str) -> Result<Map, Error> {
    ebpf.take_map(name).ok_or_else(|| Error::Object(format!("no map `{name}`")))
}

/// Parses the object anew and points its programs at the maps that aya made.
fn relocated(ebpf: &aya::Ebpf, filter: &FilterMap) -> Result<aya_obj::Object, Error> {
    let mut object = aya_obj::Object::parse(OBJECT).map_err(|e| Error::Object(e.to_string()))?;
    let definitions = std::mem::take(&mut object.maps);
    let mut made = Vec::new();
    for (name, map) in ebpf.maps() {
        let descriptor = if name == FILTER { Some(filter.0.as_fd()) } else { descriptor(map) };
        if let (Some(definition), Some(descriptor)) = (definitions.get(name), descriptor) {
            made.push((name, descriptor.as_raw_fd(), definition));
        }
    }
    let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
    object.relocate_maps(made.into_iter(), &text).map_err(|e| Error::Object(e.to_string()))?;
    object.relocate_calls(&text).map_err(|e| Error::Object(e.to_string()))?;
    Ok(object)
}

/// Hands the object's type information to the kernel.
fn type_information(object: &mut aya_obj::Object) -> Result<OwnedFd, Error> {
    let broken = |error: String| Error::Object(format!("type information: {error}"));
    let features = aya::features().btf().ok_or_else(|| broken("not taken by this kernel".to_owned()))?;
    let btf = object.fixup_and_sanitize_btf(features).map_err(|error| broken(error.to_string()))?;
    let bytes = btf.ok_or_else(|| broken("there is none".to_owned()))?.to_bytes();
    sys::load_btf(&bytes).map_err(|error| broken(error.to_string()))
}

fn descriptor(map: &Map) -> Option<BorrowedFd<'_>> {
    match map {
        Map::Array(data) | Map::PerCpuArray(data) | Map::ProgramArray(data) | Map::RingBuf(data) => {
            Some(data.fd().as_fd())
        }
        _ => None,
    }
}

/// Fills in what only the loader knows. Without the kfunc its placeholder stays: the verifier drops that branch.
fn patch(instructions: &mut [bpf_insn], rdonly_cast: u32, instance: u32) {
    for instruction in instructions.iter_mut().filter(|i| i.code == CALL && i.src_reg() == 0) {
        match instruction.imm {
            RDONLY_CAST if rdonly_cast != 0 => {
                instruction.set_src_reg(KFUNC);
                instruction.imm = rdonly_cast as i32;
                instruction.off = 0;
            }
            INSTANCE => {
                instruction.code = MOVE;
                instruction.set_dst_reg(0);
                instruction.imm = instance as i32;
            }
            _ => {}
        }
    }
}
