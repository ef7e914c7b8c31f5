//! What is found in a kernel, as tables: the same for commands, scripts and screens.

mod cgroups;
mod findings;
mod maps;
mod net;
mod programs;
mod rates;

pub use cgroups::{cgroups, sock_maps};
pub use findings::findings;
pub use maps::maps;
pub use net::{everywhere, net};
pub use programs::programs;
pub use rates::RunRates;

use serde_json::{Value, json};

use super::table::{Cell, foreign};
use crate::model::{Process, ProgramKind, map::Offload};

/// A type of program by its name, if it has one.
fn kind(kind: ProgramKind) -> Cell {
    kind.name().map_or_else(|| Cell::number(kind.0), Cell::text)
}

/// The device that holds it, for scripts.
fn offload(offload: Option<Offload>) -> Cell {
    Cell::json(offload.map(|one| json!({ "ifindex": one.index, "ns_dev": one.netns_device, "ns_inode": one.netns })))
}

/// Processes as bpftool names them, for scripts.
fn pids(owners: &[Process]) -> Value {
    owners.iter().map(|owner| json!({ "pid": owner.pid, "comm": foreign(&owner.comm) })).collect()
}

/// Paths, for scripts.
fn paths(pins: &[std::path::PathBuf]) -> Value {
    use std::os::unix::ffi::OsStrExt as _;
    pins.iter().map(|pin| foreign(pin.as_os_str().as_bytes())).collect()
}

/// Pins and processes in one cell, for people.
fn held_by(pins: &[std::path::PathBuf], owners: &[Process]) -> Cell {
    let pins = pins.iter().map(|pin| pin.to_string_lossy().into_owned());
    let owners = owners.iter().map(|owner| format!("{}({})", String::from_utf8_lossy(&owner.comm), owner.pid));
    let all: Vec<String> = pins.chain(owners).collect();
    if all.is_empty() { Cell::none() } else { Cell::text(all.join(", ")) }
}
