//! Programs in the filters of traffic control: of clsact, of ingress, of any other qdisc and its classes, and as actions of
//! filters of other kinds.

use std::io;

use super::{Kind, Scene};
use crate::{
    inspect::{
        interfaces::TC_HEAD,
        netlink::{Attributes, Netlink, text, u32_at},
    },
    model::{
        Attachment, Device,
        attachment::{Details, Section},
    },
};

const RTM_GETTCLASS: u16 = 42;
const RTM_GETTFILTER: u16 = 46;
/// `TC_H_ROOT`, and `TC_H_CLSACT` with `TC_H_MIN_INGRESS` and `TC_H_MIN_EGRESS`.
const ROOT: u32 = 0xffff_ffff;
const INGRESS: u32 = 0xffff_fff2;
const EGRESS: u32 = 0xffff_fff3;

pub(super) struct Classifier;

impl Kind for Classifier {
    fn name(&self) -> &'static str {
        "traffic control"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        for link in scene.interfaces {
            for (parent, name) in parents(scene, link.device.index)? {
                match filters(scene.netlink, &link.device, parent, &name) {
                    Ok(found) => out.extend(found),
                    // What was to be asked is gone, or takes no filters.
                    Err(error) if matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EINVAL | libc::ENOENT)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// What may have filters at a device, with how it is called.
fn parents(scene: &mut Scene<'_>, device: u32) -> io::Result<Vec<(u32, String)>> {
    let mut parents = Vec::new();
    let mut has_classes = false;
    for qdisc in scene.qdiscs.iter().filter(|qdisc| qdisc.device == device) {
        if qdisc.is_at_ends() {
            parents.push((INGRESS, "clsact/ingress".to_owned()));
            if qdisc.kind == "clsact" {
                parents.push((EGRESS, "clsact/egress".to_owned()));
            }
        } else if qdisc.handle != 0 {
            has_classes = true;
            parents.push((qdisc.handle, qdisc.kind.clone()));
        }
    }
    if has_classes {
        parents.extend(classes(scene.netlink, device)?);
    }
    Ok(parents)
}

fn classes(netlink: &mut Netlink, device: u32) -> io::Result<Vec<(u32, String)>> {
    let class = |message: &[u8]| {
        let kind = Attributes::after(message, TC_HEAD).get(1).map(text)?;
        Some((u32_at(message, 8)?, format!("{}/class", String::from_utf8_lossy(kind))))
    };
    let found = netlink.dump(RTM_GETTCLASS, &question(device, 0), |classes: &mut Vec<_>, message| {
        classes.extend(class(message).filter(|&(handle, _)| handle != ROOT));
    });
    match found {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(Vec::new()),
        found => found,
    }
}

fn filters(netlink: &mut Netlink, device: &Device, parent: u32, hook: &str) -> io::Result<Vec<Attachment>> {
    netlink.dump(RTM_GETTFILTER, &question(device.index, parent), |found: &mut Vec<Attachment>, message| {
        found.extend(filter(device, hook, message));
    })
}

/// `struct tcmsg` that asks for what belongs to a parent at a device.
fn question(device: u32, parent: u32) -> Vec<u8> {
    [0, device, 0, parent, 0].into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// Programs of a filter: itself, and its actions.
fn filter(device: &Device, hook: &str, message: &[u8]) -> Vec<Attachment> {
    const KIND: u16 = 1;
    const OPTIONS: u16 = 2;
    let attributes = Attributes::after(message, TC_HEAD);
    let kind = String::from_utf8_lossy(attributes.get(KIND).map(text).unwrap_or_default()).into_owned();
    let (handle, info) = (u32_at(message, 8).unwrap_or_default(), u32_at(message, 16).unwrap_or_default());
    let preference = (info >> 16) as u16;
    let options = attributes.within(OPTIONS);
    let attachment = |program: &Program<'_>, action_of: Option<String>, direct_action| Attachment {
        section: Section::Tc,
        device: Some(device.clone()),
        hook: hook.to_owned(),
        order: 0,
        program: program.id,
        name: program.name.to_vec(),
        link: None,
        runs: None,
        details: Details::Filter { preference, handle, direct_action, action_of },
    };
    let mut found = Vec::new();
    if kind == "bpf" && handle != 0 {
        let direct_action = options.u32(CLASSIFIER.flags).is_some_and(|flags| flags & 1 == 1);
        found.extend(program(options, &CLASSIFIER).map(|program| attachment(&program, None, direct_action)));
    }
    for (_, action) in actions(&kind).map(|actions| options.within(actions)).into_iter().flatten() {
        let action = Attributes(action);
        if action.get(1).map(text) == Some(b"bpf") {
            let program = program(action.within(OPTIONS), &ACTION);
            found.extend(program.map(|program| attachment(&program, Some(kind.clone()), false)));
        }
    }
    found
}

/// Kinds of the attributes that tell a program.
struct Layout {
    name: u16,
    flags: u16,
    id: u16,
}

/// `TCA_BPF_…`, `TCA_ACT_BPF_…`.
const CLASSIFIER: Layout = Layout { name: 7, flags: 8, id: 11 };
const ACTION: Layout = Layout { name: 6, flags: 0, id: 9 };

struct Program<'a> {
    id: Option<u32>,
    name: &'a [u8],
}

fn program<'a>(options: Attributes<'a>, layout: &Layout) -> Option<Program<'a>> {
    let (id, name) = (options.u32(layout.id), options.get(layout.name).map(text));
    (id.is_some() || name.is_some()).then(|| Program { id, name: name.unwrap_or_default() })
}

