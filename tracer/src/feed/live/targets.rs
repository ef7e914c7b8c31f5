//! What a run is attached to: functions and tracepoints, each with the program for it.

use std::sync::Arc;

use super::{Error, Options};
use crate::{
    collect::{
        attach::{self, Target, tracepoint::Tracepoint},
        session::Backend,
    },
    kernel::{Root, btf::Btf},
    model::Probe,
    probe::{self, Function, Plan, lifecycle},
};

/// The tracepoint that tells of drops.
const DROP_TRACEPOINT: &str = "kfree_skb";

/// What to attach to.
pub(super) struct Found {
    /// Functions, in the order in which single kprobes are to be attached.
    pub(super) targets: Vec<Target>,
    /// Tracepoints, beside them or instead.
    pub(super) tracepoints: Vec<Tracepoint>,
    /// All of them; the position is the probe's id.
    pub(super) probes: Vec<Probe>,
}

/// Functions and tracepoints of this run; the position in `probes` is the probe's id.
pub(super) fn find(
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
        let Some(program) = program_for(function) else { continue };
        found.targets.push(Target { program, address: function.address, function: function.name.clone() });
        found.probes.push(function.probe());
    }
    if !options.others.is_empty() {
        for probe in options.others.find(root, &discovery.functions)? {
            let target = Target { program: attach::WITHOUT, address: probe.address, function: probe.name.clone() };
            found.targets.push(target);
            found.probes.push(probe);
        }
    }
    Ok(())
}

/// Name of the program for a function.
fn program_for(function: &Function) -> Option<&'static str> {
    let (name, position) = (&*function.name, function.position);
    let special = || {
        let freeing = lifecycle::freeing(name).filter(|_| position == 1).map(attach::program_for_freeing);
        let lacks = lifecycle::lacks(name, position);
        freeing.or_else(|| attach::program_for_unfinished(lacks?, position))
    };
    let special = if function.double { None } else { special() };
    special.or_else(|| attach::program_for(position, function.double))
}
