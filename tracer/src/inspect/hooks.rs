//! Where the programs of one dataplane run, of all kinds of hooks: devices of this network namespace, control groups, maps of
//! sockets.

use std::collections::BTreeSet;

use super::{Error, cgroups, net, owners::Owners, pins::Pins, programs, sock_maps};
use crate::{kernel::Root, model::ProgramInfo};

/// A place where a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The device, control group or map; foreign text.
    pub place: String,
    /// As bpftool calls it: `tcx/ingress`, `cgroup_inet4_connect`, `sk_msg_verdict`.
    pub kind: String,
    /// Id of the program.
    pub program: u32,
    /// Its name; foreign text.
    pub name: String,
    /// Maps that it uses.
    pub maps: Vec<u32>,
    /// The map whose sockets it runs for.
    pub map: Option<u32>,
}

/// A program that is loaded, whether it runs anywhere or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its id.
    pub id: u32,
    /// Its name; foreign text.
    pub name: String,
    /// Maps that it uses.
    pub maps: Vec<u32>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Programs where they run.
    pub hooks: Vec<Hook>,
    /// Names of the devices of this network namespace; foreign text.
    pub devices: Vec<String>,
    /// Programs that are loaded.
    pub loaded: Vec<Loaded>,
    /// Where control groups are mounted; foreign text.
    pub groups: Option<String>,
    /// What could not be looked at, in sentences.
    pub notes: Vec<String>,
}

/// Looks for programs that have a name which `is_ours` knows, or that use one of these maps.
pub fn find(root: &Root, maps: &BTreeSet<u32>, is_ours: impl Fn(&str) -> bool) -> Result<Hooks, Error> {
    let mut found = Hooks::default();
    for row in programs::rows(root, &Pins::default(), &Owners::default())? {
        let name = name(&row.info);
        if is_ours(&name) || row.info.maps.iter().any(|map| maps.contains(map)) {
            found.loaded.push(Loaded { id: row.info.id, name, maps: row.info.maps });
        }
    }
    if !found.loaded.is_empty() {
        devices(root, &mut found)?;
        groups(root, &mut found)?;
        sockets(&mut found)?;
    }
    Ok(found)
}

fn name(program: &ProgramInfo) -> String {
    String::from_utf8_lossy(program.full_name()).into_owned()
}

impl Hooks {
    /// True if a program of ours runs at a hook of such a name.
    pub fn has(&self, kind: &str) -> bool {
        self.hooks.iter().any(|hook| hook.kind == kind)
    }

    fn add(&mut self, place: String, kind: &str, program: u32, map: Option<u32>) {
        if let Some(loaded) = self.loaded.iter().find(|loaded| loaded.id == program) {
            let (name, maps) = (loaded.name.clone(), loaded.maps.clone());
            self.hooks.push(Hook { place, kind: kind.to_owned(), program, name, maps, map });
        }
    }
}

fn devices(root: &Root, found: &mut Hooks) -> Result<(), Error> {
    for namespace in net::read(root, &net::Which::Own)?.namespaces {
        found.notes.extend(namespace.notes);
        found.devices.extend(namespace.interfaces.iter().map(|interface| lossy(&interface.device.name)));
        for at in namespace.attachments {
            let place = at.device.map_or_else(|| "this namespace".to_owned(), |device| lossy(&device.name));
            if let Some(program) = at.program {
                found.add(place, &at.hook, program, None);
            }
        }
    }
    Ok(())
}

fn groups(root: &Root, found: &mut Hooks) -> Result<(), Error> {
    let Some(top) = cgroups::mount(root) else {
        found.notes.push("no control groups of version 2 are mounted".to_owned());
        return Ok(());
    };
    found.groups = Some(lossy(top.as_os_str().as_encoded_bytes()));
    let (rows, notes) = cgroups::rows(root, &top, false)?;
    found.notes.extend(notes);
    for row in rows {
        found.add(lossy(&row.path), &row.hook, row.program, None);
    }
    Ok(())
}

fn sockets(found: &mut Hooks) -> Result<(), Error> {
    for row in sock_maps::rows()? {
        found.add(lossy(&row.map_name), row.hook, row.program, Some(row.map));
    }
    Ok(())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
