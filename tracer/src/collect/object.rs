//! The eBPF object's programs, loaded one by one as a backend needs them.
//!
//! They go through a loader of our own over `aya-obj`, since aya can neither load for a kprobe-multi link nor patch
//! instructions: the placeholder calls of `tracer-ebpf/src/read.rs` become the kfunc `bpf_rdonly_cast` and the number of
//! the program's instance.

use std::{
    collections::HashSet,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::{
    ProgramSection,
    btf::BtfFeatures,
    generated::{
        bpf_attach_type::{BPF_TRACE_FENTRY, BPF_TRACE_FEXIT, BPF_TRACE_KPROBE_MULTI},
        bpf_insn, bpf_prog_type,
    },
};
use tracer_common::config::{Chain, Offsets, Settings};

use super::{
    error::Error,
    fold,
    maps::{self, Handles, Maps},
    sys::{self, Load},
};

/// The built object; `tracer-ebpf/rebuild` makes it.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../assets/skbtrail.bpf.o");

/// The map that leads to the program that judges, and that program.
const JUDGE: &str = "JUDGE";
const JUDGE_PROGRAM: &str = "judge";

/// Helper numbers that stand for what only the loader knows; `tracer-ebpf/src/read.rs` has the same.
const RDONLY_CAST: i32 = 0x7f01;
const INSTANCE: i32 = 0x7f02;

/// The helper `bpf_get_attach_cookie`, which programs of raw tracepoints may call since 6.10.
const ATTACH_COOKIE: i32 = 174;

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

/// The object with its maps made: programs can be loaded.
pub struct Object {
    parsed: aya_obj::Object,
    btf: OwnedFd,
    rdonly_cast: u32,
    /// A program cannot be loaded once one of its maps is gone.
    handles: Handles,
}

impl Object {
    /// Makes the maps, with a ring of `ring_bytes` (a power of two, at least a page).
    pub fn open(constants: &Constants, chains: &[Chain], ring_bytes: u32) -> Result<(Self, Maps), Error> {
        let broken = |error: &dyn std::fmt::Display| Error::Object(error.to_string());
        let mut parsed = aya_obj::Object::parse(OBJECT).map_err(|e| broken(&e))?;
        let globals = [
            ("OFFSETS", (bytemuck::bytes_of(&constants.offsets), true)),
            ("SETTINGS", (bytemuck::bytes_of(&constants.settings), true)),
        ];
        parsed.patch_map_data(globals.into_iter().collect()).map_err(|e| broken(&e))?;
        let handles = Handles::make(&mut parsed, ring_bytes)?;
        let text: HashSet<usize> = parsed.functions.keys().map(|(section, _)| *section).collect();
        parsed.relocate_maps(handles.iter(), &text).map_err(|e| broken(&e))?;
        parsed.relocate_calls(&text).map_err(|e| broken(&e))?;
        let btf = type_information(&mut parsed)?;
        maps::set_chains(&handles, chains)?;
        let maps = Maps::open(&handles)?;
        Ok((Self { parsed, btf, rdonly_cast: constants.rdonly_cast, handles }, maps))
    }

    /// Loads the program that judges the hits of functions, and has the programs at the functions jump to it.
    ///
    /// It stays in force as long as this process holds the map of programs.
    pub fn load_judge(&self, multi: bool) -> Result<OwnedFd, Error> {
        let judge = self.load(JUDGE_PROGRAM, multi)?;
        sys::set_value(self.handles.get(JUDGE)?, 0, &judge.as_raw_fd().to_ne_bytes())
            .map_err(|source| Error::Attach { place: JUDGE.to_owned(), source })?;
        Ok(judge)
    }

    /// Tells the kernel side the numbers of probes by their addresses.
    pub fn number_probes(&self, probes: impl Iterator<Item = (u64, u32)>) -> Result<(), Error> {
        maps::set_probes(&self.handles, probes)
    }

    /// Loads the program `name` for a function (`multi`: through a kprobe-multi link).
    pub fn load(&self, name: &str, multi: bool) -> Result<OwnedFd, Error> {
        self.load_as(name, if multi { Attach::KprobeMulti } else { Attach::Single }, Instance::Number(0))
    }

    /// Loads the program `name` for a raw tracepoint.
    pub fn load_tracepoint(&self, name: &str, instance: Instance) -> Result<OwnedFd, Error> {
        self.load_as(name, Attach::Single, instance)
    }

    /// Loads the program `name` for the entry or the end of the function that has `id` in the kernel's BTF.
    pub fn load_traced(&self, name: &str, id: u32, instance: u32) -> Result<OwnedFd, Error> {
        self.load_as(name, Attach::Function(id), Instance::Number(instance))
    }

    /// Loads the program `name` for the entry or the end of the function that has `id` in the BTF of another BPF program.
    pub fn load_on(&self, name: &str, program: BorrowedFd<'_>, id: u32, instance: u32) -> Result<OwnedFd, Error> {
        self.load_as(name, Attach::Program(program, id), Instance::Number(instance))
    }

    fn load_as(&self, name: &str, attach: Attach<'_>, instance: Instance) -> Result<OwnedFd, Error> {
        let unknown = || Error::Object(format!("no program `{name}`"));
        let program = self.parsed.programs.get(name).ok_or_else(unknown)?;
        let function = self.parsed.functions.get(&program.function_key()).ok_or_else(unknown)?;
        let (kind, attach_type) = match (&program.section, attach) {
            (ProgramSection::RawTracePoint, _) => (bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT, None),
            (ProgramSection::FEntry { .. }, _) => (bpf_prog_type::BPF_PROG_TYPE_TRACING, Some(BPF_TRACE_FENTRY)),
            (ProgramSection::FExit { .. }, _) => (bpf_prog_type::BPF_PROG_TYPE_TRACING, Some(BPF_TRACE_FEXIT)),
            (_, Attach::KprobeMulti) => (bpf_prog_type::BPF_PROG_TYPE_KPROBE, Some(BPF_TRACE_KPROBE_MULTI)),
            _ => (bpf_prog_type::BPF_PROG_TYPE_KPROBE, None),
        };
        let functions = function.func_info.func_info_bytes();
        let mut code = fold::Program { instructions: function.instructions.clone(), functions };
        patch(&mut code.instructions, self.rdonly_cast, instance);
        for frozen in self.handles.frozen() {
            code.fold(&frozen);
        }
        let load = Load {
            name,
            kind,
            attach_type,
            attach_function: if let Attach::Function(id) | Attach::Program(_, id) = attach { id } else { 0 },
            attach_program: if let Attach::Program(program, _) = attach { Some(program) } else { None },
            instructions: &code.instructions,
            license: &self.parsed.license,
            btf: self.btf.as_fd(),
            functions: &code.functions,
        };
        sys::load_program(&load).map_err(|(source, log)| Error::Load { program: name.to_owned(), source, log })
    }
}

/// What tells one use of a program from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// A number that is part of its code, so that each use is a program of its own.
    Number(u32),
    /// The cookie of the link by which it is attached.
    Cookie,
}

