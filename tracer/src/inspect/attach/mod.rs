//! Where programs are attached in the namespace at hand: a file for each kind of hook, all named in [`KINDS`].

mod classifier;
mod flow_dissector;
mod netfilter;
mod netkit;
mod sk_lookup;
mod tcx;
mod xdp;

pub(super) use netfilter::attachment as netfilter;
use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd as _, BorrowedFd},
};

use super::{
    interfaces::{Link, Qdisc},
    links::Links,
    netlink::Netlink,
    programs::Names,
    sys::{self, Target},
};
use crate::model::{
    Attachment, Device,
    attachment::{Details, Section},
};

/// Every kind of hook, those of one device in order of execution.
pub(super) const KINDS: &[&dyn Kind] = &[
    &xdp::Xdp,
    &tcx::Tcx,
    &netkit::Netkit,
    &classifier::Classifier,
    &flow_dissector::FlowDissector,
    &sk_lookup::SkLookup,
    &netfilter::Netfilter,
];

/// A kind of hook.
pub(super) trait Kind: Sync {
    /// As messages call it.
    fn name(&self) -> &'static str;

    /// What is attached in the namespace that this thread is in. Names are looked up afterwards.
    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()>;
}

/// What is known of the namespace at hand.
pub(super) struct Scene<'a> {
    /// A socket in it.
    pub(super) netlink: &'a mut Netlink,
    /// Its file.
    pub(super) netns: BorrowedFd<'a>,
    /// Its interfaces.
    pub(super) interfaces: &'a [Link],
    /// Its queueing disciplines.
    pub(super) qdiscs: &'a [Qdisc],
    /// All links of the kernel.
    pub(super) links: &'a Links,
}

/// Asks every kind of hook. What one cannot tell is a note.
pub(super) fn all(scene: &mut Scene<'_>, names: &mut Names, notes: &mut Vec<String>) -> Vec<Attachment> {
    let mut found = Vec::new();
    for kind in KINDS {
        if let Err(error) = kind.find(scene, &mut found) {
            notes.push(format!("{} cannot be looked at: {error}", kind.name()));
        }
    }
    // Kinds of one section stand device by device; the sort keeps their order.
    found.sort_by_key(|one| (one.section, one.device.as_ref().map(|device| device.index)));
    number(&mut found);
    for one in &mut found {
        know(one, names);
    }
    found
}

/// Fills in what is known of the program, but for the name that its filter was given.
pub(super) fn know(one: &mut Attachment, names: &mut Names) {
    if let Some(known) = one.program.and_then(|id| names.known(id)) {
        one.runs = known.runs;
        if one.name.is_empty() {
            one.name = known.name;
        }
    }
}

/// Counts what is run one after the other: tcx before the filters of clsact, each direction by itself.
fn number(found: &mut [Attachment]) {
    let mut counts: HashMap<(Option<u32>, String), u32> = HashMap::new();
    for one in found.iter_mut().filter(|one| one.section == Section::Tc) {
        let place = match one.hook.as_str() {
            "tcx/ingress" | "clsact/ingress" => "in",
            "tcx/egress" | "clsact/egress" => "out",
            other => other,
        };
        let count = counts.entry((one.device.as_ref().map(|device| device.index), place.to_owned())).or_default();
        *count += 1;
        one.order = *count;
    }
}

/// Programs at a hook of a device that is asked for by number.
fn at_device(device: &Device, hook: u32, name: &str, out: &mut Vec<Attachment>) -> io::Result<()> {
    let attached = match sys::query(Target::Device(device.index), hook, 0, true) {
        Ok(attached) => attached,
        // The device is gone again, or none of the kind that has such a hook.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENOENT | libc::ENXIO)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let links = attached.links.into_iter().map(|link| (link != 0).then_some(link));
    for (program, link) in attached.programs.into_iter().zip(links) {
        out.push(Attachment {
            section: Section::Tc,
            device: Some(device.clone()),
            hook: name.to_owned(),
            order: 0,
            program: Some(program),
            name: Vec::new(),
            link,
            runs: None,
            details: Details::None,
        });
    }
    Ok(())
}

/// Programs of the namespace itself.
fn at_netns(scene: &Scene<'_>, hook: u32, section: Section, out: &mut Vec<Attachment>) -> io::Result<()> {
    let attached = sys::query(Target::File(scene.netns.as_fd()), hook, 0, false)?;
    let several = attached.programs.len() > 1;
    for (place, program) in attached.programs.into_iter().enumerate() {
        out.push(Attachment {
            section,
            device: None,
            hook: String::new(),
            order: if several { place as u32 + 1 } else { 0 },
            program: Some(program),
            name: Vec::new(),
            link: None,
            runs: None,
            details: Details::None,
        });
    }
    Ok(())
}