/// The attribute that holds the actions of a filter of this kind (`TCA_U32_ACT` and its like).
fn actions(kind: &str) -> Option<u16> {
    Some(match kind {
        "bpf" | "cgroup" => 1,
        "matchall" => 2,
        "basic" | "flower" => 3,
        "fw" => 4,
        "route" => 6,
        "u32" => 7,
        "flow" => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::netlink::attribute;

    fn message(handle: u32, kind: &[u8], options: &[u8]) -> Vec<u8> {
        let mut message: Vec<u8> =
            [0, 2, handle, INGRESS, 5 << 16 | 3].into_iter().flat_map(u32::to_ne_bytes).collect();
        attribute(1, kind, &mut message);
        attribute(2, options, &mut message);
        message
    }

    fn device() -> Device {
        Device { index: 2, name: b"eth0".to_vec() }
    }

    #[test]
    fn a_classifier_with_direct_action() {
        let mut options = Vec::new();
        attribute(7, b"drop.o:[tc]\0", &mut options);
        attribute(8, &1_u32.to_ne_bytes(), &mut options);
        attribute(11, &31_u32.to_ne_bytes(), &mut options);
        let found = filter(&device(), "clsact/ingress", &message(1, b"bpf\0", &options));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.program, one.name.as_slice()), (Some(31), b"drop.o:[tc]".as_slice()));
        let expected = Details::Filter { preference: 5, handle: 1, direct_action: true, action_of: None };
        assert_eq!(one.details, expected);
        // The filter's head comes by itself too, without a handle.
        assert!(filter(&device(), "clsact/ingress", &message(0, b"bpf\0", &options)).is_empty());
    }

    #[test]
    fn an_action_of_another_filter() {
        let (mut program, mut action, mut list, mut options) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        attribute(6, b"act\0", &mut program);
        attribute(9, &32_u32.to_ne_bytes(), &mut program);
        attribute(1, b"bpf\0", &mut action);
        attribute(2, &program, &mut action);
        attribute(1, &action, &mut list);
        attribute(2, &list, &mut options);
        let found = filter(&device(), "clsact/egress", &message(1, b"matchall\0", &options));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.program, Some(32));
        assert!(matches!(&one.details, Details::Filter { action_of: Some(kind), .. } if kind == "matchall"));
    }

    #[test]
    fn any_cut_is_survived() {
        let whole = message(1, b"bpf\0", &[0; 40]);
        for end in 0..whole.len() {
            let _ = filter(&device(), "", &whole[..end]);
        }
    }
}