/// What a program is attached to.
#[derive(Clone, Copy)]
enum Attach<'a> {
    /// One function, or a tracepoint.
    Single,
    /// Many functions, through one link.
    KprobeMulti,
    /// The function with this id in the kernel's BTF, through a trampoline.
    Function(u32),
    /// The function with this id in the BTF of a BPF program.
    Program(BorrowedFd<'a>, u32),
}

/// Kinds of types that all kernels know on which this runs (5.17), so that none has to be asked by loading trials: all but
/// 64-bit enumerations (6.0), for which others stand then.
const KINDS: BtfFeatures = BtfFeatures::new(true, true, true, true, true, true, true, false);

/// Hands the object's type information to the kernel.
fn type_information(object: &mut aya_obj::Object) -> Result<OwnedFd, Error> {
    let broken = |error: String| Error::Object(format!("type information: {error}"));
    let btf = object.fixup_and_sanitize_btf(&KINDS).map_err(|error| broken(error.to_string()))?;
    let bytes = btf.ok_or_else(|| broken("there is none".to_owned()))?.to_bytes();
    sys::load_btf(&bytes).map_err(|error| broken(error.to_string()))
}

/// Fills in what only the loader knows. Without the kfunc its placeholder stays: the verifier drops that branch.
fn patch(instructions: &mut [bpf_insn], rdonly_cast: u32, instance: Instance) {
    for instruction in instructions.iter_mut().filter(|i| i.code == CALL && i.src_reg() == 0) {
        match instruction.imm {
            RDONLY_CAST if rdonly_cast != 0 => {
                instruction.set_src_reg(KFUNC);
                instruction.imm = rdonly_cast as i32;
                instruction.off = 0;
            }
            INSTANCE => match instance {
                Instance::Number(number) => {
                    instruction.code = MOVE;
                    instruction.set_dst_reg(0);
                    instruction.imm = number as i32;
                }
                Instance::Cookie => instruction.imm = ATTACH_COOKIE,
            },
            _ => {}
        }
    }
}
