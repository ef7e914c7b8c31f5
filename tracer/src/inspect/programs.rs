//! Loaded programs.

use std::{
    collections::{HashMap, HashSet},
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use super::{
    Error, fdinfo,
    owners::Owners,
    pins::Pins,
    sys::{self, Object},
};
use crate::{
    collect::lookup,
    kernel::{Root, btf::Btf},
    model::{Name, ProgramInfo, ProgramKind, ProgramRow, attachment::Runs, map::Offload},
};

const STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";
/// Bytes that the kernel keeps of a name.
const NAME_BYTES: usize = 15;

/// Every program there is now, by its id.
pub fn rows(root: &Root, pins: &Pins, owners: &Owners) -> Result<Vec<ProgramRow>, Error> {
    let mut names = Names::counting(root);
    let mut rows = Vec::new();
    for id in ids()? {
        let Some((info, own)) = look(id, &mut names)? else { continue };
        rows.push(ProgramRow {
            memory: own.and_then(|own| own.memory),
            counted: names.counted,
            pins: pins.of_program(id).to_vec(),
            owners: owners.of_program(id).to_vec(),
            info,
        });
    }
    Ok(rows)
}

/// Ids of all programs that there are now, in rising order.
pub fn ids() -> Result<Vec<u32>, Error> {
    let mut ids = Vec::new();
    let mut last = 0;
    let refused = |error| Error::asking("listing programs", "CAP_SYS_ADMIN", error);
    while let Some(id) = sys::next_id(Object::Program, last).map_err(refused)? {
        ids.push(id);
        last = id;
    }
    Ok(ids)
}

/// Ids of the maps that some loaded program uses.
pub fn used_maps() -> Result<HashSet<u32>, Error> {
    let mut used = HashSet::new();
    for id in ids()? {
        if let Some(handle) = open(id)? {
            used.extend(asked(&handle)?.maps);
        }
    }
    Ok(used)
}

/// A program with its descriptor's own account; `None` if it is gone again.
fn look(id: u32, names: &mut Names) -> Result<Option<(ProgramInfo, Option<fdinfo::Held>)>, Error> {
    let Some(handle) = open(id)? else { return Ok(None) };
    let found = asked(&handle)?;
    let own = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd())).ok();
    Ok(Some((described(id, found, names), own.and_then(|text| fdinfo::held(&text)))))
}

/// `None` for a program that is gone again.
fn open(id: u32) -> Result<Option<OwnedFd>, Error> {
    match sys::by_id(Object::Program, id) {
        Ok(handle) => Ok(Some(handle)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(Error::asking("opening programs by their ids", "CAP_SYS_ADMIN", error)),
    }
}

fn asked(program: &OwnedFd) -> Result<sys::Program, Error> {
    let failed = |source| Error::Ask { what: "asking the kernel about a program", source };
    sys::program_info(program.as_fd()).map_err(failed)
}

fn described(id: u32, found: sys::Program, names: &mut Names) -> ProgramInfo {
    let info = &found.info;
    let name = Name(info.name.map(|byte| byte as u8));
    let btf = (info.btf_id != 0).then_some(info.btf_id);
    // Only a name that fills its place may have been longer.
    let cut = name.bytes().len() == NAME_BYTES;
    let function = btf.filter(|_| cut).and_then(|btf| names.function(btf, found.function));
    ProgramInfo {
        // Of an orphaned one the kernel tells not even that.
        id,
        kind: ProgramKind(info.type_),
        name,
        function,
        tag: info.tag,
        gpl: info.gpl_compatible() != 0,
        loaded_at: info.load_time,
        uid: info.created_by_uid,
        translated_bytes: info.xlated_prog_len,
        native_bytes: info.jited_prog_len,
        btf,
        run_time: info.run_time_ns,
        runs: info.run_cnt,
        misses: info.recursion_misses,
        verified: info.verified_insns,
        target_btf: info.attach_btf_obj_id,
        target: info.attach_btf_id,
        offload: Offload::of(info.ifindex, info.netns_dev, info.netns_ino),
        orphaned: found.orphaned,
        maps: found.maps,
    }
}

/// What lists of hooks say of a program.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its whole name; foreign bytes.
    pub(super) name: Vec<u8>,
    /// How often it ran, where that is or was counted.
    pub(super) runs: Option<Runs>,
    /// `attach_btf_obj_id` and `attach_btf_id`.
    pub(super) target: (u32, u32),
}

/// Programs by their ids, each asked for once. The types that a name is in are read once, where many programs share them.
#[derive(Default)]
pub(super) struct Names {
    last: Option<(u32, Btf)>,
    programs: HashMap<u32, Option<Known>>,
    /// Runs are counted at present.
    counted: bool,
}

impl Names {
    /// One that knows whether runs are counted, so that 0 of them can be told from none that were counted.
    pub(super) fn counting(root: &Root) -> Self {
        Self { counted: root.text(STATS).is_ok_and(|text| text == "1"), ..Self::default() }
    }

    /// The name of the program with this id; `None` if it is gone, or may not be asked for.
    pub(super) fn of(&mut self, id: u32) -> Option<Vec<u8>> {
        self.known(id).map(|known| known.name)
    }

    /// The same with what else is said beside hooks.
    pub(super) fn known(&mut self, id: u32) -> Option<Known> {
        if let Some(known) = self.programs.get(&id) {
            return known.clone();
        }
        let found = look(id, self).ok().flatten();
        let counted = self.counted;
        let known = found.map(|(info, _)| Known {
            runs: (counted || info.runs > 0).then_some(Runs { count: info.runs, time: info.run_time }),
            target: (info.target_btf, info.target),
            name: info.full_name().to_vec(),
        });
        self.programs.insert(id, known.clone());
        known
    }

    /// Name of a function in the types with this id.
    pub(super) fn function(&mut self, btf: u32, function: u32) -> Option<String> {
        if self.last.as_ref().is_none_or(|(id, _)| *id != btf) {
            self.last = read(btf).ok().map(|types| (btf, types));
        }
        let (_, types) = self.last.as_ref()?;
        let name = types.name(types.get(function)?);
        (!name.is_empty()).then(|| name.to_owned())
    }
}

fn read(btf: u32) -> io::Result<Btf> {
    lookup::types(btf)
}
